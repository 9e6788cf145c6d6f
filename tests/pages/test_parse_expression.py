"""Lines of Python text that pages can set as math, and those that stay text."""

import pytest

from chainrule.pages import in_symbols
from chainrule.pages.parse_expression import DEEPEST, parse_expression


@pytest.mark.parametrize(
    "text",
    [
        "delta1[0]*x[1]",
        "0.15 - 0.5*0.00043856773447",
        "(delta2[0]*W2[0,0] + delta2[1]*W2[1,0])*(a1[0]*(1 - a1[0]))",
        "-x**2",
        "1e-08 + (-0.5) / (a - b)",
        "exp(-z1[0,1])",
        "1 if z > 0 else 0.01",
        "W2_new @ delta2",
    ],
)
def test_an_expression_is_set_as_it_was_written(text: str):
    tree = parse_expression(text)
    assert tree is not None
    assert in_symbols(tree) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a b",
        "f'(z)",
        "½*x",
        "a % b",
        "f(x=1)",
        "f()",
        "[1]",
        "'a'",
        "a < b < c",
        "x.y",
        "not x",
        "lambda: 0",
        "\0",
        "1" + "+1" * DEEPEST,
        "(" * 300,
        "∂E/∂w5",
    ],
)
def test_anything_else_is_not_parsed(text: str):
    assert parse_expression(text) is None
