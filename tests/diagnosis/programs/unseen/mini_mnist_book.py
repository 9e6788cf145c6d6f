# following the book about making your own network,
# here with 3x3 "digits" that fit on one page, and biases added by me
import numpy


class neuralNetwork:

    def __init__(self, inputnodes, hiddennodes, outputnodes, learningrate=0.3):
        self.inodes = inputnodes
        self.hnodes = hiddennodes
        self.onodes = outputnodes
        self.lr = learningrate

        # w_i_j: link from node i to node j in the next layer
        self.wih = numpy.random.normal(0.0, pow(self.inodes, -0.5), (self.hnodes, self.inodes))
        self.who = numpy.random.uniform(0.05, 1.0, (self.onodes, self.hnodes))
        self.bh = numpy.zeros((self.hnodes, 1))
        self.bo = numpy.zeros((self.onodes, 1))
        self.activation_function = lambda x: 1.0 / (1.0 + numpy.exp(-x))

    def train(self, inputs_list, targets_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        targets = numpy.array(targets_list, ndmin=2).T

        hidden_outputs = self.activation_function(numpy.dot(self.wih, inputs) + self.bh)
        final_outputs = self.activation_function(numpy.dot(self.who, hidden_outputs) + self.bo)

        output_errors = targets - final_outputs
        output_grad = output_errors * final_outputs * (1.0 - final_outputs)

        # every hidden node gets its share, in proportion to its link weight
        share = self.who / numpy.sum(self.who, axis=1, keepdims=True)
        hidden_errors = numpy.dot(share.T, output_grad)
        hidden_grad = hidden_errors * hidden_outputs * (1.0 - hidden_outputs)

        self.who += self.lr * numpy.dot(output_grad, hidden_outputs.T)
        self.bo += self.lr * output_grad
        self.wih += self.lr * numpy.dot(hidden_grad, inputs.T)
        self.bh += self.lr * hidden_grad

    def query(self, inputs_list):
        inputs = numpy.array(inputs_list, ndmin=2).T
        hidden_outputs = self.activation_function(numpy.dot(self.wih, inputs) + self.bh)
        return self.activation_function(numpy.dot(self.who, hidden_outputs) + self.bo)


numpy.random.seed(42)

pictures = {
    "zero": ["###", "# #", "###"],
    "one": [" # ", " # ", " # "],
    "seven": ["###", "  #", "  #"],
}
names = list(pictures)
data = [[0.99 if c == "#" else 0.01 for row in pictures[k] for c in row] for k in names]

n = neuralNetwork(9, 6, 3, 0.3)
for epoch in range(500):
    for i, record in enumerate(data):
        targets = numpy.zeros(3) + 0.01
        targets[i] = 0.99
        n.train(record, targets)

for name, record in zip(names, data):
    out = n.query(record)
    print(name, "was read as", names[int(numpy.argmax(out))], out.ravel().round(3))
