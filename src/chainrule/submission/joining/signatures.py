"""What the source of a program says about its functions: parameters, keys, names of results."""

import ast
import builtins
from collections.abc import Iterator
from dataclasses import dataclass, field

FILLS = ("zeros", "ones", "full", "zeros_like", "ones_like", "normal", "uniform", "gauss")
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Signature:
    """A function or method of a program, as its source describes it.

    Parameters
    ----------
    name : str
    parameters : tuple of str
        Those that are needed, in order; without ``self``.
    optional : tuple of str
        Those that have a default.
    keys : dict of str to set of str
        The text keys with which each parameter is subscripted.
    prefixes : dict of str to set of str
        The beginnings of keys that are put together, such as "W" of ``params["W" + str(i)]``.
    lengths : dict of str to int
        Into how many names a parameter is unpacked.
    words : dict of str to tuple of str
        The texts with which a parameter is compared.
    results : tuple of tuple of str
        For each return statement, the names of what it returns; "" for what has no name.
    calls : frozenset of str
        The names of functions and methods that it calls.
    uses : frozenset of str
        Names of the module that it reads.
    loops : bool
    draws : bool
        Whether it calls random generators, or makes arrays of zeros or ones.
    text : str
        Its source.
    """

    name: str
    parameters: tuple[str, ...]
    optional: tuple[str, ...]
    keys: dict[str, set[str]]
    prefixes: dict[str, set[str]]
    lengths: dict[str, int]
    words: dict[str, tuple[str, ...]]
    results: tuple[tuple[str, ...], ...]
    calls: frozenset[str]
    uses: frozenset[str]
    loops: bool
    draws: bool
    text: str


@dataclass(frozen=True)
class ClassSignature:
    """A class of a program: how it is created, and its methods."""

    name: str
    created: Signature
    methods: tuple[Signature, ...]


@dataclass(frozen=True)
class Signatures:
    """All functions and classes of a program, and the names that results get where it calls them.

    Parameters
    ----------
    functions : tuple of Signature
    classes : tuple of ClassSignature
    targets : dict of str to tuple of str
        For each function that is called in an assignment, the names that are assigned.
    """

    functions: tuple[Signature, ...]
    classes: tuple[ClassSignature, ...]
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])

    def roots(self) -> tuple[Signature, ...]:
        """Return the functions that no other function calls."""
        called = {c for f in self.functions for c in f.calls if c != f.name}
        return tuple(f for f in self.functions if f.name not in called)

    def outer_classes(self) -> tuple[ClassSignature, ...]:
        """Return the classes, those first that no other class uses."""
        used = {u for c in self.classes for m in (c.created, *c.methods) for u in m.uses}
        return tuple(sorted(self.classes, key=lambda c: c.name in used))

    def reach(self, function: Signature) -> set[str]:
        """Return the names of all functions of the program that a function calls."""
        by_name = {f.name: f for f in self.functions}
        found: set[str] = set()
        pending = [function]
        while pending:
            for name in pending.pop().calls:
                if name in by_name and name not in found:
                    found.add(name)
                    pending.append(by_name[name])
        return found


def signatures(text: str) -> Signatures:
    """Return what the source of a program says about its functions and classes.

    Parameters
    ----------
    text : str
        Valid Python.

    Returns
    -------
    Signatures
    """
    tree = ast.parse(text)
    functions = {n.name: _signature(n, 0) for n in tree.body if isinstance(n, FunctionNode)}
    classes = {n.name: _class(n) for n in tree.body if isinstance(n, ast.ClassDef)}
    return Signatures(tuple(functions.values()), tuple(classes.values()), _targets(tree))


def _class(node: ast.ClassDef) -> ClassSignature:
    methods = [n for n in node.body if isinstance(n, ast.FunctionDef)]
    made = [_signature(m, not _is_static(m)) for m in methods]
    created = next((m for m in made if m.name == "__init__"), None)
    own = tuple(m for m in made if not m.name.startswith("__"))
    nothing = _signature(ast.parse("def __init__(): pass").body[0], 0)
    return ClassSignature(node.name, created or nothing, own)


def _is_static(node: ast.FunctionDef) -> bool:
    return any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in node.decorator_list)


def _signature(node: ast.AST, bound: int) -> Signature:
    assert isinstance(node, FunctionNode)  # noqa: S101 (for the type checker)
    arguments = node.args
    positional = [a.arg for a in (*arguments.posonlyargs, *arguments.args)]
    count = len(positional) - len(arguments.defaults)
    keyword = list(zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True))
    needed = [*positional[bound:count], *(a.arg for a, d in keyword if d is None)]
    optional = [*positional[max(count, bound) :], *(a.arg for a, d in keyword if d is not None)]
    names = {*needed, *optional}
    return Signature(
        node.name,
        tuple(needed),
        tuple(optional),
        _keys(node, names),
        _prefixes(node, names),
        _lengths(node, names),
        _words(node, names),
        tuple(_results(node)),
        frozenset(_calls(node)),
        frozenset(_uses(node, {*positional, *(a.arg for a, _ in keyword)})),
        any(isinstance(n, ast.For | ast.While) for n in ast.walk(node)),
        any(_is_draw(name) for name in _calls(node)),
        ast.unparse(node),
    )


def _is_draw(name: str) -> bool:
    return name in FILLS or "rand" in name


def _subscripts(node: ast.AST, names: set[str]) -> Iterator[tuple[str, ast.expr]]:
    """Yield the parameters that are subscripted, and the subscripts."""
    for n in ast.walk(node):
        if isinstance(n, ast.Subscript) and isinstance(n.value, ast.Name) and n.value.id in names:
            yield n.value.id, n.slice


def _keys(node: ast.AST, names: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, key in _subscripts(node, names):
        if isinstance(key, ast.Constant) and isinstance(key.value, str):
            found.setdefault(name, set()).add(key.value)
    return found


def _prefixes(node: ast.AST, names: set[str]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name, key in _subscripts(node, names):
        first = _beginning(key)
        if first is not None:
            found.setdefault(name, set()).add(first.rstrip("%ds{}"))
    return found


def _beginning(key: ast.expr) -> str | None:
    """Return the text with which a key that is put together begins, or None."""
    first = key.left if isinstance(key, ast.BinOp) else key
    if isinstance(first, ast.JoinedStr) and first.values:
        first = first.values[0]
    if first is key or not isinstance(first, ast.Constant):
        return None
    return first.value if isinstance(first.value, str) else None


def _lengths(node: ast.AST, names: set[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for n in ast.walk(node):
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Name) and n.value.id in names:
            target = n.targets[0]
            if isinstance(target, ast.Tuple | ast.List):
                found[n.value.id] = len(target.elts)
    return found


def _words(node: ast.AST, names: set[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for n in ast.walk(node):
        if not (isinstance(n, ast.Compare) and isinstance(n.left, ast.Name)):
            continue
        right = n.comparators[0]
        listed = right.elts if isinstance(right, ast.Tuple | ast.List | ast.Set) else [right]
        texts = [e.value for e in listed if isinstance(e, ast.Constant)]
        words = [t for t in texts if isinstance(t, str)]
        if n.left.id in names and words:
            found[n.left.id] = tuple(dict.fromkeys((*found.get(n.left.id, ()), *words)))
    return found


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a function, without those of functions inside it."""
    for child in ast.iter_child_nodes(node):
        yield child
        if not isinstance(child, FunctionNode | ast.Lambda):
            yield from _own(child)


def _results(node: ast.AST) -> Iterator[tuple[str, ...]]:
    for n in _own(node):
        if isinstance(n, ast.Return) and n.value is not None:
            value = n.value
            parts = value.elts if isinstance(value, ast.Tuple) else [value]
            yield tuple(name_of(p) for p in parts)


def name_of(node: ast.AST) -> str:
    """Return the name of a variable or attribute, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    return node.attr if isinstance(node, ast.Attribute) else ""


def _calls(node: ast.AST) -> Iterator[str]:
    for n in ast.walk(node):
        if isinstance(n, ast.Call):
            yield name_of(n.func)
            yield from (n_.id for n_ in n.args if isinstance(n_, ast.Name))  # passed on


def _uses(node: ast.AST, own: set[str]) -> set[str]:
    """Return the names that a function reads and does not bind."""
    names = [n for n in ast.walk(node) if isinstance(n, ast.Name)]
    bound = {n.id for n in names if isinstance(n.ctx, ast.Store)} | own
    declared = {x for n in ast.walk(node) if isinstance(n, ast.Global) for x in n.names}
    read = {n.id for n in names if isinstance(n.ctx, ast.Load)}
    return {n for n in read - (bound - declared) if not hasattr(builtins, n)}


def _targets(tree: ast.AST) -> dict[str, tuple[str, ...]]:
    """Return the names that the results of functions get where the program calls them."""
    found: dict[str, tuple[str, ...]] = {}
    for n in ast.walk(tree):
        if isinstance(n, ast.Assign) and isinstance(n.value, ast.Call):
            target = n.targets[0]
            parts = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            found.setdefault(name_of(n.value.func), tuple(name_of(p) for p in parts))
    return found
