# Half adder: 2 inputs, 2 hidden neurons, 2 outputs (sum, carry). No lists, no matrices, I want to SEE every weight.
import math


def s(z):
    return 1 / (1 + math.exp(-z))


class HalfAdder:
    def __init__(self, eta=0.5):
        self.eta = eta
        self.w1, self.w2, self.b1 = 0.35, -0.62, 0.11    # h1 from x1, x2
        self.w3, self.w4, self.b2 = -0.44, 0.73, -0.2    # h2 from x1, x2
        self.w5, self.w6, self.b3 = 0.51, 0.28, 0.05     # o1 from h1, h2
        self.w7, self.w8, self.b4 = -0.37, 0.66, -0.14   # o2 from h1, h2

    def forward(self, x):
        x1, x2 = x
        self.h1 = s(self.w1 * x1 + self.w2 * x2 + self.b1)
        self.h2 = s(self.w3 * x1 + self.w4 * x2 + self.b2)
        self.o1 = s(self.w5 * self.h1 + self.w6 * self.h2 + self.b3)
        self.o2 = s(self.w7 * self.h1 + self.w8 * self.h2 + self.b4)
        return [self.o1, self.o2]

    def train(self, x, t):
        x1, x2 = x
        t1, t2 = t
        self.forward(x)
        h1, h2, o1, o2 = self.h1, self.h2, self.o1, self.o2

        do1 = (o1 - t1) * o1 * (1 - o1)
        do2 = (o2 - t2) * o2 * (1 - o2)
        dh1 = (do1 * self.w5 + do2 * self.w7) * h1 * (1 - h1)
        dh2 = (do1 * self.w6 + do2 * self.w8) * h2 * (1 - h2)

        self.w1 -= self.eta * dh1 * x1
        self.w2 -= self.eta * dh1 * x2
        self.w3 -= self.eta * dh2 * x1
        self.w4 -= self.eta * dh2 * x2
        self.w5 -= self.eta * do1 * h1
        self.w6 -= self.eta * do1 * h2
        self.w7 -= self.eta * do2 * h1
        self.w8 -= self.eta * do2 * h2
        self.b1 -= self.eta * dh1
        self.b2 -= self.eta * dh2
        self.b3 -= self.eta * do1
        self.b4 -= self.eta * do2
        return 0.5 * ((o1 - t1) ** 2 + (o2 - t2) ** 2)


table = [((0, 0), (0, 0)), ((0, 1), (1, 0)), ((1, 0), (1, 0)), ((1, 1), (0, 1))]
adder = HalfAdder()
for epoch in range(6000):
    e = sum(adder.train(x, t) for x, t in table)
    if epoch % 500 == 0:
        print("epoch", epoch, "error", e)
print("w1 .. w4:", adder.w1, adder.w2, adder.w3, adder.w4)
print("w5 .. w8:", adder.w5, adder.w6, adder.w7, adder.w8)
for x, t in table:
    print(x, t, [round(v) for v in adder.forward(x)])
