"""The how-to's table of keys lists every setting of a problem file, in order, with an example."""

import re
import tomllib
from pathlib import Path

import pytest

from chainrule.problems import SETTINGS, check_settings

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "hand-out.md"
TABLE = PAGE.read_text(encoding="utf-8").partition("### Every key of a file\n")[2]
ROWS = re.findall(r"^\| `([\w-]+)` \| .+ \| `(.+)` \|$", TABLE, flags=re.MULTILINE)


def test_every_setting_has_a_row():
    assert [key for key, _ in ROWS] == list(SETTINGS)


@pytest.mark.parametrize(("key", "example"), ROWS)
def test_each_example_is_accepted(key: str, example: str):
    assert list(check_settings(tomllib.loads(example))) == [key]
