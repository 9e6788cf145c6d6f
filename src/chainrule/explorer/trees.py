"""Equations and functions as JSON: trees that the live page evaluates.

A tree is a number, or a list whose first item says what it is::

    ["name", n]   ["neg", a]   ["T", a]   ["dot", scope, name]   ["index", a, [part, …]]
    ["+", a, b]   and likewise - * / // ** @ < <= > >=
    ["call", function, [arguments], {"axis": …, "keepdims": …}]

A function is ``{"arguments": [names], "lets": [[name, tree], …], "value": tree}``.
"""

import ast
import inspect
import math
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from chainrule.elementwise import VOCABULARY
from chainrule.equations import parse
from chainrule.errors import InputError

Tree: TypeAlias = Any  # int | float | list of str, Tree, …: see above
Function: TypeAlias = dict[str, Any]

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
# What functions may call besides the vocabulary of equations, by the page's name.
OTHERS: dict[Any, str] = {
    np.abs: "abs",
    abs: "abs",
    np.maximum: "maximum",
    max: "maximum",
    np.minimum: "minimum",
    min: "minimum",
    np.sign: "sign",
    np.sin: "sin",
    math.sin: "sin",
    np.cos: "cos",
    math.cos: "cos",
    math.exp: "exp",
}
PRIMITIVES: dict[int, str] = {
    **{id(function): name for name, function in VOCABULARY.items()},
    **{id(function): name for function, name in OTHERS.items()},
}


def tree_of(text: str) -> Tree:
    """Return an equation as a tree.

    Raises
    ------
    EquationError
        If the text is not an expression of the grammar.
    """
    return to_tree(parse(text))


def trees_of(equations: Mapping[str, str]) -> dict[str, Tree]:
    """Return equations by name as trees."""
    return {name: tree_of(text) for name, text in equations.items()}


def to_tree(node: ast.expr) -> Tree:
    """Return a parsed expression as a tree."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return ["name", name]
        case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]) if type(op) in SYMBOLS:
            return [SYMBOLS[type(op)], to_tree(left), to_tree(right)]
        case ast.UnaryOp(ast.USub(), part):
            return ["neg", to_tree(part)]
        case ast.IfExp(condition, yes, no):
            return ["call", "where", [to_tree(condition), to_tree(yes), to_tree(no)], {}]
        case ast.Attribute(part, "T"):
            return ["T", to_tree(part)]
        case ast.Attribute(ast.Name(scope), name):
            return ["dot", scope, name]
        case ast.Subscript(part, place):
            return ["index", to_tree(part), _parts(place)]
        case ast.Call(ast.Name(name), arguments, keywords):
            options = {str(k.arg): ast.literal_eval(k.value) for k in keywords}
            return ["call", name, [to_tree(a) for a in arguments], options]
        case _:
            raise InputError(
                f"{ast.unparse(node)!r} has no tree for the page; use the functions of "
                "chainrule.elementwise, numbers, operators and names"
            )


def _parts(place: ast.expr) -> list[Any]:
    """Return the parts of an index: integers, None for a new axis, [lower, upper] for a slice."""
    parts = place.elts if isinstance(place, ast.Tuple) else [place]
    return [_part(p) for p in parts]


def _part(place: ast.expr) -> Any:
    if isinstance(place, ast.Slice):
        return [p and ast.literal_eval(p) for p in (place.lower, place.upper)]
    return ast.literal_eval(place)


# ---- functions, from their source ---------------------------------------------------------------


def function_of(function: Callable[..., Any]) -> Function:
    """Return an elementwise function as lets and a value, from its source.

    Numbers that it refers to become part of it, and so do the functions that it calls.

    Raises
    ------
    InputError
        If its source is not available, or it uses what the page has no function for.
    """
    definition = _definition(function)
    arguments = [a.arg for a in definition.args.args if a.arg != "self"]
    translator = _Translator(function, {*arguments})
    assigned = _assignments(definition)
    translator.known |= {name for name, _ in assigned}
    lets = [[name, translator.tree(value)] for name, value in assigned]
    return {"arguments": arguments, "lets": lets, "value": translator.tree(_returned(definition))}


def _definition(function: Callable[..., Any]) -> ast.FunctionDef | ast.Lambda:
    """Return the syntax tree of a function or lambda."""
    name = getattr(function, "__name__", repr(function))
    try:
        source = textwrap.dedent(inspect.getsource(function)).strip().rstrip(",")
        found = ast.parse(source if source.startswith(("def ", "@")) else f"({source})")
    except (OSError, TypeError, SyntaxError):
        raise InputError(
            f"the source of {name} is not available, and the page computes from the source; "
            "define the function in a file or a cell of its own"
        ) from None
    nodes = [n for n in ast.walk(found) if isinstance(n, ast.FunctionDef | ast.Lambda)]
    own = nodes if len(nodes) == 1 else [n for n in nodes if _is_code_of(n, function)]
    if not own:
        raise InputError(f"{name} is one of several on its line; define it with def")
    return own[0]


def _is_code_of(node: ast.FunctionDef | ast.Lambda, function: Callable[..., Any]) -> bool:
    """Return whether a definition is that of a function: several lambdas can stand on a line."""
    if isinstance(node, ast.FunctionDef):
        return node.name == function.__name__
    compiled = compile(ast.fix_missing_locations(ast.Expression(node)), "", "eval")
    code = next(one for one in compiled.co_consts if inspect.iscode(one))
    return all(
        getattr(code, part) == getattr(function.__code__, part)
        for part in ("co_code", "co_names", "co_varnames", "co_consts")
    )


def _assignments(definition: ast.FunctionDef | ast.Lambda) -> list[tuple[str, ast.expr]]:
    """Return the assignments of a function's body."""
    if isinstance(definition, ast.Lambda):
        return []
    found: list[tuple[str, ast.expr]] = []
    for statement in definition.body[:-1]:
        match statement:
            case ast.Assign([ast.Name(name)], value):
                found.append((name, value))
            case ast.Expr(ast.Constant()):  # a docstring
                continue
            case _:
                raise InputError(
                    f"{ast.unparse(statement)!r}: the page computes functions of assignments and "
                    "one return; branch with where(condition, yes, no)"
                )
    return found


def _returned(definition: ast.FunctionDef | ast.Lambda) -> ast.expr:
    """Return the expression that a function returns."""
    if isinstance(definition, ast.Lambda):
        return definition.body
    last = definition.body[-1]
    if not isinstance(last, ast.Return) or last.value is None:
        raise InputError(f"{definition.name} does not end in return; end it in one")
    return last.value


class _Translator:
    """Makes trees of a function's expressions.

    What they refer to outside of the function is replaced by numbers; a call of another function by
    that function's value. A method's ``self`` is the object that it is bound to.
    """

    def __init__(self, function: Callable[..., Any], known: set[str]) -> None:
        self.known = known
        closure = inspect.getclosurevars(inspect.unwrap(function))
        self.outside = {**closure.builtins, **closure.globals, **closure.nonlocals}
        if inspect.ismethod(function):
            self.outside["self"] = function.__self__

    def tree(self, node: ast.expr) -> Tree:
        """Return an expression of the function as a tree."""
        match node:
            case ast.Name(name) if name in self.known:
                return ["name", name]
            case ast.Name() | ast.Attribute():
                return self._number(node)
            case ast.Call(called, arguments, []):
                return self._call(self._value(called), [self.tree(a) for a in arguments])
            case ast.BinOp(left, op, right) | ast.Compare(left, [op], [right]):
                return [SYMBOLS[type(op)], self.tree(left), self.tree(right)]
            case ast.UnaryOp(ast.USub(), part):
                return ["neg", self.tree(part)]
            case ast.IfExp(condition, yes, no):
                parts = [self.tree(part) for part in (condition, yes, no)]
                return ["call", "where", parts, {}]
            case _:
                return to_tree(node)  # a number, or the error that names the fault

    def _value(self, node: ast.expr) -> Any:
        """Return what a name outside of the function stands for, such as np.exp."""
        match node:
            case ast.Name(name) if name in self.outside:
                return self.outside[name]
            case ast.Attribute(part, name):
                return getattr(self._value(part), name)
            case _:
                raise InputError(
                    f"{ast.unparse(node)!r} is not known outside of the function; define it there"
                )

    def _number(self, node: ast.expr) -> Tree:
        value = self._value(node)
        if not isinstance(value, int | float | np.floating | np.integer):
            raise InputError(
                f"{ast.unparse(node)!r} is not a number; the page computes with numbers only"
            )
        return float(value)  # pyright: ignore[reportUnknownArgumentType] (of any precision)

    def _call(self, called: Any, arguments: list[Tree]) -> Tree:
        if id(called) in PRIMITIVES:
            return ["call", PRIMITIVES[id(called)], arguments, {}]
        inner = function_of(called)
        values = dict(zip(inner["arguments"], arguments, strict=True))
        for name, value in inner["lets"]:
            values[name] = substituted(value, values)
        return substituted(inner["value"], values)


def substituted(tree: Tree, values: Mapping[str, Tree]) -> Tree:
    """Return a tree with names replaced by trees."""
    match tree:
        case ["name", str(name)]:
            return values.get(name, tree)
        case ["dot", _, _]:
            return tree
        case ["call", name, arguments, options]:
            return ["call", name, [substituted(a, values) for a in arguments], options]
        case ["index", part, place]:
            return ["index", substituted(part, values), place]
        case [symbol, *parts]:
            return [symbol, *(substituted(part, values) for part in parts)]
        case _:
            return tree
