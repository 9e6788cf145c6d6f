import numpy as np

class XorClassifier:
    inputNodes = 2
    hiddenNodes = 4
    outputNodes = 1

    def __init__(self):
        gen = np.random.RandomState(9)
        self.learningRate = 0.6
        self.W1 = gen.randn(self.inputNodes, self.hiddenNodes)
        self.b1 = gen.randn(1, self.hiddenNodes)
        self.W2 = gen.randn(self.hiddenNodes, self.outputNodes)
        self.b2 = gen.randn(1, self.outputNodes)

    def _sig(self, z):
        return 1.0 / (1.0 + np.exp(-z))

    def _dSig(self, a):
        return a * (1.0 - a)

    def forwardPass(self, X):
        self.hiddenOut = self._sig(X.dot(self.W1) + self.b1)
        self.finalOut = self._sig(self.hiddenOut.dot(self.W2) + self.b2)
        return self.finalOut

    def trainStep(self, X, y):
        out = self.forwardPass(X)

        outputError = out - y
        outputDelta = outputError * self._dSig(out)

        hiddenError = outputDelta.dot(self.W2.T)
        hiddenDelta = outputError * self._dSig(self.hiddenOut)

        gradW2 = self.hiddenOut.T.dot(outputDelta)
        gradW1 = X.T.dot(hiddenDelta)

        self.W2 -= self.learningRate * gradW2
        self.W1 -= self.learningRate * gradW1


X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
y = np.array([[0], [1], [1], [0]], dtype=float)

clf = XorClassifier()
print("start:", clf.forwardPass(X).ravel())
for i in range(2000):
    clf.trainStep(X, y)
    if i % 400 == 0:
        print("iteration", i, "error", np.sum((clf.forwardPass(X) - y) ** 2) / 2)
print("end:  ", clf.forwardPass(X).ravel())
print("rounded:", clf.forwardPass(X).ravel().round())
