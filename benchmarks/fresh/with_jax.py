"""A tiny problem with JAX: all epochs in one jitted scan, its compilation included.

It is timed from the start of its process to the end, with and without JAX's cache on disk.
"""

import sys
from functools import partial
from typing import Any

import jax  # pyright: ignore[reportMissingImports] (in the benchmarks' environment alone)
import jax.numpy as jnp  # pyright: ignore[reportMissingImports]
import numpy as np

jax.config.update("jax_enable_x64", True)  # noqa: FBT003 (JAX's own form)
given = np.load(sys.argv[1])
epochs = int(sys.argv[2])
depth = sum(name.startswith("W") for name in given.files)
first = [(given[f"W{k}"].T, given[f"b{k}"]) for k in range(1, depth + 1)]


def value(params: Any, x: Any, t: Any) -> Any:
    for W, b in params:
        x = jax.nn.sigmoid(x @ W + b)
    return 0.5 * ((x - t) ** 2).sum() / len(t)


@partial(jax.jit, donate_argnums=0)
def run(params: Any, x: Any, t: Any) -> Any:
    def epoch(params: Any, _: None) -> Any:
        loss, g = jax.value_and_grad(value)(params, x, t)
        return jax.tree.map(lambda p, d: p - 0.5 * d, params, g), loss

    params, losses = jax.lax.scan(epoch, params, length=epochs)
    return params, losses[-1]


_, loss = run(jax.tree.map(jnp.asarray, first), jnp.asarray(given["x"]), jnp.asarray(given["t"]))
print(float(loss))
