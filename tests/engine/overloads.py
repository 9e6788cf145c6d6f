"""Compiles elementwise functions for scalars, rebuilt from their own source text.

Only the numbers in a text and the functions that it calls are exchanged, never the formula; loops,
arrays and layers are not known here.

A compiled number does not adapt as it does beside an array: ``0.5 * z`` would make a float32 z a
float64. So NumPy's rule is written into the text. What is made of constants alone (literals,
numbers of the module, parameters annotated ``float`` or ``int``) is computed in double precision
and narrowed where it meets the rest: ``(1 - beta) * g`` becomes ``dtype(1.0 - double(beta)) * g``.
"""

import ast
import inspect
import math
from collections.abc import Callable
from functools import cache
from types import FunctionType
from typing import Any, TypeAlias, TypeGuard

import numba
import numpy as np

from chainrule import elementwise
from chainrule.errors import InputError

Function: TypeAlias = Callable[..., Any]

DTYPE, DOUBLE = "(dtype)", "(double)"  # names that no text can have

# Division by zero gives what it gives in arrays, and without fastmath NaN passes as it does there.
njit = numba.njit(error_model="numpy")


# ---- the vocabulary -----------------------------------------------------------------------------


@njit
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return x or y, both computed already, so that a loop can select without a branch."""
    return x if condition else y


@njit
def real(x: Any) -> Any:
    """Return x; the complex step is for arrays."""
    return x


OVERLOADS: dict[Function, Function] = {
    elementwise.erf: math.erf,  # the C library's, not the polynomials for arrays
    elementwise.erfc: math.erfc,
    elementwise.exp: math.exp,
    elementwise.expm1: math.expm1,
    elementwise.log: math.log,
    elementwise.log1p: math.log1p,
    elementwise.real: real,
    elementwise.sqrt: math.sqrt,
    elementwise.tanh: math.tanh,
    elementwise.where: where,
}


# ---- functions ----------------------------------------------------------------------------------


@cache
def compile_elementwise(function: Function, dtype: type[np.floating]) -> Any:
    """Compile an elementwise function for scalars of one precision.

    Parameters
    ----------
    function : callable
        A function or lambda in the vocabulary of ``chainrule.elementwise``; it may also call other
        ufuncs of NumPy, and functions like itself.
    dtype : type
        ``numpy.float32`` or ``numpy.float64``: of what is returned, and of every argument but the
        constants, which may have any precision.

    Returns
    -------
    numba dispatcher
        The function, to be called in compiled loops.

    Raises
    ------
    InputError
        If it has no text, or calls anything else.
    """
    definition = find_definition(function)
    rewriting = Rewriting(function, dtype)
    text = ast.Module([rewriting.visit(definition)], type_ignores=[])
    code = compile(ast.fix_missing_locations(text), function.__code__.co_filename, "exec")
    exec(code, rewriting.names)  # noqa: S102  the function's own text
    return njit(rewriting.names[definition.name])


def find_definition(function: Function) -> ast.FunctionDef:
    """Find a function's definition in its file, and return its arguments and body."""
    try:
        tree = ast.parse("".join(inspect.findsource(function)[0]))
    except (OSError, TypeError, SyntaxError):
        tree = ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.Lambda) and is_text_of(function, node):
            plain = ast.parse("def f(): ...").body[0]
            assert isinstance(plain, ast.FunctionDef)
            plain.body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
            plain.name, plain.args = function.__name__, node.args
            return ast.copy_location(plain, node)
    raise InputError(f"{function!r} has no text to compile: write a function with def, in a file")


def is_text_of(function: Function, node: ast.FunctionDef | ast.Lambda) -> bool:
    """Whether a definition is the function's; not so if the file has changed since it was read."""
    code, names = function.__code__, tuple(a.arg for a in node.args.args)
    here = (node.lineno, getattr(node, "name", "<lambda>")) == (code.co_firstlineno, code.co_name)
    return here and names == code.co_varnames[: code.co_argcount]


class Rewriting(ast.NodeTransformer):
    """Narrows the numbers in a text, and collects in `names` what it calls instead."""

    def __init__(self, function: Function, dtype: type[np.floating]) -> None:
        scope = inspect.getclosurevars(function)
        self.scope = {**scope.builtins, **scope.globals, **scope.nonlocals}
        self.own = set(function.__code__.co_varnames)
        kinds = inspect.get_annotations(function).items()
        self.constants = {name for name, kind in kinds if kind in {float, int, "float", "int"}}
        self.title, self.dtype = function.__name__, dtype
        self.names = {"__name__": function.__module__, DTYPE: dtype, DOUBLE: np.float64}

    def visit(self, node: ast.AST) -> Any:
        wide = self.widened(node)
        return super().visit(node) if wide is None else call(DTYPE, wide)

    def widened(self, node: ast.AST) -> ast.expr | None:
        """Return an expression of constants in double precision, and None for any other."""
        match node:
            case ast.Name(id=name) if name in self.constants:
                return call(DOUBLE, node)
            case ast.Constant(value=value) if is_number(value):
                return ast.Constant(float(value))
            case ast.Name() | ast.Attribute() if is_number(value := self.outer(node)):
                return ast.Constant(float(value))
            case ast.UnaryOp(op=op, operand=operand) if wide := self.widened(operand):
                return ast.UnaryOp(op, wide)
            case ast.BinOp(left=left, op=op, right=right) if wide := self.widened(left):
                other = self.widened(right)
                return other and ast.BinOp(wide, op, other)
        return None

    def outer(self, node: ast.AST) -> Any:
        """Return what a name means outside the function, dotted or not, and None for its own."""
        match node:
            case ast.Name(id=name) if name not in self.own:
                return self.scope.get(name)
            case ast.Attribute(value=value, attr=name):
                return getattr(self.outer(value), name, None)
        return None

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)  # its annotation has been read

    def visit_Name(self, node: ast.Name) -> ast.Name:
        value = self.outer(node)
        if isinstance(value, tuple):
            self.names[node.id] = tuple(map(self.dtype, value))  # coefficients
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        right = node.right
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow) and is_whole(right):
            node.right = right  # r**2 stays a product
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        name = ast.unparse(node.func)
        self.names[name] = self.compiled(name, self.outer(node.func))
        self.generic_visit(node)
        node.func = ast.Name(name, ast.Load())  # np.exp in one piece
        return node

    def compiled(self, name: str, called: Any) -> Any:
        """Return the scalar version of what the text calls."""
        if called in OVERLOADS:
            return OVERLOADS[called]
        if isinstance(called, FunctionType):
            return compile_elementwise(called, self.dtype)
        if isinstance(called, np.ufunc):
            return called  # Numba has its own
        known = ", ".join(elementwise.VOCABULARY)
        raise InputError(f"{self.title} calls {name}, which is not in the vocabulary: {known}")


def call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool)


def is_whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
