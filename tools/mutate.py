"""Mutation tests: change one operation at a time, and see whether the tests notice.

``make mutate`` changes one operator, comparison, number, equation or call of an escaper at a time,
runs the tests of that file on a copy of the package, and lists the changes that no test noticed.
Messages and checks of input are left out. ``python -m tools.mutate gradcheck`` does one file.
"""

import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from importlib.util import cache_from_source
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

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
    changed = deepcopy(tree)
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


@contextmanager
def copied_package() -> Iterator[Path]:
    """Copy the package to a folder for the time of a run.

    The tests and every process that they start import the copy, so that what a file does inside a
    sandbox is tested, too.
    """
    with TemporaryDirectory() as folder:
        yield Path(copytree(SOURCE, Path(folder) / "chainrule"))


def survives(copy: Path, name: str, tree: ast.Module, seconds: float) -> bool:
    """Return whether the tests pass in time with a file of the copy replaced by a changed tree."""
    file = copy / f"{name}.py"
    original = file.read_bytes()
    Path(cache_from_source(file)).unlink(missing_ok=True)
    file.write_text(ast.unparse(tree), encoding="utf-8")
    try:
        return passes(TESTS[name], copy.parent, seconds)
    finally:
        file.write_bytes(original)


def passes(tests: Iterable[str], folder: Path, seconds: float) -> bool:
    """Return whether tests pass in time with the package that is in a folder."""
    options = ["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--assert=plain"]
    run = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # so that what a mutant leaves running can be ended with it
    )
    try:
        return run.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        with suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()


def main() -> None:
    """Print the survivors and the score of the files named, or of all."""
    os.chdir(ROOT)
    with copied_package() as copy:
        scores = [score(copy, name) for name in sys.argv[1:] or TESTS]
    killed, total = map(sum, zip(*scores, strict=True))
    print(f"in all: {killed} of {total} noticed, {killed / total:.1%}")


def score(copy: Path, name: str) -> tuple[int, int]:
    """Print the survivors of one file, and return how many were noticed of how many."""
    text, began = (SOURCE / f"{name}.py").read_text(encoding="utf-8"), perf_counter()
    if not survives(copy, name, ast.parse(text), MOST_SECONDS):
        sys.exit(f"the tests {' '.join(TESTS[name])} fail without any change in {name}.py")
    seconds = max(SECONDS, TIMES * (perf_counter() - began))
    found = list(mutants(text, only_escapers=name in ONLY_ESCAPERS))
    alive = 0
    for line, what, tree in found:
        if survives(copy, name, tree, seconds):
            alive += 1
            print(f"survived  {name}:{line}  {what}", flush=True)
    noticed = len(found) - alive
    print(f"{name}: {noticed} of {len(found)} noticed, {perf_counter() - began:.0f} s", flush=True)
    return noticed, len(found)


if __name__ == "__main__":
    main()
