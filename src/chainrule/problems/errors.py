"""The error of one setting, and how other errors are turned into it."""

from collections.abc import Iterator
from contextlib import contextmanager

from chainrule.errors import InputError, UnknownNameError


class SettingError(InputError):
    """A setting cannot be used; `key` is its name, `fault` what is wrong and the remedy."""

    def __init__(self, key: str, fault: str) -> None:
        super().__init__(key, fault)
        self.key, self.fault = key, fault

    def __str__(self) -> str:
        return f"{self.key}: {self.fault}"


@contextmanager
def setting_context(key: str) -> Iterator[None]:
    """Turn errors about a value into a SettingError that names the setting."""
    try:
        yield
    except SettingError:
        raise
    except (InputError, UnknownNameError) as error:
        raise SettingError(key, str(error)) from None
