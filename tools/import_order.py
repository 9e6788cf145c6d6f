"""The order in which the package's modules may import each other.

Each module or package below `chainrule` imports only from those listed before it.
tests/repository/test_imports.py enforces this, and that each name here exists. tools/figures.py
measures the engine's files by it.
"""

SHARED = ("errors", "names", "visible", "descriptions", "lazy_names")

ENGINE = (
    *("elementwise", "equations", "derivatives", "gradcheck", "activations", "losses"),
    *("sparse_samples", "batch"),
    *(
        "initializers",
        "layers",
        "layout",
        "penalties",
        "network",
        "multilayer",
        "schedules",
        "optimizers",
    ),
    *("wiring", "loops", "engine"),
)

PACKAGES = (
    *("pages", "compiled", "metrics", "lbfgs_search", "background", "chunks"),
    *("distributed", "run_inputs", "training"),
    *("problems", "explanation", "health", "submission", "diagnosis", "files", "explorer"),
    *("estimators", "data", "models", "exchange", "testing", "cli"),
)

ENTRY_POINT = ("__main__",)

ORDER = SHARED + ENGINE + PACKAGES + ENTRY_POINT
