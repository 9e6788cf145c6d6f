"""The packages that commands for tables and models need, all of which one extra brings."""

from importlib.util import find_spec

from chainrule.errors import missing

PACKAGES = {"pyarrow": "pyarrow", "safetensors": "safetensors", "scikit-learn": "sklearn"}


def require_files(purpose: str) -> None:
    """Raise MissingPackageError if a package for tables and models is not installed.

    Parameters
    ----------
    purpose : str
        What needs it, such as ``"chainrule train"``.
    """
    for name, module in PACKAGES.items():
        if find_spec(module) is None:
            raise missing(name, purpose, "files")
