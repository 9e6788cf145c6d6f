"""The order of the house: each file or folder of the package imports only from those before it.

tests/house/test_imports.py holds the package to it, and tools/figures.py measures the engine by it.
"""

SHARED = ("errors", "descriptions")

ENGINE = (
    *("elementwise", "equations", "derivatives", "gradcheck", "activations", "losses", "batch"),
    *("initializers", "layers", "layout", "penalties", "network", "schedules", "optimizers"),
    *("wiring", "loops"),
)

ROOMS = (
    *("compiled", "training", "problems", "explanation", "diagnosis", "health", "testing"),
    *("data", "formats", "estimators", "distributed", "explorer", "cli"),
)

ENTRANCE = ("__main__",)

HOUSE = SHARED + ENGINE + ROOMS + ENTRANCE
