"""How the cells of tables are written."""

import math

import pytest

from chainrule.pages import four_digits


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.034, "0.03400"),
        (1.0, "1.000"),
        (-5000.0, "-5,000"),
        (123456.7, "123,457"),
        (2.4e-5, "2.400e-05"),
        (0.0, "0"),
        (math.nan, "nan"),
    ],
)
def test_four_digits_are_shown_with_their_zeros(value: float, text: str):
    assert four_digits(value) == text
