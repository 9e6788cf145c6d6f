"""The error of one setting, and how other errors become it.

What is wrong with a value is said where the value is used; here only the setting's name is added.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import InputError, UnknownNameError


class SettingError(InputError):
    """A setting that cannot be used; `key` is its name, `fault` what is wrong and the remedy."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(key, fault)
        self.key, self.fault = key, fault

    def __str__(self) -> str:
        return f"{self.key}: {self.fault}"


@contextmanager
def about(key: str) -> Iterator[None]:
    """Say which setting an error is about."""
    try:
        yield
    except SettingError:
        raise
    except (InputError, UnknownNameError) as error:
        raise SettingError(key, str(error)) from None
