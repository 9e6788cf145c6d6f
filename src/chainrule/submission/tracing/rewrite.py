"""Rewrite a program so that every number that it computes passes through a recorder.

Each expression `e` that may be a number becomes ``_seen_(code, e)``, where the code is the number
of its place. The recorder returns what it is given, so the program computes the same as before.
"""

import ast
from dataclasses import replace
from types import CodeType
from typing import Any, TypeVar, cast

from chainrule.submission.tracing.places import Kind, Place
from chainrule.submission.tracing.syntax import (
    as_expression,
    as_list,
    code_of,
    differentiated,
    has_call,
    located,
    move_declarations_up,
    names_bound,
    with_keys,
)

SEEN = "_seen_"  # the recorder's name in the rewritten program
MOST_TEXT = 90  # characters of a place's source
# Functions whose results are not numbers, or cannot be wrapped (super needs the class's cell).
NOT_RECORDED = frozenset(
    (
        *("print", "super", "range", "len", "zip", "enumerate", "isinstance", "type", "open"),
        *("input", "format", "str", "repr", "setattr", "hasattr", "reversed", "sorted"),
        *("locals", "globals", "vars", "dir", "id", "callable", "iter", "next"),
    )
)
HASHED = frozenset(("__eq__", "__hash__", "__slots__"))  # what decides over a class's own hash
ADDITIONS = {"add": "Add", "subtract": "Sub"}  # functions of NumPy that are operations
ADDED_AT = {  # methods of NumPy's functions that update rows, and their operations
    f"{module}.{name}.at": op for module in ("np", "numpy") for name, op in ADDITIONS.items()
}
Node = TypeVar("Node", bound=ast.AST)


def rewrite(source: str, filename: str, first: int = 0) -> tuple[CodeType, list[Place]]:
    """Return a program that records its numbers, and the places in it.

    Parameters
    ----------
    source : str
        Valid Python.
    filename : str
    first : int, default 0
        The number of the first place.

    Returns
    -------
    code, places
    """
    rewriter = Rewriter(source, first)
    tree = ast.fix_missing_locations(rewriter.visit(ast.parse(source)))
    move_declarations_up(tree)
    return compile(tree, filename, "exec", dont_inherit=True), rewriter.places


class Rewriter(ast.NodeTransformer):
    """Wraps every expression that may be a number in a call of the recorder.

    Parameters
    ----------
    source : str
    first : int
        The number of the first place.
    """

    def __init__(self, source: str, first: int = 0) -> None:
        self.lines = source.splitlines()
        self.first = first
        self.places: list[Place] = []
        self.functions = [""]

    # ---- places --------------------------------------------------------------------------------

    def place(self, node: ast.AST, text: str = "", kind: Kind = "value", **more: Any) -> int:
        """Add a place and return its number."""
        shown = " ".join((text or self.text(node)).split())[:MOST_TEXT]
        line = getattr(node, "lineno", 0)
        self.places.append(Place(line, shown, kind=kind, function=self.functions[-1], **more))
        return self.first + len(self.places) - 1

    def text(self, node: Any) -> str:
        """Return the source of a node."""
        if not hasattr(node, "end_lineno"):
            return ast.unparse(node)
        lines = self.lines[node.lineno - 1 : node.end_lineno]
        rows = [line.encode() for line in lines]  # offsets count bytes
        if not rows:
            return ast.unparse(node)
        rows[-1] = rows[-1][: node.end_col_offset]
        rows[0] = rows[0][node.col_offset :]
        return b"\n".join(rows).decode(errors="replace")

    def update(self, code: int, **more: Any) -> None:
        """Change some fields of a place."""
        self.places[code - self.first] = replace(self.places[code - self.first], **more)

    @staticmethod
    def wrap(node: ast.expr, code: int) -> ast.expr:
        """Return an expression that passes through the recorder."""
        call = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(code), node], [])
        call.code = code  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]
        return ast.copy_location(call, node)

    # ---- expressions ---------------------------------------------------------------------------

    def operand(self, node: ast.expr) -> ast.expr:
        """Visit an operand; a name or an attribute in it is recorded as a use."""
        if isinstance(node, ast.Name | ast.Attribute):
            code = self.place(node, kind="use", name=ast.unparse(node))
            return self.wrap(cast("ast.expr", self.generic_visit(node)), code)
        return self.visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> ast.expr:
        """Record an operation and its operands."""
        code = self.place(node, op=type(node.op).__name__)
        node.left, node.right = self.operand(node.left), self.operand(node.right)
        self.update(code, parts=(code_of(node.left), code_of(node.right)))
        return self.wrap(node, code)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        """Record a sign."""
        if isinstance(node.op, ast.Not) or isinstance(node.operand, ast.Constant):
            return node if isinstance(node.operand, ast.Constant) else self._inside(node)
        code = self.place(node, op=type(node.op).__name__)
        node.operand = self.operand(node.operand)
        self.update(code, parts=(code_of(node.operand),))
        return self.wrap(node, code)

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Record the result of a call and its arguments."""
        if isinstance(node.func, ast.Name) and node.func.id in NOT_RECORDED:
            return self._inside(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        code = self.place(node, op=ADDITIONS.get(name, "call"))
        owner = self._owner(node)
        node.args = [
            self.visit(a) if isinstance(a, ast.Starred) else self.operand(a) for a in node.args
        ]
        for keyword in node.keywords:
            keyword.value = self.operand(keyword.value)
        parts = tuple(code_of(a) for a in node.args)
        self.update(code, parts=parts if name in ADDITIONS else (owner, *parts))
        return self.wrap(node, code)

    def _owner(self, node: ast.Call) -> int:
        """Record the object whose method is called, as in ``a.dot(b)``, and return its place."""
        if not isinstance(node.func, ast.Attribute):
            node.func = self.visit(node.func)
            return -1
        inner = node.func.value
        if isinstance(inner, ast.Name) and inner.id in ("np", "numpy", "math", "random", "self"):
            return -1
        node.func.value = self.operand(inner)
        return code_of(node.func.value)

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Record an element that is read."""
        if not isinstance(node.ctx, ast.Load):
            return self._inside(node)
        code = self.place(node, kind="use", name=ast.unparse(node))
        return self.wrap(self._inside(node), code)

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        """Leave out the bounds of slices, which are indices; loops pass many of them."""
        return node

    def visit_List(self, node: ast.List) -> ast.expr:
        """Record lists in a list one by one, since they may have different lengths."""
        if isinstance(node.ctx, ast.Load):
            node.elts = [self._inner(item) for item in node.elts]
            return node
        return self._inside(node)

    def visit_ListComp(self, node: ast.ListComp) -> ast.expr:
        """Record lists that are made in a list."""
        node.generators = [self.visit(g) for g in node.generators]
        node.elt = self._inner(node.elt)
        return node

    def _inner(self, node: ast.expr) -> ast.expr:
        return (
            self._constant(node, "")
            if isinstance(node, ast.List | ast.ListComp)
            else self.visit(node)
        )

    def visit_Dict(self, node: ast.Dict) -> ast.expr:
        """Record the numbers that a dictionary is made of."""
        keys = [ast.unparse(k) if k is not None else "" for k in node.keys]
        node.values = [
            self._constant(v, key) if isinstance(v, ast.Constant | ast.List) else self.visit(v)
            for v, key in zip(node.values, keys, strict=True)
        ]
        return node

    def _constant(self, node: ast.expr, name: str) -> ast.expr:
        code = self.place(node, name=name)
        return self.wrap(self.visit(node), code)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.expr:
        """Leave out texts with values in them."""
        return node

    def _inside(self, node: Node) -> Node:
        return cast("Node", self.generic_visit(node))

    # ---- assignments ---------------------------------------------------------------------------

    def visit_Assign(self, node: ast.Assign) -> list[ast.stmt]:
        """Record what is assigned, with the name that the program gives to it."""
        plain = [ast.copy_location(ast.parse(ast.unparse(t)).body[0], node) for t in node.targets]
        before, after = self._assigned_rows(node)
        before += self._seed(node)
        first = node.targets[0]
        target = as_expression(ast.unparse(first))
        shared = [t.id for t in node.targets if isinstance(t, ast.Name)]
        if len(shared) > 1:  # ``a = b = 0.1``: one number, but two parameters
            after += [self.rebind(name, node, "container") for name in shared]
            node.value = self.visit(node.value)
        else:
            node.value = self.named(node.value, first)
        node.targets = [self.visit(t) for t in node.targets]
        both = isinstance(first, ast.Tuple) and isinstance(node.value, ast.Tuple)
        later = (
            [] if both or not isinstance(first, ast.Tuple | ast.List) else self.again(first, node)
        )
        written = self._written(code_of(node.value), target, node)
        return [*before, node, *written, *after, *later, *self._containers(plain, node)]

    def _seed(self, node: ast.Assign) -> list[ast.stmt]:
        """Record the number whose gradient is set to 1, with which a reverse pass begins."""
        thing, gradient = differentiated(node)
        if not thing:
            return []
        code = self.place(node, kind="seed", name=thing)
        call = f"{SEEN}.seed({code}, {thing}, {gradient!r})"
        return [located(ast.copy_location(ast.parse(call).body[0], node), node)]

    def _assigned_rows(self, node: ast.Assign) -> tuple[list[ast.stmt], list[ast.stmt]]:
        """Record the array of ``E[row] = E[row] - step``, before and after it."""
        target, value = node.targets[0], node.value
        additive = isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add | ast.Sub)
        if not (additive and isinstance(target, ast.Subscript) and len(node.targets) == 1):
            return [], []
        if ast.unparse(target) not in ast.unparse(value) or has_call(target):
            return [], []
        same = ast.copy_location(ast.AugAssign(target, ast.Sub(), value), node)
        found = [*self._repeated(same), *self._rows(same)]
        made = [ast.copy_location(located(s, node), node) for s in found]
        return made[:-1], made[-1:]

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.stmt:
        """Record what is assigned; annotations are left alone."""
        if node.value is not None:
            node.value = self.named(node.value, node.target)
        return node

    def named(self, value: ast.expr, target: ast.expr) -> ast.expr:
        """Visit the value of an assignment, and give it the target's name."""
        if isinstance(target, ast.Tuple | ast.List):
            return self._unpacked(value, target)
        first = len(self.places)
        made = self._recorded(value)
        code = code_of(made)
        if code >= 0 and not isinstance(target, ast.Starred):
            name = ast.unparse(target)
            inner = enumerate(self.places[first:], self.first + first)
            own = tuple(c for c, p in inner if p.kind == "use" and p.name == name and c != code)
            if self.places[code - self.first].kind != "use":
                self.update(code, name=name, sources=own)
        return made

    def _unpacked(self, value: ast.expr, target: ast.Tuple | ast.List) -> ast.expr:
        same = isinstance(value, ast.Tuple | ast.List) and len(value.elts) == len(target.elts)
        if not same or any(isinstance(t, ast.Starred) for t in target.elts):
            return self.visit(value)
        written = cast("ast.Tuple", value)
        pairs = zip(written.elts, target.elts, strict=True)
        written.elts = [self.named(v, t) for v, t in pairs]
        return written

    def _recorded(self, value: ast.expr) -> ast.expr:
        """Visit a value that is assigned; constants and lists are recorded too."""
        signed = isinstance(value, ast.UnaryOp) and isinstance(value.operand, ast.Constant)
        kinds = ast.Constant | ast.List | ast.ListComp | ast.IfExp
        if isinstance(value, kinds) or signed:
            code = self.place(value)
            return self.wrap(self.visit(value), code)
        return self.visit(value)

    def again(self, target: ast.expr, node: ast.stmt, kind: Kind = "value") -> list[ast.stmt]:
        """Return statements that record names that have just been bound."""
        bound = (n for n in ast.walk(target) if isinstance(n, ast.Name | ast.Attribute))
        stored = [n for n in bound if isinstance(n.ctx, ast.Store)]
        return [self.rebind(ast.unparse(n), node, kind) for n in stored]

    def rebind(self, name: str, node: ast.stmt, kind: Kind) -> ast.stmt:
        """Return a statement that records a name."""
        code = self.place(node, name, kind, name=name)
        stored = cast("ast.Assign", ast.parse(f"{name} = 0").body[0])
        made = ast.Assign(stored.targets, self.wrap(as_expression(name), code))
        return located(ast.copy_location(made, node), node)

    def _containers(self, targets: list[Any], node: ast.stmt) -> list[ast.stmt]:
        """Return statements that record arrays of which elements chosen by a mask were replaced."""
        chosen = [t.value for t in targets if isinstance(t.value, ast.Subscript)]
        masked = [t for t in chosen if any(isinstance(n, ast.Compare) for n in ast.walk(t.slice))]
        return [self._container(t.value, node) for t in masked]

    def _container(self, array: ast.expr, node: ast.stmt) -> ast.stmt:
        name = ast.unparse(array)
        code = self.place(node, kind="container", name=name)
        array_read = ast.parse(name, mode="eval").body
        return ast.copy_location(ast.Expr(self.wrap(array_read, code)), node)

    def visit_AugAssign(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Record a variable before and after its augmented assignment."""
        text, name = self.text(node), ast.unparse(node.target)
        target = node.target
        if has_call(target):  # it would be evaluated three times
            node.value = self.operand(node.value)
            return [node]
        container = self._index_target(node) or self._rows(node)
        after = self.place(node, text, "update", name=name, op=type(node.op).__name__)
        before = self.place(node, name, "before", name=name)
        node.value = self.operand(node.value)
        self.update(after, parts=(before, code_of(node.value)))
        first = ast.Expr(self.wrap(as_expression(name), before))
        stored = cast("ast.Assign", ast.parse(f"{name} = 0").body[0])
        last = ast.Assign(stored.targets, self.wrap(as_expression(name), after))
        written = self._written(after, as_expression(name), node)
        changed = [first, node, last, *written]
        found = [*self._repeated(node), *container[:1], *changed, *container[1:]]
        return [ast.copy_location(located(s, node), node) for s in found]

    @staticmethod
    def _written(code: int, target: ast.expr, node: ast.stmt) -> list[ast.stmt]:
        """Return a statement that records to which element of a container a value is assigned."""
        text, keys = with_keys(target)
        if code < 0 or not keys or has_call(target):
            return []
        call = f"{SEEN}.written({code}, {text!r}, ({', '.join(map(ast.unparse, keys))},))"
        return [located(ast.copy_location(ast.parse(call).body[0], node), node)]

    def _rows(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Record the array of ``E[rows] -= step``, of which some rows are updated."""
        target = node.target
        if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Constant):
            return []
        name, part, op = ast.unparse(target.value), ast.unparse(target), type(node.op).__name__
        before = self.place(node, name, "before", name=name)
        after = self.place(node, "", "update", name=name, op=op, parts=(before, -1))
        calls = (f"{SEEN}.rows({code}, {name}, {part})" for code in (before, after))
        return [ast.parse(call).body[0] for call in calls]

    def visit_Expr(self, node: ast.Expr) -> list[ast.stmt] | ast.stmt:
        """Record the array of ``np.add.at(E, rows, step)``, of which some rows are updated."""
        call = node.value
        called = ast.unparse(call.func) if isinstance(call, ast.Call) else ""
        if called not in ADDED_AT or not isinstance(call, ast.Call) or len(call.args) < 3:
            return self._inside(node)
        array, op = call.args[0], ADDED_AT[called]
        name = ast.unparse(array)
        if has_call(array):
            return self._inside(node)
        text = self.text(node)
        before = self.place(node, name, "before", name=name)
        after = self.place(node, text, "update", name=name, op=op, parts=(before, -1))
        ends = [ast.Expr(self.wrap(as_expression(name), code)) for code in (before, after)]
        first, last = (ast.copy_location(located(end, node), node) for end in ends)
        return [first, self._inside(node), last]

    def _repeated(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Record whether ``E[rows] += step`` names a row twice, which is added once then."""
        target = node.target
        if not isinstance(target, ast.Subscript) or isinstance(target.slice, ast.Constant):
            return []
        parts = target.slice.elts if isinstance(target.slice, ast.Tuple) else [target.slice]
        index = [ast.unparse(p) for p in parts if not isinstance(p, ast.Slice | ast.Starred)]
        code = self.place(node, kind="repeated", name=ast.unparse(target.value))
        return (
            [ast.parse(f"{SEEN}.repeated({code}, ({', '.join(index)},))").body[0]] if index else []
        )

    def _index_target(self, node: ast.AugAssign) -> list[ast.stmt]:
        """Record the array of ``p[rows, classes] -= 1``: its targets are indices."""
        one = isinstance(node.value, ast.Constant) and node.value.value == 1
        if not (one and isinstance(node.op, ast.Sub) and isinstance(node.target, ast.Subscript)):
            return []
        before = self._container(node.target.value, node)
        after = self._container(node.target.value, node)
        codes = self.first + len(self.places) - 2, self.first + len(self.places) - 1
        self.update(codes[1], op="OneHot", parts=(codes[0], -1))
        return [before, after]

    # ---- statements ----------------------------------------------------------------------------

    def visit_For(self, node: ast.For) -> ast.stmt:
        """Record the loop variables."""
        target = node.target
        node = self._inside(node)
        node.body = [*self.again(target, node, "loop"), *node.body]
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """Record the arguments; annotations are left alone."""
        self.functions.append(node.name)
        body = [s for old in node.body for s in as_list(self.visit(old))]
        node.args.defaults = [self.visit(d) for d in node.args.defaults]
        names = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        doc = body[:1] if ast.get_docstring(node) is not None else []
        bound = [
            self.rebind(a.arg, node, "argument") for a in names if a.arg not in ("self", "cls")
        ]
        node.body = [*doc, *bound, *body[len(doc) :]]
        self.functions.pop()
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.stmt:
        """Visit the methods; sets of its objects are to have the same order in every run."""
        names = {n for s in node.body for n in names_bound(s)}
        node.body = [s for old in node.body for s in as_list(self.visit(old))]
        if not (node.bases or node.keywords or node.decorator_list or names & HASHED):
            made = ast.parse(f"__hash__ = {SEEN}.serial_hash").body[0]
            node.body.append(ast.copy_location(located(made, node), node))
        return node
