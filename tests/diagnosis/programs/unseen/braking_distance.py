# how far does the bicycle roll until it stands still?
# no numpy on the school computer, so everything is lists
import math
import random


def softplus(v):
    return math.log(1.0 + math.exp(v)) if v < 30 else v


def softplus_slope(v):
    return 1.0 / (1.0 + math.exp(-v))


def predict(W1, b1, W2, b2, x):
    h = []
    for row, b in zip(W1, b1):
        h.append(softplus(sum(w * xi for w, xi in zip(row, x)) + b))
    return [sum(w * hi for w, hi in zip(row, h)) + b for row, b in zip(W2, b2)]


def backprop(W1, b1, W2, b2, x, y):
    # hidden layer
    h = []
    for row, b in zip(W1, b1):
        h.append(sum(w * xi for w, xi in zip(row, x)) + b)
    # output layer
    out = []
    for row, b in zip(W2, b2):
        out.append(sum(w * softplus(hj) for w, hj in zip(row, h)) + b)

    # squared error, the half cancels the two
    d_out = [o - yi for o, yi in zip(out, y)]

    dW2 = [[d * hj for hj in h] for d in d_out]
    db2 = d_out[:]

    d_hid = []
    for j in range(len(h)):
        back = 0.0
        for k in range(len(d_out)):
            back += d_out[k] * W2[k][j]
        d_hid.append(back * softplus_slope(h[j]))

    dW1 = [[d * xi for xi in x] for d in d_hid]
    db1 = d_hid[:]
    return dW1, db1, dW2, db2


def descend(matrix, grad, rate):
    for i in range(len(matrix)):
        if isinstance(matrix[i], list):
            descend(matrix[i], grad[i], rate)
        else:
            matrix[i] -= rate * grad[i]


random.seed(12)
samples = []
for _ in range(30):
    speed, wet = random.uniform(0.2, 1.5), random.choice([0.0, 1.0])
    samples.append(([speed, wet], [speed * speed * (0.5 + 0.4 * wet)]))

HIDDEN = 5
W1 = [[random.gauss(0, 0.7) for _ in range(2)] for _ in range(HIDDEN)]
b1 = [0.0] * HIDDEN
W2 = [[random.gauss(0, 0.5) for _ in range(HIDDEN)]]
b2 = [0.0]

for epoch in range(201):
    random.shuffle(samples)
    total = 0.0
    for x, y in samples:
        total += 0.5 * (predict(W1, b1, W2, b2, x)[0] - y[0]) ** 2
        gW1, gb1, gW2, gb2 = backprop(W1, b1, W2, b2, x, y)
        for p, g in ((W1, gW1), (b1, gb1), (W2, gW2), (b2, gb2)):
            descend(p, g, 0.02)
    if epoch % 50 == 0:
        print("epoch", epoch, "error", round(total / len(samples), 5))

print("speed 1.0 dry:", predict(W1, b1, W2, b2, [1.0, 0.0]))
print("speed 1.0 wet:", predict(W1, b1, W2, b2, [1.0, 1.0]))
