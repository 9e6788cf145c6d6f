"""The derivative of an elementwise function, as a function of the same kind.

An activation of a user's own may lack a derivative. Python computes it by the complex step; the
page has no complex numbers, and gets the derivative of the function's tree instead.
"""

from typing import Any

from chainrule.errors import InputError
from chainrule.explorer.trees import Function, Tree, substituted

# f'(u), where u is the argument.
SLOPES: dict[str, Tree] = {
    "exp": ["call", "exp", [["name", "u"]], {}],
    "expm1": ["call", "exp", [["name", "u"]], {}],
    "log": ["/", 1, ["name", "u"]],
    "log1p": ["/", 1, ["+", 1, ["name", "u"]]],
    "sqrt": ["/", 0.5, ["call", "sqrt", [["name", "u"]], {}]],
    "tanh": ["-", 1, ["**", ["call", "tanh", [["name", "u"]], {}], 2]],
    "sin": ["call", "cos", [["name", "u"]], {}],
    "cos": ["neg", ["call", "sin", [["name", "u"]], {}]],
    "real": 1,
    "erf": [
        "*",
        1.1283791670955126,
        ["call", "exp", [["neg", ["*", ["name", "u"], ["name", "u"]]]], {}],
    ],
    "erfc": [
        "*",
        -1.1283791670955126,
        ["call", "exp", [["neg", ["*", ["name", "u"], ["name", "u"]]]], {}],
    ],
}


def slope_of(function: Function) -> Function:
    """Return the derivative by the first argument, called with z and a as ``df(z, a)`` is.

    Raises
    ------
    InputError
        If the function uses one whose derivative is not known here.
    """
    z, *constants = function["arguments"]
    values: dict[str, Tree] = {}
    for name, value in function["lets"]:
        values[name] = substituted(value, values)
    slope = _slope(substituted(function["value"], values), z)
    # + 0 · z gives a constant slope the shape of z
    value = ["+", slope, ["*", 0, ["name", z]]]
    return {"arguments": [z, "a", *constants], "lets": [], "value": value}


def _slope(tree: Tree, z: str) -> Tree:
    """Return the derivative of a tree by the name z."""
    match tree:
        case ["name", name]:
            return 1 if name == z else 0
        case ["neg", part]:
            return ["neg", _slope(part, z)]
        case ["+" | "-" as symbol, left, right]:
            return [symbol, _slope(left, z), _slope(right, z)]
        case ["*", left, right]:
            return ["+", ["*", _slope(left, z), right], ["*", left, _slope(right, z)]]
        case ["/", left, right]:
            top = ["-", ["*", _slope(left, z), right], ["*", left, _slope(right, z)]]
            return ["/", top, ["*", right, right]]
        case ["**", base, int() | float() as power]:
            return ["*", ["*", power, ["**", base, power - 1]], _slope(base, z)]
        case ["call", "where", [condition, yes, no], _]:
            return ["call", "where", [condition, _slope(yes, z), _slope(no, z)], {}]
        case ["call", name, [argument], _] if name in SLOPES:
            return ["*", substituted(SLOPES[name], {"u": argument}), _slope(argument, z)]
        case int() | float():
            return 0
        case _:
            raise InputError(_unknown(tree))


def _unknown(tree: Any) -> str:
    what = tree[1] if tree[0] == "call" else tree[0]
    return f"the page does not know the derivative of {what!r}; give the derivative, df"
