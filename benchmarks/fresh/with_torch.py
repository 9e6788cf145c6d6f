"""A tiny problem with PyTorch: full-batch SGD, one thread, since there is nothing to share.

It is timed from the start of its process to the end.
"""

import sys

import numpy as np
import torch
from torch import nn

given = np.load(sys.argv[1])
epochs = int(sys.argv[2])
torch.set_num_threads(1)
x, t = torch.from_numpy(given["x"]), torch.from_numpy(given["t"])
depth = sum(name.startswith("W") for name in given.files)
parts: list[nn.Module] = []
for k in range(1, depth + 1):
    W, b = torch.from_numpy(given[f"W{k}"]), torch.from_numpy(given[f"b{k}"])
    dense = nn.Linear(W.shape[1], W.shape[0], dtype=W.dtype)
    dense.weight.data, dense.bias.data = W, b
    parts += [dense, nn.Sigmoid()]
network = nn.Sequential(*parts)
optimizer = torch.optim.SGD(network.parameters(), lr=0.5, foreach=True)

loss = torch.zeros(())
for _ in range(epochs):
    loss = nn.functional.mse_loss(network(x), t, reduction="sum") * (0.5 / len(x))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
print(loss.item())
