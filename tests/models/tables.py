"""Tables for the tests of models: small, mixed, with missing values."""

import numpy as np

from chainrule import data

ROWS = 120


def mixed(rows: int = ROWS, seed: int = 0, *, gaps: bool = True) -> data.Table:
    """Return a table with numbers, categories and booleans, and two targets."""
    rng = np.random.default_rng(seed)
    age, income = rng.integers(18, 90, rows).astype(float), rng.lognormal(10, 0.5, rows)
    city, member = rng.choice(["Oslo", "Rome", "Lima"], rows), rng.random(rows) < 0.4
    z = 0.05 * (age - 50) + (city == "Lima") - member + 0.2 * rng.normal(size=rows)
    ages = [None if gaps and i % 11 == 3 else a for i, a in enumerate(age.tolist())]
    cities = [None if gaps and i % 13 == 5 else c for i, c in enumerate(city.tolist())]
    return data.read(
        {
            "age": ages,
            "income": income.tolist(),
            "city": cities,
            "member": member.tolist(),
            "renewal": np.where(z > 0, "renews", "leaves").tolist(),
            "spent": (100 * z + income / 1000).tolist(),
        }
    )


SETTINGS = {
    "hidden_layer_sizes": (6,),
    "activation": "tanh",
    "max_iter": 30,
    "learning_rate_init": 0.03,
}
SETTINGS["engine"] = "reference"  # which needs no compilation
