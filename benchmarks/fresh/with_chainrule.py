"""A tiny problem with chainrule: data and first weights from a file, the last loss printed.

It is timed from the start of its process to the end.
"""

import sys

import numpy as np

from chainrule import SGD, mlp, train

given = np.load(sys.argv[1])
epochs = int(sys.argv[2])
depth = sum(name.startswith("W") for name in given.files)
W, b = ([given[f"{letter}{k}"] for k in range(1, depth + 1)] for letter in "Wb")

network = mlp(
    W[0].shape[1], *(len(bias) for bias in b), activation="logistic", loss="squared-error"
)
run = train(
    network,
    given["x"],
    given["t"],
    SGD(0.5),
    epochs=epochs,
    record_every=epochs,
    theta=network.pack(W=W, b=b),
)
print(run.finish().loss)
