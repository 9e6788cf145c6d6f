"""Week 3 homework, rewritten from memory: a shallow net that says 'cat' or 'not cat'.
Every column of X is one example."""
import numpy as np


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def relu(z):
    return np.maximum(0, z)


def initialize_parameters(n_x, n_h, n_y, seed=2):
    rng = np.random.RandomState(seed)
    return {
        "W1": rng.randn(n_h, n_x) * np.sqrt(2.0 / n_x),
        "b1": np.zeros((n_h, 1)),
        "W2": rng.randn(n_y, n_h) * 0.1,
        "b2": np.zeros((n_y, 1)),
    }


def propagate(params, X, Y):
    """forward pass, cost and backward pass in one go"""
    W1, b1 = params["W1"], params["b1"]
    W2, b2 = params["W2"], params["b2"]
    m = X.shape[1]

    # FORWARD
    Z1 = np.dot(W1, X) + b1
    A1 = relu(Z1)
    Z2 = np.dot(W2, A1) + b2
    A2 = sigmoid(Z2)

    # COST (cross entropy)
    logprobs = np.dot(Y.T, np.log(A2)) + np.dot((1 - Y).T, np.log(1 - A2))
    cost = -(1.0 / m) * np.sum(logprobs)

    # BACKWARD
    dZ2 = A2 - Y
    dW2 = (1.0 / m) * np.dot(dZ2, A1.T)
    db2 = (1.0 / m) * np.sum(dZ2, axis=1, keepdims=True)
    dA1 = np.dot(W2.T, dZ2)
    dZ1 = dA1 * (Z1 > 0)
    dW1 = (1.0 / m) * np.dot(dZ1, X.T)
    db1 = (1.0 / m) * np.sum(dZ1, axis=1, keepdims=True)

    grads = {"dW1": dW1, "db1": db1, "dW2": dW2, "db2": db2}
    return grads, cost


def optimize(params, X, Y, num_iterations, learning_rate):
    costs = []
    for i in range(num_iterations):
        grads, cost = propagate(params, X, Y)
        for key in params:
            params[key] = params[key] - learning_rate * grads["d" + key]
        if i % 100 == 0:
            costs.append(cost)
            print("Cost after iteration %i: %f" % (i, cost))
    return params, costs


def predict(params, X):
    A1 = relu(np.dot(params["W1"], X) + params["b1"])
    return (sigmoid(np.dot(params["W2"], A1) + params["b2"]) > 0.5).astype(int)


# toy "cats": whisker length, ear angle, weight (all standardised)
rng = np.random.RandomState(0)
cats = rng.randn(3, 20) * 0.6 + np.array([[1.0], [0.8], [-0.5]])
others = rng.randn(3, 20) * 0.6 - np.array([[0.7], [0.9], [-0.6]])
X_train = np.concatenate([cats, others], axis=1)
Y_train = np.concatenate([np.ones((1, 20)), np.zeros((1, 20))], axis=1)

parameters = initialize_parameters(3, 4, 1)
parameters, history = optimize(parameters, X_train, Y_train, 600, 0.3)
print("train accuracy: {} %".format(100 - np.mean(np.abs(predict(parameters, X_train) - Y_train)) * 100))

try:
    import matplotlib
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    plt.plot(history)
    plt.ylabel("cost")
except Exception:
    print("(no plot)")
