"""Adds the source of custom functions to a program, with the functions and constants they use.

Functions that cannot be included unchanged raise an InputError that says what to do.
"""

import ast
import builtins
import inspect
import math
import re
import textwrap
from collections.abc import Callable
from typing import Any, TypeAlias, cast

import numpy as np

from chainrule import elementwise
from chainrule.errors import InputError
from chainrule.explanation.programs.source import Program, define, number

Function: TypeAlias = Callable[..., object]

# Functions of arrays with the same name in NumPy and PyTorch.
SHARED = frozenset(
    {
        *("abs", "absolute", "exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "sqrt"),
        *("square", "sign", "real", "floor", "ceil", "where", "sin", "cos", "tan", "sinh", "cosh"),
        *("tanh", "arcsin", "arccos", "arctan", "arcsinh", "arccosh", "arctanh"),
        *("pi", "e", "inf", "nan"),
    }
)
SPECIAL = ("erf", "erfc")  # which NumPy does not have
NUMPY = ("np", "numpy")  # the name that it is imported as; the PyTorch program uses torch instead


def add_own(
    program: Program, function: Function, name: str, what: str, *, complex_step: bool = False
) -> str:
    """Add a custom function and everything that it uses to a program; return its name there.

    Parameters
    ----------
    program : Program
    function : callable
    name : str
        For a function without a name of its own, such as a lambda.
    what : str
        What messages call it.
    complex_step : bool
        Whether the program calls it with complex numbers, which an erf of floats cannot take.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If its source cannot be had, or names something that cannot be put in.
    """
    fallback = re.sub(r"\W", "_", name)
    if not inspect.isfunction(function):
        return _alias(program, fallback, function, what)
    own = fallback if function.__name__ == "<lambda>" else function.__name__
    tree, text = _source(function, own, what)
    for used in _free(tree, own):
        _add_used(program, used, _value(function, used, what), what, complex_step=complex_step)
    program.add_function(own, text if program.library == "NumPy" else _in_torch(tree, what))
    return own


def _refuse(what: str, fault: str, remedy: str) -> InputError:
    return InputError(f"{what}: {fault}; {remedy}, to have it in a program")


# ---- source -------------------------------------------------------------------------------------


def _source(function: Any, name: str, what: str) -> tuple[ast.FunctionDef, str]:
    """Return a function as a tree and as text, a lambda as a function of that name."""
    try:
        if function.__name__ == "<lambda>":
            own = _lambda(function, what)
            text = define(name, [ast.unparse(own.args)], [f"return {ast.unparse(own.body)}"])
        else:
            text = textwrap.dedent(inspect.getsource(function)).strip()
    except (OSError, TypeError, SyntaxError):
        fault = f"the source of {function.__name__} is not to be had"
        raise _refuse(what, fault, "define it in a file") from None
    tree = ast.parse(text).body[0]
    if not isinstance(tree, ast.FunctionDef) or tree.decorator_list:
        raise _refuse(what, f"{name} is more than a plain function", "define it with def alone")
    return tree, _bare(tree, text)


def _lambda(function: Any, what: str) -> ast.Lambda:
    """Return a function's lambda expression, identified by the position of its body."""
    lines, _ = inspect.findsource(function)
    places = set(function.__code__.co_positions())  # of its instructions
    for node in ast.walk(ast.parse("".join(lines))):
        if isinstance(node, ast.Lambda):
            body = node.body
            if (body.lineno, body.end_lineno, body.col_offset, body.end_col_offset) in places:
                return node
    raise _refuse(what, "its lambda cannot be distinguished from others", "define it with def")


def _bare(tree: ast.FunctionDef, text: str) -> str:
    """Return the text, without annotations if the program does not have their names."""
    arguments = [*tree.args.posonlyargs, *tree.args.args, *tree.args.kwonlyargs]
    annotated = tree.returns is not None or any(a.annotation for a in arguments)
    tree.returns = None
    for argument in arguments:
        argument.annotation = None
    return ast.unparse(tree) if annotated else text


def _free(tree: ast.FunctionDef, own: str) -> list[str]:
    """Return the names that a function uses from its surroundings, in order."""
    nodes = [n for n in ast.walk(tree) if isinstance(n, ast.Name)]
    local = {n.id for n in nodes if not isinstance(n.ctx, ast.Load)} | {own}
    local |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    free = [n.id for n in nodes if n.id not in local and not hasattr(builtins, n.id)]
    return list(dict.fromkeys(free))


def _value(function: Any, name: str, what: str) -> object:
    """Return the value of a name where a function was defined."""
    closed = function.__closure__ or ()
    cells = dict(zip(function.__code__.co_freevars, closed, strict=True))
    if name in cells:
        return cells[name].cell_contents
    if name not in function.__globals__:
        raise _refuse(what, f"it uses {name}, which is not defined", f"define {name}")
    return function.__globals__[name]


# ---- what a function uses -----------------------------------------------------------------------


def _add_used(program: Program, name: str, value: Any, what: str, *, complex_step: bool) -> None:
    """Add what a function calls `name`: a number, a library, a function."""
    if inspect.ismodule(value):
        _add_module(program, name, value, what)
    elif isinstance(value, int | float | complex | np.number):
        text = number(value) if isinstance(value, float) else repr(np.asarray(value).item())
        program.add_function(name, f"{name} = {text}")
    elif any(value is getattr(elementwise, special) for special in SPECIAL):
        _add_special(program, name, value.__name__, what, complex_step=complex_step)
    elif inspect.isfunction(value) and value not in elementwise.VOCABULARY.values():
        own = add_own(program, value, name, what, complex_step=complex_step)
        if own != name:
            program.add_function(name, f"{name} = {own}")
    else:
        _alias(program, name, value, what)


def _add_module(program: Program, name: str, module: Any, what: str) -> None:
    if module is math:
        program.add_import("import math" if name == "math" else f"import math as {name}")
    elif module in (np, elementwise):
        here, known = ("np", ("np",)) if program.library == "NumPy" else ("torch", NUMPY)
        if name not in known:
            program.add_function(name, f"{name} = {here}")
    else:
        raise _refuse(what, f"it uses {module.__name__}", "write it with NumPy alone")


def _add_special(
    program: Program, name: str, special: str, what: str, *, complex_step: bool
) -> None:
    if program.library != "NumPy":
        program.add_function(name, f"{name} = torch.{special}")
        return
    if complex_step:
        raise _refuse(what, f"it uses {special}, and has no derivative", "give its derivative")
    program.add_import("import math")
    program.add_function(name, f"{name} = np.vectorize(math.{special})")


def _alias(program: Program, name: str, function: Any, what: str) -> str:
    """Add a library's function under a name of the program."""
    there = getattr(function, "__name__", "")
    own = "np" if program.library == "NumPy" else "torch"
    known = getattr(np, there, None) is function
    if not known or (own == "torch" and there not in SHARED):
        raise _refuse(
            what,
            f"{there or function!r} is not an elementwise function of {program.library}",
            "define it with def, using elementwise functions of NumPy",
        )
    program.add_function(name, f"{name} = {own}.{there}")
    return name


# ---- PyTorch ------------------------------------------------------------------------------------


def _in_torch(tree: ast.FunctionDef, what: str) -> str:
    """Return a function written with NumPy as one written with PyTorch."""
    return ast.unparse(ast.fix_missing_locations(_Torch(what).visit(tree)))


class _Torch(ast.NodeTransformer):
    """Replaces np by torch, and converts numbers that are arguments of functions to tensors."""

    def __init__(self, what: str) -> None:
        self.what = what

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if not (isinstance(node.value, ast.Name) and node.value.id in NUMPY):
            return cast("ast.expr", self.generic_visit(node))
        if node.attr not in SHARED:
            raise _refuse(
                self.what, f"PyTorch has no np.{node.attr} that takes the same", "use another"
            )
        return ast.Attribute(ast.Name("torch"), node.attr)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        names = {n.id for a in node.args for n in ast.walk(a) if isinstance(n, ast.Name)}
        builtin = isinstance(node.func, ast.Name) and hasattr(builtins, node.func.id)
        self.generic_visit(node)
        if names <= {*NUMPY} and not builtin:
            tensor = ast.Attribute(ast.Name("torch"), "tensor")
            node.args = [ast.Call(tensor, [argument], []) for argument in node.args]
        return node
