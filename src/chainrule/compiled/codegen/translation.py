"""Translating elementwise functions into compiled scalar functions, from their source.

Only the constants and the called functions are replaced, never the formula.

In compiled code, ``0.5 * z`` would promote a float32 z to float64, unlike in NumPy. So NumPy's rule
is written into the source: expressions of constants (literals, numbers of the module, parameters
annotated ``float`` or ``int``) are computed in double precision and cast where they are used:
``(1 - beta) * g`` becomes ``dtype(1.0 - double(beta)) * g``.
"""

import ast
import dis
import hashlib
import inspect
import sys
import textwrap
from collections.abc import Callable, Hashable, Iterator
from copy import deepcopy
from functools import lru_cache
from operator import is_
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, NamedTuple, TypeAlias, TypeGuard
from weakref import WeakKeyDictionary

import numpy as np

from chainrule import elementwise
from chainrule.compiled.codegen import dual_numbers, vocabulary
from chainrule.compiled.codegen.vocabulary import Either, njit
from chainrule.errors import InputError

Function: TypeAlias = Callable[..., Any]
Dtype: TypeAlias = type[np.floating[Any]]
Definition: TypeAlias = ast.FunctionDef | ast.Lambda

DTYPE, DOUBLE = "(dtype)", "(double)"  # names that cannot occur in source text


class Translation(NamedTuple):
    """A function of one number, or of a few, compiled for one precision.

    Attributes
    ----------
    compiled : numba dispatcher
        Function for compiled loops, into which it is inlined.
    key : str or None
        The hash of everything it is built from: equal in another process if nothing has changed.
        None if some source text is not from a file, so that changes cannot be detected.
    """

    compiled: Any
    key: str | None


class Kind(NamedTuple):
    """What a source text is translated to, and the replacements of the functions it calls."""

    name: str
    overloads: dict[Any, Any]


NUMBERS = Kind(
    "numbers", {**vocabulary.OVERLOADS, **vocabulary.PRIMITIVES, **dual_numbers.PRIMITIVES}
)
DUALS = Kind("duals", dual_numbers.OVERLOADS)
SLOPES = Kind("slopes", {})


def translate(function: Function, dtype: Dtype) -> Translation:
    """Translate an elementwise function into a compiled one of one precision.

    Parameters
    ----------
    function : callable
        A function or lambda in the vocabulary of ``chainrule.elementwise``; it may also call other
        ufuncs of NumPy, and functions like itself.
    dtype : type
        ``numpy.float32`` or ``numpy.float64``: the precision of the result, and of every argument
        except the constants, which may have any precision.

    Returns
    -------
    Translation

    Raises
    ------
    InputError
        If its source is not available, or it calls or names anything else.
    """
    return guarded(function, dtype, NUMBERS)


def translate_slope(function: Function, dtype: Dtype) -> Translation:
    """Translate the derivative of an elementwise function by its first argument.

    It is exact to rounding, like the complex step: it computes with dual numbers. So ``df(z, a)``
    is not needed; the result takes the arguments of `function`.

    Parameters
    ----------
    function : callable
        As for `translate`.
    dtype : type
        ``numpy.float32`` or ``numpy.float64``.

    Returns
    -------
    Translation

    Raises
    ------
    InputError
        If it cannot be translated, or calls a ufunc whose derivative is not known here.
    """
    try:
        return guarded(function, dtype, SLOPES)
    except InputError as error:
        raise InputError(f"{error}; or give the derivative, df") from error


# ---- cache of translations ----------------------------------------------------------------------

Known: TypeAlias = dict[tuple[Dtype, str], tuple[list[Any], Translation]]

KNOWN: WeakKeyDictionary[Function, Known] = WeakKeyDictionary()  # removed with the function


def guarded(function: Function, dtype: Dtype, kind: Kind) -> Translation:
    """Translate a function that may never end."""
    try:
        return recalled(function, dtype, kind)
    except RecursionError as error:
        raise InputError(f"{function!r} calls itself; rewrite it without recursion") from error


def recalled(function: Function, dtype: Dtype, kind: Kind) -> Translation:
    """Return the cached translation, unless a value that the function names has changed."""
    if not isinstance(function, FunctionType):
        raise no_text(function)
    known = KNOWN.setdefault(function, {})
    seen, now = known.get((dtype, kind.name)), list(named_values(function))
    if seen and len(seen[0]) == len(now) and all(map(is_, seen[0], now)):
        return seen[1]
    translation = make(function, dtype, kind)
    known[dtype, kind.name] = now, translation
    return translation


def named_values(function: FunctionType) -> Iterator[Any]:
    """Yield the outside values that a function names, and those that these name in turn."""
    code, outside = function.__code__, function.__globals__
    yield code
    values = [outside.get(name) for name in global_names(code)]
    values += [cell.cell_contents for cell in function.__closure__ or ()]
    for name in attribute_names(code):  # config.gain: the attribute of any value that has it
        values += [getattr(value, name) for value in values if hasattr(value, name)]
    for value in values:
        yield value
        if isinstance(value, FunctionType) and value not in vocabulary.OVERLOADS:
            yield from named_values(value)


@lru_cache(1000)
def global_names(code: CodeType) -> list[str]:
    """Return the names of the module that a function reads."""
    found = [i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"]
    return list(dict.fromkeys(found))


@lru_cache(1000)
def attribute_names(code: CodeType) -> list[str]:
    """Return the attribute names in a function, in order."""
    kinds = ("LOAD_ATTR", "LOAD_METHOD")
    found = [i.argval for i in dis.get_instructions(code) if i.opname in kinds]
    return list(dict.fromkeys(found))


def make(function: FunctionType, dtype: Dtype, kind: Kind) -> Translation:
    """Translate a function, or build its slope from its translation to dual numbers."""
    if kind is not SLOPES:
        return translated(function, dtype, kind)
    f, key = recalled(function, dtype, DUALS)

    def slope(z: Any, *others: Any) -> Any:
        return dual_numbers.slope(f(dual_numbers.variable(z), *others))

    return Translation(njit(slope), key)


def translated(function: FunctionType, dtype: Dtype, kind: Kind) -> Translation:
    """Return a new translation of a function."""
    rewriting = Rewriting(function, dtype, kind)
    definition = rewriting.visit(find_definition(function))
    text = ast.fix_missing_locations(ast.Module([definition], type_ignores=[]))
    key = rewriting.key(ast.unparse(text)) if has_file(function) else None
    code = compile(text, function.__code__.co_filename, "exec")
    exec(code, rewriting.names)  # noqa: S102  the function's source
    return Translation(njit(rewriting.names[definition.name]), key)


def has_file(function: FunctionType) -> bool:
    return Path(function.__code__.co_filename).is_file()


# The source of this module when it was imported; part of every key.
HERE = [sys.modules[__name__], vocabulary, dual_numbers]
FOUNDATION = "\n".join(map(inspect.getsource, HERE))


# ---- a function's source ------------------------------------------------------------------------


def find_definition(function: FunctionType) -> ast.FunctionDef:
    """Find a function's definition in its file, and return its arguments and body."""
    try:
        lines = inspect.findsource(function)[0]
        nodes = definitions(function.__code__, lines)
    except (OSError, TypeError, SyntaxError):
        raise no_text(function) from None
    for node in nodes:
        if is_text_of(function.__code__, node):
            if not is_unchanged(function.__code__, "".join(lines)):
                raise InputError(
                    f"the file of {function!r} has changed since it was imported; import it again"
                )
            body = [ast.Return(node.body)] if isinstance(node, ast.Lambda) else node.body
            plain: Any = ast.parse("def f(): ...").body[0]
            plain.name, plain.args, plain.body = function.__name__, node.args, body
            return deepcopy(ast.copy_location(plain, node))
    raise no_text(function)


def definitions(code: CodeType, lines: list[str]) -> list[Definition]:
    """Return the texts in which to look for a function; a whole module only for a lambda."""
    if code.co_name == "<lambda>":
        return functions_in("".join(lines))
    before = code.co_firstlineno - 1
    block = textwrap.dedent("".join(inspect.getblock(lines[before:])))
    tree = ast.increment_lineno(ast.parse(block), before)
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)]


@lru_cache(50)
def functions_in(text: str) -> list[Definition]:
    """Return the functions in a text, inner ones before outer ones."""
    nodes = ast.walk(ast.parse(text))
    return [n for n in nodes if isinstance(n, ast.FunctionDef | ast.Lambda)][::-1]


def no_text(function: object) -> InputError:
    return InputError(f"the source of {function!r} is not available; define it with def, in a file")


def is_text_of(code: CodeType, node: Definition) -> bool:
    """Return whether a definition is the function's, which is false if the file has changed."""
    names = tuple(a.arg for a in node.args.posonlyargs + node.args.args)
    here = (node.lineno, getattr(node, "name", "<lambda>")) == (code.co_firstlineno, code.co_name)
    return here and names == code.co_varnames[: code.co_argcount] and encloses(node, code)


def is_unchanged(code: CodeType, text: str) -> bool:
    """Return whether a file's text compiles to the code that is in memory."""
    try:
        found = [c for c in codes_in(text) if (c.co_name, c.co_firstlineno) == place_of(code)]
    except SyntaxError:  # a document that contains programs is not a program
        return True
    return any(
        (c.co_code, c.co_names, numbers_of(c)) == (code.co_code, code.co_names, numbers_of(code))
        for c in found
    )


def place_of(code: CodeType) -> tuple[str, int]:
    """Return the name and first line of a code object."""
    return code.co_name, code.co_firstlineno


@lru_cache(50)
def codes_in(text: str) -> list[CodeType]:
    """Return the code object of every function in a text."""
    found = [compile(text, "<text>", "exec", dont_inherit=True)]
    for code in found:  # the list grows during the loop
        found += [inner for inner in code.co_consts if isinstance(inner, CodeType)]
    return found


def numbers_of(code: CodeType) -> list[str]:
    """Return the numbers of a code object, as they are written."""
    return [repr(value) for value in code.co_consts if isinstance(value, int | float)]


def encloses(node: Definition, code: CodeType) -> bool:
    """Return whether all positions of the code are inside a lambda; a line may have two."""
    if isinstance(node, ast.FunctionDef):
        return True
    places = [place for place in code.co_positions() if place[2] != place[3]]  # without its start
    starts = [(line, column) for line, _, column, _ in places if None not in {line, column}]
    ends = [(line, column) for _, line, _, column in places if None not in {line, column}]
    first, last = (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)
    return all(first <= place for place in starts) and all(place <= last for place in ends)


# ---- rewriting ----------------------------------------------------------------------------------


DIFFERENTIABLE = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Pow)


class Rewriting(ast.NodeTransformer):
    """Casts the numbers in a text, and collects in `names` the replacements of what it names."""

    def __init__(self, function: FunctionType, dtype: Dtype, kind: Kind) -> None:
        scope = inspect.getclosurevars(function)
        self.scope = {**scope.builtins, **scope.globals, **scope.nonlocals}
        self.own = set(function.__code__.co_varnames)
        first = function.__code__.co_varnames[:1]  # the variable, whatever its annotation is
        kinds = inspect.get_annotations(function).items()
        constant = {float, int, "float", "int"}
        self.constants = {name for name, k in kinds if k in constant and name not in first}
        self.title, self.defaults = function.__name__, function.__defaults__ or ()
        self.dtype, self.kind = dtype, kind
        self.names: dict[str, Any] = {DTYPE: dtype, DOUBLE: np.float64}
        self.keys: dict[str, str | None] = {}  # keys of the names that are not defined in the text

    def key(self, text: str) -> str | None:
        """Return the hash of a text and of all that it names; None if that may change."""
        if None in self.keys.values():
            return None
        parts = [FOUNDATION, self.kind.name, self.dtype.__name__, text, *sorted(self.keys.items())]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    # ---- numbers

    def visit(self, node: ast.AST) -> Any:
        wide = self.widened(node)
        return super().visit(node) if wide is None else call(DTYPE, wide)

    def widened(self, node: ast.AST) -> ast.expr | None:
        """Return an expression of constants in double precision; None for any other expression."""
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
        """Return the outside value of a name, dotted or not; None for a local name."""
        value = None
        match node:
            case ast.Name(id=name) if name not in self.own:
                value = self.scope.get(name)
            case ast.Attribute(value=owner, attr=name):
                value = getattr(self.outer(owner), name, None)
        return value.of(self.dtype) if isinstance(value, Either) else value

    def visit_BinOp(self, node: ast.BinOp) -> ast.BinOp:
        if self.kind is DUALS and not isinstance(node.op, DIFFERENTIABLE):
            raise InputError(
                f"{self.title} uses {ast.unparse(node)}, an operation without a known derivative; "
                "use + - * / or **"
            )
        right = node.right
        self.generic_visit(node)
        if isinstance(node.op, ast.Pow) and is_whole(right):
            node.right = right  # r**2 stays a product
        return node

    # ---- names

    def visit_arguments(self, node: ast.arguments) -> ast.arguments:
        if not all(map(is_number, self.defaults)):
            raise InputError(
                f"{self.title} has a default that is not a number: {self.defaults}; give numbers"
            )
        node.defaults = [call(DTYPE, ast.Constant(float(value))) for value in self.defaults]
        for arg in node.posonlyargs + node.args + node.kwonlyargs:
            arg.annotation = None  # it has been visited
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        plain = ast.Assign([node.target], node.value) if node.value else ast.Pass()
        return self.visit(ast.copy_location(plain, node))

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        if not isinstance(node.target, ast.Name):
            raise InputError(
                f"{self.title} changes the entry {ast.unparse(node.target)}; "
                "compute a new value instead"
            )
        changed = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return self.visit(ast.copy_location(ast.Assign([node.target], changed), node))

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        node.value = self.visit(node.value)
        return node  # an index stays an integer

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return node if node.id in self.own else self.tuple_of_numbers(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.Name:
        return self.tuple_of_numbers(node)

    def tuple_of_numbers(self, node: ast.Name | ast.Attribute) -> ast.Name:
        """Return the name of a tuple of coefficients, cast to the precision."""
        name, value = ast.unparse(node), self.outer(node)
        if not (isinstance(value, tuple) and all(map(is_number, value))):
            raise InputError(
                f"{self.title} uses {name}, which is not a number, a tuple of numbers or a "
                "function; use numbers and elementwise functions"
            )
        self.names[name] = tuple(map(self.dtype, value))
        self.keys[name] = repr([float(number).hex() for number in value])
        return ast.Name(name, node.ctx)

    def visit_Call(self, node: ast.Call) -> ast.Call:
        name = ast.unparse(node.func)
        self.names[name], self.keys[name] = self.compiled(name, self.outer(node.func))
        node.args = [self.visit(argument) for argument in node.args]
        node.func = ast.Name(name, ast.Load())  # np.exp as one name
        return node

    def compiled(self, name: str, called: Any) -> Translation:
        """Return the scalar version of a function that the text calls."""
        if isinstance(called, Hashable) and called in self.kind.overloads:
            version = self.kind.overloads[called]
            version = version.of(self.dtype) if isinstance(version, Either) else version
            if isinstance(version, FunctionType):
                return recalled(version, self.dtype, NUMBERS)
            return Translation(version, name)  # the package's own, or Numba's
        if isinstance(called, FunctionType):
            return recalled(called, self.dtype, self.kind)
        if isinstance(called, np.ufunc) and self.kind is NUMBERS:
            return Translation(called, called.__name__)  # Numba has its own version
        known = ", ".join(elementwise.VOCABULARY)
        raise InputError(f"{self.title} calls {name}, which cannot be compiled; use one of {known}")


def call(name: str, argument: ast.expr) -> ast.Call:
    return ast.Call(ast.Name(name, ast.Load()), [argument], [])


def is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float | np.floating) and not isinstance(value, bool)


def is_whole(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int)
