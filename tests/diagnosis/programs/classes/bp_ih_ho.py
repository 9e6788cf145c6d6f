# back-propagation neural network, i = input, h = hidden, o = output
import math
import random

random.seed(0)


def rand(a, b):
    return (b - a) * random.random() + a


class NN:
    def __init__(self, ni, nh, no):
        self.ni, self.nh, self.no = ni, nh, no
        self.wih = [[rand(-1, 1) for h in range(nh)] for i in range(ni)]
        self.who = [[rand(-1, 1) for o in range(no)] for h in range(nh)]
        self.bh = [rand(-.5, .5) for h in range(nh)]
        self.bo = [rand(-.5, .5) for o in range(no)]

    def update(self, inputs):
        if len(inputs) != self.ni:
            raise ValueError("wrong number of inputs")
        self.ai = list(inputs)
        self.ah = []
        for h in range(self.nh):
            s = self.bh[h]
            for i in range(self.ni):
                s += self.ai[i] * self.wih[i][h]
            self.ah.append(math.tanh(s))
        self.ao = []
        for o in range(self.no):
            s = self.bo[o]
            for h in range(self.nh):
                s += self.ah[h] * self.who[h][o]
            self.ao.append(math.tanh(s))
        return self.ao

    def backPropagate(self, inputs, targets, N=0.2):
        self.update(inputs)

        od = [0.0] * self.no
        for o in range(self.no):
            od[o] = (targets[o] - self.ao[o]) * (1 - self.ao[o] ** 2)

        hd = [0.0] * self.nh
        for h in range(self.nh):
            error = 0.0
            for o in range(self.no):
                error = od[o] * self.who[h][o]
            hd[h] = error * (1 - self.ah[h] ** 2)

        for h in range(self.nh):
            for o in range(self.no):
                self.who[h][o] += N * od[o] * self.ah[h]
        for o in range(self.no):
            self.bo[o] += N * od[o]
        for i in range(self.ni):
            for h in range(self.nh):
                self.wih[i][h] += N * hd[h] * self.ai[i]
        for h in range(self.nh):
            self.bh[h] += N * hd[h]

        e = 0.0
        for o in range(self.no):
            e += 0.5 * (targets[o] - self.ao[o]) ** 2
        return e


def demo():
    # half adder: [a, b] -> [carry, sum]
    pat = [[[0, 0], [0, 0]], [[0, 1], [0, 1]], [[1, 0], [0, 1]], [[1, 1], [1, 0]]]
    n = NN(2, 4, 2)
    for it in range(1000):
        err = 0.0
        for p in pat:
            err += n.backPropagate(p[0], p[1])
        if it % 100 == 0:
            print("error %-.5f" % err)
    for p in pat:
        print(p[0], "->", ["%.2f" % v for v in n.update(p[0])])


if __name__ == "__main__":
    demo()
