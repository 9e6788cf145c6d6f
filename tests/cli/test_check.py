"""``chainrule check``: exit codes, formats, options, and files as learners leave them."""

import ast
import builtins
import json
import time
from collections.abc import Callable, Iterable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from rich.console import Console
from typer.testing import CliRunner

import chainrule
import chainrule.diagnosis
from chainrule.cli import app, check, output
from chainrule.diagnosis import Diagnosis, diagnosis_schema
from chainrule.errors import InputError
from chainrule.names import DOCUMENT_FORMATS
from chainrule.optimizers import SGD
from tests.cli.conftest import Call, Outcome, finish

PROGRAMS = Path(__file__).parents[1] / "diagnosis" / "programs"
DECLARED = ("--layers", "2,3,1", "--activation", "logistic", "--loss", "squared-error")

RIGHT = """
import numpy as np

def sigmoid(z):
    return 1 / (1 + np.exp(-z))

def gradients(weights, biases, x, t):
    a = [x]
    for W, b in zip(weights, biases):
        a.append(sigmoid(a[-1] @ W.T + b))
    delta = (a[-1] - t) * a[-1] * (1 - a[-1]) / len(x)
    dW, db = [], []
    for k in reversed(range(len(weights))):
        dW.insert(0, delta.T @ a[k])
        db.insert(0, delta.sum(axis=0))
        delta = (delta @ weights[k]) * SLOPE
    return dW, db
""".replace("SLOPE", "a[k] * (1 - a[k])")
WRONG = RIGHT.replace(" * a[k] * (1 - a[k])", "")
VERDICT = (
    "✗ Wrong: the derivative of the activation is missing from the backpropagated deltas (layer 1)."
)
UNKNOWN = RIGHT.replace("delta.T @ a[k])", "np.sin(3 * (delta.T @ a[k])) + 0.01)")
CRASHES = RIGHT.replace("a = [x]", "a = [x] + no_such_name")
ENDLESS = RIGHT.replace("a = [x]", "while True: pass")


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that writes a learner's program and returns its path."""

    def written(text: str, name: str = "net.py") -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def report(outcome: Outcome) -> dict[str, Any]:
    """Return the diagnosis that a command wrote as JSON; validate it against its schema."""
    found = json.loads(outcome.out)
    Draft202012Validator(json.loads(diagnosis_schema())).validate(found)
    return found


def mistake_ids(found: dict[str, Any]) -> list[str]:
    return [mistake["id"] for mistake in found["mistakes"]]


# ---- exit codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "more", "verdict", "code"),
    [
        (RIGHT, (), "right", 0),
        (WRONG, (), "wrong", 1),
        (UNKNOWN, (), "unknown", 1),
        (CRASHES, (), "could-not-run", 3),
        (ENDLESS, ("--seconds-call", "0.2"), "could-not-run", 3),
    ],
    ids=["right", "wrong", "unknown", "crashes", "endless"],
)
def test_each_verdict_has_an_exit_code(
    call: Call, program: Any, text: str, more: tuple[str, ...], verdict: str, code: int
):
    file = program(text)
    done = call("check", file, *DECLARED, *more, "--seconds", "20", "--json")
    assert (done.code, done.err) == (code, "")
    assert report(done)["verdict"] == verdict


def test_syntax_error_has_exit_code_3(call: Call, program: Any):
    code, out, err = call("check", program("import numpy\ndef gradients(:"))
    assert code == 3
    assert "line 2" in out + err


def test_report_is_printed(call: Call, program: Any):
    done = call("check", program(WRONG), *DECLARED)
    assert (done.code, done.err) == (1, "")
    assert "the derivative of the activation is missing" in done.out
    assert "net.py: gradients" in done.out
    assert "Repair" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_exit_code_of_a_process(process: Call, program: Any):
    done = process("check", program(WRONG), *DECLARED, "--json")
    assert (done.code, done.err) == (1, "")
    assert mistake_ids(report(done)) == ["hidden-slope-missing"]


@pytest.mark.parametrize("name", ["none.py", "none.json", "none.csv"])
def test_missing_file(call: Call, tmp_path: Path, name: str):
    code, out, err = call("check", str(tmp_path / name), "--problem", "mazur")
    assert (code, out) == (3, "")
    assert name in err


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        ("{", "JSON"),
        ('{"w99+": 1}', "w99+"),
        ('{"w1+": "one"}', "one"),
        ('{"W1_new": [[1, 2, 3]]}', "W1_new"),
    ],
)
def test_unusable_numbers(call: Call, program: Any, text: str, message: str):
    code, out, err = call("check", program(text, "numbers.json"), "--problem", "mazur")
    assert (code, out) == (3, "")
    assert message in err


def test_programs_cannot_be_checked_without_biases(call: Call, program: Any):
    code, out, err = call("check", program(RIGHT), "--problem", "huddar")
    assert (code, out) == (3, "")
    assert "biases" in err


# ---- wrong usage --------------------------------------------------------------------------------

WHOLE = "--layers 1,1 --activation tanh --loss squared-error --inputs 1 --targets 2"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "FILE"),
        ("net.txt", "programs end in .py or .ipynb, numbers in .json, .csv or .tsv"),
        ("mazur", "to name a problem, use --problem mazur"),
        ("net.py --problem mazr", "did you mean 'mazur'?"),
        ("net.py --loss squared", "did you mean 'squared-error'?"),
        ("net.py --activation tahn", "did you mean 'tanh'?"),
        ("net.py --optimizer adm", "did you mean 'adam'?"),
        ("net.py --optimizer lbfgs", "it has no equations"),
        ("net.py --layers 2", "at least inputs and outputs"),
        ("net.py --layers 2,x", "--layers: "),
        ("net.py --layers 2,3,1 --activation tanh,tanh,tanh", "got 3 names for 2 layers"),
        ("net.py --learning-rate 0", "above 0"),
        ("net.py --momentum .9", "add --optimizer momentum or nesterov"),
        ("net.py --optimizer adam --momentum .9", "add --optimizer momentum or nesterov"),
        ("net.py --optimizer momentum --momentum 1", "--momentum: "),
        ("net.py --problem mazur --momentum .9", "sgd does not use it"),
        ("net.py --hint 5", "whole number from 1 to 4"),
        ("net.py --hint 0", "whole number from 1 to 4"),
        ("net.py --seconds 0", "above 0"),
        ("net.py --seconds-call nan", "above 0"),
        ("net.py --format yaml", "--format: "),
        (
            "net.py -o report.pdf",
            "choose one of the endings .txt .md .tex .html .htm .json",
        ),
        ("net.py --json --format html", "contradicts --format html"),
        ("net.py --batch 3", "--batch"),
        ("net.py --seed 3", "has no effect, because no weights are drawn"),
        ("net.py --problem mazur --seed 3", "has no effect, because all weights are given"),
        ("net.py --notation mazur", "has no effect on a program"),
        ("net.py --problem mazur --notation mazur", "has no effect on a program"),
        ("net.py --weights 1", "missing; describe"),
        ("net.py --inputs 1,1 --layers 2,3,1 --loss squared-error", "--activation: missing"),
        ("net.json", "numbers belong to one network; add it, such as --problem mazur"),
        ("net.json --layers 2,3,1", "--activation: missing"),
        (f"net.json {WHOLE}", "--weights: missing"),
        (f"net.json {WHOLE} --weights 1,2", "--weights: "),
        ("net.json --problem mazur --function step", "nothing is called"),
        ("net.csv --problem mazur --seconds-call 3", "nothing is called"),
    ],
)
def test_wrong_usage(call: Call, line: str, message: str):
    code, out, err = call("check", *line.split())
    assert (code, out) == (2, "")
    assert message in " ".join(err.split())
    assert err.startswith("Usage: ")


def test_sample_weight_is_rejected(call: Call, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "xor"\nsample-weight = [1, 2, 3, 4]\n')
    code, _, err = call("check", "net.py", "--problem", str(file))
    assert (code, "sample-weight" in err) == (2, True)


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("chainrule ch", ["check"]),
        ("chainrule check net.py --problem m", ["mazur"]),
        ("chainrule check net.py --loss q", ["quantile"]),
        ("chainrule check net.py --activation soft", ["softmax", "softplus"]),
        ("chainrule check net.py --optimizer n", ["nesterov"]),
        ("chainrule check net.py --optimizer l", []),
        ("chainrule check net.py --notation r", ["rumelhart", "russell-norvig"]),
    ],
)
def test_shell_completion(line: str, offered: list[str]):
    env = {
        "_CHAINRULE_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(line.count(" ")),
    }
    assert CliRunner().invoke(app, [], prog_name="chainrule", env=env).stdout.split() == offered


# ---- arguments of the diagnosis -----------------------------------------------------------------

Calls = list[tuple[tuple[Any, ...], dict[str, Any]]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Record the calls of the diagnosis instead of running it."""
    recorded: Calls = []

    def record(*values: Any, **options: Any) -> Diagnosis:
        recorded.append((values, options))
        return Diagnosis("right", "Right.")

    monkeypatch.setattr(chainrule.diagnosis, "check", record)
    return recorded


def test_nothing_is_declared_by_default(call: Call, calls: Calls):
    assert call("check", "net.py").code == 0
    assert calls == [
        (
            (Path("net.py"), None, None, None, None),
            {
                "learning_rate": None,
                "optimizer": None,
                "strict": False,
                "hint": 4,
                "function": None,
                "run": "",
                "notation": "plain",
                "seconds_call": check.SECONDS_CALL,
                "seconds": check.SECONDS,
            },
        )
    ]


def test_declared_options_are_passed_on(call: Call, calls: Calls):
    line = (
        "net.py --layers 2,3,2 --activation tanh,softmax --loss softmax-cross-entropy "
        "--optimizer momentum --momentum .8 --learning-rate .3 --strict --hint 2 "
        "--function Net.train --seconds 9 --seconds-call 3"
    )
    assert call("check", *line.split()).code == 0
    ((_, network, *data), more) = calls[0]
    assert network == {
        "layers": (2, 3, 2),
        "activation": ["tanh", "softmax"],
        "loss": "softmax-cross-entropy",
        "momentum": 0.8,
    }
    assert data == [None, None, None]
    assert more == {
        "learning_rate": 0.3,
        "optimizer": "momentum",
        "strict": True,
        "hint": 2,
        "function": "Net.train",
        "run": "",
        "notation": "plain",
        "seconds_call": 3.0,
        "seconds": 9.0,
    }


@pytest.mark.parametrize(("file", "rate"), [("net.py", None), ("net.json", 0.5)])
def test_problem_gives_all_settings(call: Call, calls: Calls, file: str, rate: float | None):
    """The check infers a program's learning rate; for numbers it uses the problem's."""
    call("check", file, "--problem", "mazur")
    ((_, network, theta, x, t), more) = calls[0]
    mazur = chainrule.problem("mazur")
    assert (network, (x, t)) == (mazur.network, mazur.data()[:2])
    assert theta.tolist() == mazur.theta().tolist()
    assert (more["optimizer"], more["learning_rate"]) == (SGD(0.5), rate)
    assert more["notation"] == "mazur"


def test_options_change_a_problem(call: Call, calls: Calls):
    line = "net.json --problem half-adder --seed 3 --learning-rate .1 --notation nielsen"
    call("check", *line.split())
    ((_, _, theta, *_), more) = calls[0]
    assert theta.tolist() == chainrule.problem("half-adder").theta(3).tolist()
    assert (more["learning_rate"], more["notation"]) == (0.1, "nielsen")


def test_problem_may_be_a_file(call: Call, calls: Calls, tmp_path: Path):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "mazur"\nlearning-rate = 0.25\n')
    call("check", "net.csv", "--problem", str(file))
    assert calls[0][1]["learning_rate"] == 0.25


def test_options_describe_a_network(call: Call, calls: Calls):
    call("check", "net.json", *WHOLE.split(), "--weights", "3", "--biases", "4")
    ((_, network, theta, x, t), more) = calls[0]
    assert network == chainrule.mlp(1, 1, activation="tanh", loss="squared-error")
    assert (theta.tolist(), x, t) == ([3, 4], ((1,),), ((2,),))
    assert (more["optimizer"], more["learning_rate"]) == (None, None), "no optimizer was named"


def test_weights_may_be_drawn(call: Call, calls: Calls):
    assert call("check", "net.py", *WHOLE.split()).code == 0
    assert calls[0][0][2].shape == (2,)


def test_limits_defined_without_numpy_are_correct():
    limits = chainrule.check.__kwdefaults__ or {}
    assert limits["seconds_call"] == check.SECONDS_CALL
    assert limits["seconds"] == check.SECONDS
    assert limits["hint"] == check.MOST_HINTS


def test_formats_are_those_of_a_diagnosis():
    found = Diagnosis("right", "Right.")
    assert found.formats == DOCUMENT_FORMATS
    assert all(found.to_format(name).endswith("\n") for name in DOCUMENT_FORMATS)


@pytest.mark.parametrize(
    ("error", "code"), [(InputError("no"), 3), (KeyboardInterrupt(), 130), (KeyError("k"), 70)]
)
def test_errors_have_exit_codes(
    call: Call, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int
):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(chainrule.diagnosis, "check", fail)
    assert call("check", "net.py").code == code


# ---- formats and hints --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.html", "<!doctype html>"), ("r.md", "# "), ("r.json", "{"), ("r.txt", "✗ Wrong: ")],
)
def test_output_files(call: Call, program: Any, tmp_path: Path, name: str, start: str):
    code, out, err = call("check", program(WRONG), *DECLARED, "-o", str(tmp_path / name))
    assert (code, out) == (1, f"{VERDICT}\n")
    assert f"Wrote {tmp_path / name}." in err.replace("\n", "")
    text = (tmp_path / name).read_text(encoding="utf-8")
    assert text.lower().startswith(start.lower())
    shown = (
        "hidden-slope-missing" if name == "r.json" else "derivative of the activation is missing"
    )
    assert shown in " ".join(text.split())
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_json_is_a_format(call: Call, calls: Calls, tmp_path: Path):
    short, long = call("check", "net.py", "--json"), call("check", "net.py", "--format", "json")
    assert short.out == long.out
    call("check", "net.py", "--json", "-o", str(tmp_path / "a.txt"))
    assert (tmp_path / "a.txt").read_text() == short.out
    assert call("check", "net.py", "--json", "-o", "-").out == short.out


def test_output_file_that_cannot_be_written(call: Call, calls: Calls, tmp_path: Path):
    code, out, err = call("check", "net.py", "-o", str(tmp_path / "none" / "r.html"))
    assert (code, out) == (3, "")
    assert "cannot write" in err


def test_hints_reveal_only_their_level(call: Call, program: Any):
    file = program(WRONG)
    hints = [report(call("check", file, *DECLARED, "--hint", n, "--json")) for n in "1234"]
    assert [found["verdict"] for found in hints] == ["wrong"] * 4
    assert [found["first_wrong"] is not None for found in hints] == [False, True, True, True]
    assert [mistake_ids(found) for found in hints] == [[], [], *2 * [["hidden-slope-missing"]]]
    assert [bool(m["repair"]) for found in hints for m in found["mistakes"]] == [False, True]
    text = call("check", file, *DECLARED, "--hint", "1").out
    assert "Hint 1 of 4" in text
    assert "derivative" not in text


# ---- files as learners leave them ---------------------------------------------------------------

TRAINING = """
W, B = [np.ones((3, 2)), np.ones((1, 3))], [np.zeros(3), np.zeros(1)]
for epoch in range(300):
    dW, dB = gradients(W, B, np.array([[0.0, 1.0]]), np.array([[1.0]]))
    W = [w - 0.5 * d for w, d in zip(W, dW)]
    B = [b - 0.5 * d for b, d in zip(B, dB)]
    print(epoch, W[0][0, 0])
"""


@pytest.mark.parametrize(
    "text",
    [
        f'print("hello")\n{RIGHT}',
        f'name = input("Your name? ")\n{RIGHT}',
        f"{RIGHT}\nimport matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()\n",
        f"{RIGHT}{TRAINING}",
        f"import sys\n{RIGHT}\nprint('{{', file=sys.stderr)\nsys.exit(1)\n",
    ],
    ids=["prints", "reads input", "plots", "trains", "exits"],
)
def test_side_effects_of_importing_a_file_are_ignored(call: Call, program: Any, text: str):
    done = call("check", program(text), *DECLARED, "--json")
    assert (done.code, done.err) == (0, "")
    assert report(done)["verdict"] == "right"


# ---- nine numbers typed from paper --------------------------------------------------------------

NEW = {
    "w5+": "0.358916480",
    "w6+": "0.408666186",
    "w7+": "0.511301270",
    "w8+": "0.561370121",
    "E": "0.298371109",
}
GOOD = {"w1+": "0.149780716", "w2+": "0.19956143", "w3+": "0.24975114", "w4+": "0.29950229"}
FAMOUS = {"w1+": "0.149817639", "w2+": "0.199635277", "w3+": "0.249788185", "w4+": "0.299576370"}
KEYS = {
    **{f"w{1 + 2 * j + k}+": f"W1_new[{j},{k}]" for j in (0, 1) for k in (0, 1)},
    **{f"w{5 + 2 * j + k}+": f"W2_new[{j},{k}]" for j in (0, 1) for k in (0, 1)},
    "E": "loss",
}


def as_json(numbers: dict[str, str]) -> str:
    return json.dumps(numbers)


def as_csv(numbers: dict[str, str]) -> str:
    return "\n".join(["key,value", *(f'"{key}",{value}' for key, value in numbers.items())])


@pytest.mark.parametrize("keys", ["of the post", "ours"])
@pytest.mark.parametrize("written", [as_json, as_csv])
@pytest.mark.parametrize(
    ("weights", "verdict", "mistakes"),
    [(GOOD, "right", []), (FAMOUS, "wrong", ["updated-weights"])],
    ids=["right", "famous"],
)
def test_nine_typed_numbers(
    call: Call,
    program: Any,
    written: Any,
    keys: str,
    weights: dict[str, str],
    verdict: str,
    mistakes: list[str],
):
    numbers = {key if keys != "ours" else KEYS[key]: v for key, v in (NEW | weights).items()}
    file = program(written(numbers), "new.json" if written is as_json else "new.csv")
    done = call("check", file, "--problem", "mazur", "--json")
    found = report(done)
    assert (found["verdict"], mistake_ids(found)) == (verdict, mistakes)
    assert done.code == (verdict == "wrong")


def test_numbers_without_a_preset(call: Call, program: Any):
    file = program(as_json({KEYS[key]: value for key, value in (NEW | FAMOUS).items()}), "n.json")
    line = (
        "--layers 2,2,2 --activation logistic --loss squared-error --learning-rate .5 "
        "--inputs .05,.1 --targets .01,.99 --weights .15,.2,.25,.3,.4,.45,.5,.55 "
        "--biases .35,.35,.6,.6"
    )
    assert mistake_ids(report(call("check", file, *line.split(), "--json"))) == ["updated-weights"]


# ---- names do not matter ------------------------------------------------------------------------


class Renamer(ast.NodeTransformer):
    """Replaces all names that a program defines by meaningless names."""

    def __init__(self, tree: ast.AST) -> None:
        imports = (n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom))
        known = {alias.asname or alias.name for node in imports for alias in node.names}
        self.kept = known | set(dir(builtins)) | {"NETWORK"}
        self.names = self.numbered("n", own_names(tree))
        self.members = self.numbered("m", own_members(tree))

    def numbered(self, start: str, names: Iterable[str]) -> dict[str, str]:
        free = sorted(name for name in set(names) - self.kept if not name.startswith("__"))
        return {name: f"{start}{place}" for place, name in enumerate(free)}

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        self.generic_visit(node)
        for inner in node.body:  # after the names: definitions in a class body are members
            match inner:
                case ast.FunctionDef(name):
                    inner.name = self.members.get(old_name(self.names, name), inner.name)
                case ast.Assign([ast.Name(name) as target]):
                    target.id = self.members.get(old_name(self.names, name), target.id)
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.name = self.names.get(node.name, node.name)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.names.get(node.id, node.id)
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.names.get(node.arg, node.arg)
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.arg = self.names.get(node.arg or "", node.arg)
        return self.generic_visit(node)

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self.names.get(name, name) for name in node.names]
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self.members.get(node.attr, node.attr)
        return self.generic_visit(node)


def old_name(names: dict[str, str], name: str) -> str:
    """Return the old name of a renamed name."""
    return next((old for old, new in names.items() if new == name), name)


def own_names(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name) | ast.ClassDef(name) | ast.arg(name):
                yield name
            case ast.Name(name, ast.Store()):
                yield name


def own_members(tree: ast.AST) -> Iterable[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.ClassDef(body=body):
                yield from (inner.name for inner in body if isinstance(inner, ast.FunctionDef))
                yield from (
                    name.id
                    for inner in body
                    if isinstance(inner, ast.Assign)
                    for name in inner.targets
                    if isinstance(name, ast.Name)
                )


def renamed(text: str, function: str) -> tuple[str, str]:
    """Return a program with other names and no comments, and its function's new name."""
    tree = ast.parse(text)
    renamer = Renamer(tree)
    first, *rest = function.split(".")
    new_function = [renamer.names.get(first, first), *(renamer.members.get(m, m) for m in rest)]
    return ast.unparse(renamer.visit(tree)), ".".join(new_function)


def line_of(options: dict[str, Any]) -> list[str]:
    """Return the declared options of a program as command-line arguments."""
    return [
        part
        for key, value in options.items()
        for part in (
            f"--{key.replace('_', '-')}",
            ",".join(map(str, value)) if isinstance(value, list) else str(value),
        )
    ]


def test_renamed_program_works():
    text = (
        "class A:\n  k = 1\n  def f(self, x):\n    self.y = x.sum()\n    return self.y * self.k\n"
    )
    new, new_function = renamed(text, "A.f")
    assert not {"A", "f", "self", "y", "k"} & set(new.replace(".", " ").replace("(", " ").split())
    assert "sum" in new
    space: dict[str, Any] = {}
    exec(new, space)  # noqa: S102  the text above
    first, second = new_function.split(".")
    number = type("N", (), {"sum": lambda _: 3})()
    assert getattr(space[first](), second)(number) == 3


RENAMED = (
    *("functions/network_chapter2.py", "classes/bias_trick_net.py", "mixed/deep_tanh.py"),
    *("functions/xor_train_step.py", "functions/rede_neural.py", "classes/mlp_class_v2.py"),
    *("mixed/tanh_bits.py", "mixed/half_adder_scalars.py", "mixed/neurones_objets.py"),
)  # the first three by default, all with --full


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "renamed_program" in metafunc.fixturenames:
        full = metafunc.config.getoption("full")
        metafunc.parametrize("renamed_program", RENAMED if full else RENAMED[:3])


def test_names_do_not_matter(call: Call, program: Any, renamed_program: str):
    place = renamed_program
    folder, _, name = place.partition("/")
    truths = json.loads((PROGRAMS / folder / "truth.json").read_text(encoding="utf-8"))
    truth = next(entry for entry in truths if entry["file"] == name)
    options = dict(truth["options"])
    function = options.pop("function", "gradients")
    text, new_function = renamed((PROGRAMS / place).read_text(encoding="utf-8"), function)
    ours = report(
        call("check", str(PROGRAMS / place), *line_of(options), "--function", function, "--json")
    )
    other = report(
        call("check", program(text), *line_of(options), "--function", new_function, "--json")
    )
    assert ours["verdict"] == other["verdict"] == truth["verdict"]
    assert mistake_ids(ours) == mistake_ids(other)
    assert [mistake["catalogue"] for mistake in ours["mistakes"]] == truth["catalogue"]


# ---- waiting ------------------------------------------------------------------------------------


def test_long_wait_shows_progress(terminal: Any, program: Any):
    slow = f"import time\ntime.sleep(2)\n{RIGHT}"
    child = terminal("check", program(slow), *DECLARED)
    child.expect("checking")
    code, out = finish(child)
    assert code == 0
    assert "Right" in out


@pytest.mark.parametrize(("seconds", "shown"), [(0.3, True), (0.0, False)])
def test_only_long_waits_show_progress(
    monkeypatch: pytest.MonkeyPatch, seconds: float, shown: bool
):
    screen = StringIO()
    console = Console(file=screen, force_terminal=True, width=80)
    monkeypatch.setattr(output, "messages", lambda: console)
    monkeypatch.setattr(output, "is_live", lambda _: True)
    with output.waiting("checking", after=0.1):
        time.sleep(seconds)
    assert ("checking" in screen.getvalue()) == shown
