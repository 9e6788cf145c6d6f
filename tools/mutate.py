"""Mutation tests: change one operation at a time, and see whether the tests notice.

``make mutate`` changes one operator, comparison, number, equation or call of an escaper at a time,
runs the tests of that file in a child process, and lists the changes that no test noticed. Messages
and checks of input are left out. ``python -m tools.mutate gradcheck`` does so for one file.
"""

import ast
import copy
import importlib.abc
import importlib.machinery
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from types import CodeType, ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "chainrule"
LAWS = ("tests/laws/test_fast.py", "tests/laws/test_ties.py")
ENGINE = (
    *("activations", "losses", "layers", "optimizers", "schedules", "penalties"),
    *("initializers", "network", "loops", "wiring"),
)
CONFINEMENT = ("tests/submission/test_confinement.py",)
ESCAPING = "tests/pages/test_escaping.py"

# The files that are mutated, and the arguments of pytest that select the tests of each.
TESTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(ENGINE, LAWS),
    "gradcheck": ("tests/engine/test_gradcheck.py",),
    "compiled/choice": ("tests/compiled/test_choice.py",),
    "diagnosis/decision": ("tests/diagnosis/test_decision.py",),
    "submission/process/data_files": ("tests/submission/test_data_files.py",),
    "submission/process/messages": ("tests/submission/test_messages.py",),
    "submission/process/call_filter": CONFINEMENT,
    "submission/process/confinement": CONFINEMENT,
    "submission/process/keeper": CONFINEMENT,
    "submission/process/landlock": CONFINEMENT,
    "submission/process/namespaces": (*CONFINEMENT, "tests/submission/test_limits.py"),
    "submission/process/rlimits": ("tests/submission/test_limits.py",),
    "pages/html": (ESCAPING,),
    "pages/html_elements": (ESCAPING,),
    "pages/svg": (ESCAPING,),
    "pages/mathml": (ESCAPING,),
    "pages/markup": (ESCAPING,),
    "pages/tex_words": (ESCAPING,),
}
# Of these files only the calls of escapers are mutated: the rest is layout.
ONLY_ESCAPERS = ("pages/html", "pages/html_elements", "pages/svg", "pages/mathml")
ESCAPERS = {"escape"}
# A mutant counts as noticed if its tests run longer than this, or than a multiple of what the tests
# take without a change: it hangs.
SECONDS, TIMES = 60, 5
MOST_SECONDS = 3600  # without a change

OTHER: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Pow: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.BitXor: ast.BitAnd,
    ast.RShift: ast.LShift,
}
COMPARED: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.LtE: (ast.Lt,),
    ast.GtE: (ast.Gt,),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
SKIPPED_FUNCTIONS = {  # that check input or describe an error
    *("__post_init__", "check_targets", "_check_range", "_check_probabilities", "source_of"),
    *("diverged", "first_nonfinite", "check_state", "check_law", "_parameter", "_numbered"),
    *("_pairs", "check_gradient", "layer", "one_hot"),
}

Mutant = tuple[int, str, ast.Module]


def mutants(text: str, *, only_escapers: bool = False) -> Iterator[Mutant]:
    """Yield (line, what changed, tree) for every single change of a file or an equation."""
    tree = ast.parse(text)
    left_out, texts = skipped(tree), equations(tree)
    for place, node in enumerate(ast.walk(tree)):
        if place not in left_out:
            operations = () if only_escapers else changes(node, in_equation=place in texts)
            for change in (*operations, *without_escaping(node)):
                yield mutant(tree, place, change)


def without_escaping(node: ast.AST) -> Iterator[dict[str, Any]]:
    """Yield the change that lets a call of an escaper return its argument."""
    match node:
        case ast.Call(func=ast.Name(name)) if name in ESCAPERS:
            yield {"func": ast.Name("str", ast.Load())}
        case _:
            pass


def mutant(tree: ast.Module, place: int, change: dict[str, Any]) -> Mutant:
    """Return a copy of the tree with one node changed."""
    changed = copy.deepcopy(tree)
    node: Any = list(ast.walk(changed))[place]
    before = ast.unparse(node)
    for field, value in change.items():
        setattr(node, field, value)
    ast.fix_missing_locations(changed)
    what = f"{before}  =>  {ast.unparse(node)}".replace("\n", " ")
    return getattr(node, "lineno", 0), what[:200], changed


def changes(node: ast.AST, *, in_equation: bool) -> Iterator[dict[str, Any]]:
    """Yield what may be changed in a node, as fields and values."""
    match node:
        case ast.BinOp(op=op) if type(op) in OTHER:
            yield {"op": OTHER[type(op)]()}
        case ast.Compare(ops=[op]):
            yield from ({"ops": [other()]} for other in COMPARED.get(type(op), ()))
        case ast.UnaryOp(op=ast.USub()):
            yield {"op": ast.UAdd()}
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield {"operand": ast.UnaryOp(ast.Not(), operand)}
        case ast.BoolOp(op=op):
            yield {"op": ast.Or() if isinstance(op, ast.And) else ast.And()}
        case ast.IfExp(test=test):
            yield {"test": ast.UnaryOp(ast.Not(), test)}
        case ast.Constant(value=bool() as value):
            yield {"value": not value}
        case ast.Constant(value=int() | float() as value):
            yield {"value": value + 1}
        case ast.Constant(value=str() as text) if in_equation:
            yield from ({"value": ast.unparse(tree)} for _, _, tree in mutants(text))
        case _:
            pass


def skipped(tree: ast.Module) -> set[int]:
    """Return the places of nodes inside messages, checks, annotations and textbook formulas."""
    decorators = [d for node in ast.walk(tree) for d in getattr(node, "decorator_list", ())]
    return places(tree, [*decorators, *(node for node in ast.walk(tree) if is_skipped(node))])


def is_skipped(node: ast.AST) -> bool:
    """Return whether a node describes something instead of computing it."""
    match node:
        case ast.FunctionDef(name=name):
            return name in SKIPPED_FUNCTIONS
        case ast.Raise() | ast.Import() | ast.ImportFrom() | ast.AnnAssign(value=None):
            return True
        case ast.keyword(arg="strict") | ast.Assign(targets=[ast.Name("formula" | "dformula")]):
            return True
        case ast.Assign(targets=[ast.Tuple([ast.Name("name"), *_])]):
            return True
        case _:
            return False


def equations(tree: ast.Module) -> set[int]:
    """Return the places of texts that are equations: dictionaries' values with an operator."""
    values = [v for node in ast.walk(tree) if isinstance(node, ast.Dict) for v in node.values]
    texts = [v for v in values if isinstance(v, ast.Constant) and " " in str(v.value)]
    return places(tree, [v for v in texts if is_expression(str(v.value))])


def is_expression(text: str) -> bool:
    """Return whether a text parses as an expression."""
    try:
        ast.parse(text, mode="eval")
    except SyntaxError:
        return False
    return True


def places(tree: ast.Module, roots: list[Any]) -> set[int]:
    """Return the places, in walking order, of some nodes and all inside them."""
    inside = {id(node) for root in roots for node in ast.walk(root)}
    return {i for i, node in enumerate(ast.walk(tree)) if id(node) in inside}


# ---- running a mutant --------------------------------------------------------------------------


class Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module of the package from a changed tree."""

    def __init__(self, module: str, code: CodeType) -> None:
        self.module, self.code = module, code

    def find_spec(
        self, fullname: str, path: object = None, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Claim that module, and no other."""
        del path, target
        if fullname != self.module:
            return None
        return importlib.util.spec_from_loader(fullname, self, origin=str(SOURCE))

    def exec_module(self, module: ModuleType) -> None:
        """Run the changed code."""
        exec(self.code, module.__dict__)  # noqa: S102 (that is the tool's purpose)


def survives(name: str, tree: ast.Module, seconds: float) -> bool:
    """Return whether the tests pass in time with a file replaced by a changed tree.

    They run in a child process.
    """
    module = f"chainrule.{name.replace('/', '.')}"
    child = os.fork()
    if child == 0:
        signal.alarm(round(seconds))
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        try:
            sys.meta_path.insert(0, Mutated(module, compile(tree, name, "exec")))
            options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain"]
            failed = pytest.main([*options, *TESTS[name]])
        except BaseException:  # noqa: BLE001 (a mutant may do anything)
            failed = 1
        os._exit(1 if failed else 0)
    return os.waitpid(child, 0)[1] == 0


def main() -> None:
    """Print the survivors and the score of the files named, or of all."""
    os.chdir(ROOT)
    total = killed = 0
    for name in sys.argv[1:] or TESTS:
        text, began = (SOURCE / f"{name}.py").read_text(encoding="utf-8"), perf_counter()
        if not survives(name, ast.parse(text), MOST_SECONDS):
            sys.exit(f"the tests {' '.join(TESTS[name])} fail without any change in {name}.py")
        seconds = max(SECONDS, TIMES * (perf_counter() - began))
        found = list(mutants(text, only_escapers=name in ONLY_ESCAPERS))
        alive = [(line, what) for line, what, tree in found if survives(name, tree, seconds)]
        for line, what in alive:
            print(f"survived  {name}:{line}  {what}", flush=True)
        total, killed = total + len(found), killed + len(found) - len(alive)
        score = f"{len(found) - len(alive)} of {len(found)}"
        print(f"{name}: {score} noticed, {perf_counter() - began:.0f} s", flush=True)
    print(f"in all: {killed} of {total} noticed, {killed / total:.1%}")


if __name__ == "__main__":
    main()
