"""Errors and warnings of tables and models, in terms of the command line."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import ChainruleError, DivergenceError, InputError, UnknownNameError

ARGUMENTS = (
    *("impute", "task", "drop", "columns", "categories", "encoding", "delimiter", "decimal"),
    *("header", "missing", "dtype", "validation", "target"),
)
ARGUMENT = re.compile(rf"\b({'|'.join(ARGUMENTS)})=(\[[^\]]*\]|'[^']*'|\{{[^}}]*\}}|\w+)")
ROWS_OUT = re.compile(r"Leave these rows out \(table\.without_missing(\([^)]*\))?\)")


@contextmanager
def as_options() -> Iterator[None]:
    """Write the arguments of Python that messages propose as options."""
    try:
        yield
    except DivergenceError as error:
        raise InputError(f"{error}; try a smaller --learning-rate, or --clip-norm 1") from None
    except (InputError, UnknownNameError) as error:
        raise type(error)(with_options(str(error))) from None
    except ChainruleError:
        raise


def with_options(message: str) -> str:
    """Return a message with options: ``impute='median'`` becomes --impute median."""
    in_file = ROWS_OUT.sub("Delete these rows in the file", message)
    return ARGUMENT.sub(lambda found: as_option(found[1], found[2]), in_file)


def as_option(name: str, value: str) -> str:
    """Return an argument of Python as an option: ``header=False`` becomes --no-header."""
    switch = {"True": f"--{name}", "False": f"--no-{name}"}.get(value)
    return switch or f"--{name} {shell(value)}"


def shell(value: str) -> str:
    """Return a value of Python as it is typed."""
    bare = value.strip("[]").replace("'", "").replace(", ", ",")
    return bare if re.fullmatch(r"[\w.,:%+/-]+", bare) else f"'{bare}'"
