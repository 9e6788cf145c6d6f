"""``chainrule explain``: each option changes the example, and each format is written."""

import json
import re
import shlex
import warnings
from pathlib import Path

import pytest
import typer
from jsonschema import Draft202012Validator

from chainrule import TableModel, data
from chainrule.cli import app, explain
from chainrule.cli.formats import EXAMPLE_FORMATS, TEXT
from chainrule.cli.table_options import TEXT_OPTIONS
from chainrule.cli.unused_options import EXAMPLE_UNUSED
from chainrule.problems import PROBLEMS
from tests.cli.conftest import Call, Outcome


def document(outcome: Outcome) -> dict:
    assert outcome.code == 0, outcome.err
    return json.loads(outcome.out)


def values(outcome: Outcome, key: str, step: int = -1) -> list[float]:
    """Return the values of a quantity in a step of the example."""
    quantities = document(outcome)["steps"][step]["quantities"]
    return [row["value"] for row in quantities if row["key"] == key]


@pytest.mark.parametrize("preset", sorted(PROBLEMS))
def test_every_preset_in_both_formats(call: Call, preset: str):
    text = call("explain", preset)
    assert (text.code, text.err) == (0, "")
    assert text.out.startswith(PROBLEMS[preset].title)
    worked = document(call("explain", preset, "--format", "json"))
    assert worked["title"] == PROBLEMS[preset].title
    Draft202012Validator(json.loads(call("schema", "example").out)).validate(worked)


def test_default_is_the_mazur_example(call: Call):
    out = call("explain").out
    assert out == call("explain", "mazur", "--steps", "1", "--format", "text", "-o", "-").out
    assert re.search(r"w5⁺ = w5 - η · ∂E/∂w5\n +.*\n += 0\.35891648$", out, flags=re.MULTILINE)
    assert "error 0.298371109 → 0.291027774" in out
    assert out.endswith("\n")
    assert not out.endswith("\n\n")


def test_compact_has_one_line_per_number(call: Call):
    out = call("explain", "--compact").out
    assert "w5⁺ = 0.4 - 0.5 · 0.082167040564 = 0.35891648\n" in out


def test_biases_are_trained_or_not(call: Call):
    assert values(call("explain", "--train-biases", "--format", "json"), "b1_new[0]") == [
        pytest.approx(0.345614322655, abs=1e-12)
    ]
    left = values(call("explain", "half-adder", "--no-train-biases", "--format=json"), "b1_new[0]")
    drawn = PROBLEMS["half-adder"].theta(0)
    assert left[0] in drawn.tolist()


def test_first_and_last_steps_are_shown(call: Call):
    worked = document(call("explain", "--steps", "7", "--format", "json"))
    assert [step["step"] for step in worked["steps"]] == [1, 7]


def test_learning_rate(call: Call):
    (new,) = values(call("explain", "--learning-rate", "1", "--format=json"), "W2_new[0,0]")
    assert new == pytest.approx(0.4 - 0.0821670405642308, abs=1e-12)


def test_weights_depend_on_the_seed(call: Call):
    ones = [call("explain", "half-adder", f"--seed={seed}").out for seed in (0, 0, 1)]
    assert ones[0] == ones[1] != ones[2]


def test_digits(call: Call):
    assert "= 0.359\n" in call("explain", "--digits", "3").out


# ---- every option -------------------------------------------------------------------------------

# For each option: the arguments before it, and a value that changes the output.
CHANGES = {
    "--layers": ("mazur", "2,3,2"),
    "--activation": ("mazur", "tanh"),
    "--output": ("mazur", "identity"),
    "--loss": ("mazur", "absolute-error"),
    "--inputs": ("mazur", ".2,.3"),
    "--targets": ("mazur", ".2,.3"),
    "--sample-weight": ("xor", "1,2,3,4"),
    "--weights": ("xor", "1,2,3,4,5,6"),
    "--biases": ("mazur", "none"),
    "--seed": ("xor", "1"),
    "--train-biases": ("mazur", None),
    "--no-train-biases": ("xor", None),
    "--dropout": ("half-adder", ".5"),
    "--layer-norm": ("mazur", None),
    "--no-layer-norm": ("{file}", None),
    "--l1": ("mazur", ".1"),
    "--l2": ("mazur", ".1"),
    "--alpha": ("mazur", ".1"),
    "--optimizer": ("mazur", "adam"),
    "--learning-rate": ("mazur", "1"),
    "--momentum": ("mazur --optimizer momentum", ".5"),
    "--clip-norm": ("mazur", ".01"),
    "--clip-value": ("mazur", ".01"),
    "--row": ("{model} --data iris --row 1", "2"),
    "--data": ("{model} --row 1 --data iris", "{rows}"),
    "--class": ("{model} --row 1 --data iris", "setosa"),
    "--training-step": ("{model} --row 1 --data iris", None),
    "--steps": ("mazur", "3"),
    "--show": ("mazur --steps 3", "2"),
    "--parameter": ("mazur", "w5"),
    "--level": ("mazur", "matrices"),
    "--notation": ("mazur", "nielsen"),
    "--residual": ("mazur", "o-t"),
    "--count-from": ("xor", "1"),
    "--digits": ("mazur", "3"),
    "--decimals": ("mazur", "3"),
    "--compact": ("mazur", None),
    "--static": ("mazur --format html", None),
    "--format": ("mazur", "json"),
    "-o": ("mazur", "{folder}/page.txt"),
}

# For each option: arguments with an invalid value; the error message must name the option.
MISTAKES = {
    "--layers": ["mazur --layers 2,x", "mazur --layers 2", "mazur --layers 2,0,2"],
    "--activation": ["--activation tan", "--activation tanh,tanh,tanh"],
    "--output": ["--output tan", "--activation tanh,tanh --output relu"],
    "--loss": ["--loss squared"],
    "--inputs": ["--inputs a,b", "--inputs nan,1", "--inputs 1,2,3", "--layers 2,3,1"],
    "--targets": ["--targets 1,2,3", "--targets [1", "mazur --layers 2,2,1"],
    "--sample-weight": ["xor --sample-weight 1,2", "--sample-weight=-1"],
    "--weights": ["--weights 1,2", "--weights [[[1]],[[2]]]", "--weights x"],
    "--biases": ["--biases 1", "huddar --biases [[1,2],[3,4]]"],
    "--seed": ["--seed 1", "huddar --seed 1", "xor --seed=-1"],
    "--train-biases": ["huddar --train-biases", "--biases none --train-biases"],
    "--no-train-biases": ["--no-train-biases=1"],
    "--dropout": ["--dropout 1", "mazur --layers 2,2 --dropout .5"],
    "--layer-norm": ["mazur --layers 2,2 --layer-norm"],
    "--no-layer-norm": ["--no-layer-norm=1"],
    "--l1": ["--l1=-1"],
    "--l2": ["--l2 inf"],
    "--alpha": ["--alpha nan"],
    "--optimizer": ["--optimizer adm"],
    "--learning-rate": ["--learning-rate 0", "--optimizer lbfgs --learning-rate 1"],
    "--momentum": ["--momentum .5", "--optimizer nesterov --momentum 1"],
    "--clip-norm": ["--clip-norm 0", "--clip-norm 1 --clip-value 1"],
    "--clip-value": ["--clip-value=-1", "--optimizer lbfgs --clip-value 1"],
    "--row": ["mazur --row 1", "{model} --data iris", "--row=-1"],
    "--data": ["mazur --data iris"],
    "--class": ["mazur --class a", "{model} --row 1 --data iris --training-step --class setosa"],
    "--training-step": ["mazur --training-step", "{model} --training-step=1"],
    "--steps": ["--steps 0", "--optimizer lbfgs --steps 2"],
    "--show": ["--show 2", "--show 0", "--steps 5 --show 6", "--steps 5 --show 1,,2", "--show x"],
    "--parameter": ["--parameter w99", "--parameter w5 --level scalars", "--parameter x[0]"],
    "--level": ["--level scalarz"],
    "--notation": ["--notation nielson"],
    "--residual": ["--residual t-p"],
    "--count-from": ["--count-from 2"],
    "--digits": ["--digits 0", "--digits 3 --decimals 3"],
    "--decimals": ["--decimals=-1", "--decimals 18"],
    "--compact": ["--compact --format html", "--compact=1"],
    "--static": ["--static", "--static --format json", "--format html --static=1"],
    "--format": ["--format yaml"],
    "-o": ["-o page.pdf"],
}

# Options with the values that the preset mazur already has.
UNCHANGED = [
    *("--layers 2,2,2", "--activation logistic", "--activation logistic,logistic"),
    *("--output logistic", "--loss squared-error", "--inputs .05,.10", "--targets .01,.99"),
    *("--weights '[[[.15,.20],[.25,.30]],[[.40,.45],[.50,.55]]]'", "--biases .35,.35,.60,.60"),
    *("--no-train-biases", "--dropout 0", "--no-layer-norm", "--l1 0", "--l2 0", "--alpha 0"),
    *("--optimizer sgd", "--learning-rate .5", "--steps 1", "--show 1", "--notation mazur"),
    *("--residual t-o", "--count-from 1", "--level scalars", "--format text"),
]


# Options of text files: a value that changes how rows.csv is read, and what is printed then.
TEXT_FILES = {
    "--delimiter": (";", "has no columns 'sepal_length'"),
    "--encoding": ("utf-16-le", "rows.csv"),
    "--header": ("", "petal_length"),
    "--no-header": ("", "has no columns 'sepal_length'"),
    "--decimal": (",", "1001"),
    "--missing": ("1.001", "values are missing: 'petal_length'"),
}
NO_CHANGE = ("--header",)  # the file has one


def options() -> list[str]:
    """Return the options that the command defines, without those of text files."""
    command = typer.main.get_command(app).commands["explain"]  # pyright: ignore[reportAttributeAccessIssue]
    known = [name for p in command.params for name in (*p.opts, *p.secondary_opts)]
    return [name for name in known if name.startswith("-") and name not in TEXT_FILES]


def test_the_options_of_text_files_are_known():
    parameters = typer.main.get_command(app).commands["explain"].params  # pyright: ignore[reportAttributeAccessIssue]
    names = {name for p in parameters for name in (*p.opts, *p.secondary_opts)}
    assert {f"--{name}" for name in TEXT_OPTIONS} | {"--no-header"} == set(TEXT_FILES)
    assert set(TEXT_FILES) <= names


@pytest.mark.parametrize("option", TEXT_FILES)
def test_every_option_of_text_files_changes_what_is_read(call: Call, line, option: str):
    rows = line("{rows}")[0]
    Path(rows).write_text(Path(rows).read_text().replace("5,3,1,1", "5,3,1.001,1"))
    value, printed = TEXT_FILES[option]
    without = call("explain", *line("{model} {rows} --row 0"))
    with_it = call("explain", *line("{model} {rows} --row 0"), option, *([value] if value else []))
    assert without.code == 0
    assert (with_it == without) == (option in NO_CHANGE)
    assert printed in with_it.out + with_it.err


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a small model of iris."""
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    settings = {"hidden_layer_sizes": (3,), "engine": "reference", "max_iter": 1}
    with warnings.catch_warnings(action="ignore"):  # it has not converged
        TableModel.train(data.read("iris"), **settings).save(path)
    return path


@pytest.fixture
def line(tmp_path: Path, model: Path):
    """Return a function that splits a command line into arguments."""
    rows = tmp_path / "rows.csv"
    rows.write_text("sepal_length,sepal_width,petal_length,petal_width\n5,3,1,1\n6,3,5,2\n")
    file = tmp_path / "normed.toml"
    file.write_text('preset = "mazur"\nlayer-norm = true\n')
    return lambda text: shlex.split(text.format(file=file, folder=tmp_path, model=model, rows=rows))


@pytest.fixture(scope="module")
def outcomes() -> dict[tuple[str, ...], Outcome]:
    """A cache of outcomes, by arguments."""
    return {}


@pytest.fixture
def explained(call: Call, outcomes: dict[tuple[str, ...], Outcome]) -> Call:
    """Return a function that explains what many tests compare with, once."""

    def run(*arguments: str) -> Outcome:
        if arguments not in outcomes:
            outcomes[arguments] = call("explain", *arguments)
        return outcomes[arguments]

    return run


def test_every_option_is_tested():
    assert list(CHANGES) == options()
    assert list(MISTAKES) == options()


@pytest.mark.parametrize("option", options())
def test_every_option_changes_the_output(call: Call, explained: Call, line, option: str):
    base, value = CHANGES[option]
    without = explained(*line(base))
    added = line(f"{option} {value or ''}")
    with_it = call("explain", *line(base), *added)
    assert (without.code, with_it.code) == (0, 0), with_it.err
    assert with_it.out != without.out


@pytest.mark.parametrize(
    ("option", "arguments"), [(option, text) for option in options() for text in MISTAKES[option]]
)
def test_invalid_values_of_every_option_are_rejected(call: Call, line, option: str, arguments: str):
    code, out, err = call("explain", *line(arguments))
    assert (code, out) == (2, ""), err
    fault = err.rpartition("Error: ")[2]
    assert re.search(rf"{option}\b", fault), err
    assert len(fault) > len(option) + 20, "the message is too short"


@pytest.mark.parametrize("arguments", UNCHANGED)
def test_options_may_repeat_the_values_of_the_problem(
    call: Call, explained: Call, line, arguments: str
):
    assert call("explain", "mazur", *line(arguments)) == explained("mazur")


PAGE = {
    "--notation": "nielsen",
    "--residual": "o-t",
    "--count-from": "0",
    "--digits": "3",
    "--decimals": "3",
    "--compact": "",
    "--parameter": "w5",
    "--level": "summary",
    "--show": "2",
}
WRITTEN = [
    *(f"--format {form}" for form in EXAMPLE_FORMATS if form != TEXT),
    *("--level summary", "--level matrices", "--parameter W2[0,0]"),
    *("--level summary --format json", "--level matrices --format json"),
    "--level matrices --format html",
]
FEW_WRITTEN = ("--format json", "--format numpy", "--level summary", "--level matrices")


@pytest.mark.parametrize("option", PAGE)
def test_options_change_the_output_or_are_rejected(
    call: Call, explained: Call, option: str, full: bool
):
    for written in WRITTEN if full else FEW_WRITTEN:
        if option in written:
            continue
        line = ["--steps", "3", *written.split()]
        before = explained(*line)
        after = call("explain", *line, option, *PAGE[option].split())
        assert before.code == 0, before.err
        if after.code:
            assert (after.code, after.out) == (2, "")
            assert f"{option}: " in after.err or option in {"--parameter", "--level"}
        else:
            assert after.out != before.out


@pytest.mark.parametrize(
    ("written", "option"),
    [(written, f"--{name}") for written, (names, _) in EXAMPLE_UNUSED.items() for name in names],
)
def test_rejected_options_have_no_effect(
    call: Call, explained: Call, monkeypatch: pytest.MonkeyPatch, written: str, option: str
):
    way = "--level" if written in {"summary", "matrices"} else "--format"
    rejected = call("explain", "--steps", "3", way, written, option, *PAGE[option].split())
    assert rejected.code == 2
    assert f"{option}: has no effect" in rejected.err
    before = explained("--steps", "3", way, written)
    monkeypatch.setattr(explain, "EXAMPLE_UNUSED", {})
    after = call("explain", "--steps", "3", way, written, option, *PAGE[option].split())
    assert after == before


@pytest.mark.parametrize("alias", ["--learning_rate", "--lr", "--eta", "--Learning-Rate"])
def test_options_have_aliases(call: Call, alias: str):
    assert call("explain", alias, "1") == call("explain", "--learning-rate", "1")


def test_names_have_aliases(call: Call):
    line = "--layers 2,3,1 --inputs .1,.2 --targets 1"
    aliases = "--activation sigmoid --loss bce --optimizer sgdm --epochs 2 --format MD"
    names = "--activation logistic --loss logistic-cross-entropy --optimizer momentum --steps 2"
    typed = call("explain", *line.split(), *aliases.split())
    assert typed.code == 0, typed.err
    assert typed == call("explain", *line.split(), *names.split(), "--format", "markdown")


def test_another_optimizer_keeps_and_shows_the_learning_rate(call: Call):
    out = call("explain", "mazur", "--optimizer", "adam").out
    assert "Adam with learning rate 0.5." in " ".join(out.split())


# ---- problem files ------------------------------------------------------------------------------


@pytest.fixture
def net(tmp_path: Path) -> Path:
    path = tmp_path / "net.toml"
    path.write_text(
        "layers = [2, 3, 1]\ninputs = [0.1, 0.2]\ntargets = [1]\ndigits = 4\nseed = 5\n"
    )
    return path


def test_file_and_options_give_the_same_result(call: Call, net: Path):
    arguments = "--layers 2,3,1 --inputs .1,.2 --targets 1 --digits 4 --seed 5"
    outcome = call("explain", str(net))
    assert outcome == call("explain", *arguments.split())
    assert outcome.code == 0
    assert outcome.out.startswith("A 2-3-1 network")


def test_options_override_a_file(call: Call, net: Path):
    changed = call("explain", str(net), "--seed", "6", "--decimals", "3")
    assert changed.code == 0, changed.err  # decimals replace the digits of the file
    assert changed.out != call("explain", str(net)).out


def test_file_refers_to_other_files_in_its_folder(
    call: Call, net: Path, monkeypatch: pytest.MonkeyPatch
):
    (net.parent / "rows.csv").write_text("i1,i2\n.1,.2\n")
    net.write_text(net.read_text().replace("[0.1, 0.2]", '"rows.csv"'))
    from_elsewhere = call("explain", str(net))
    monkeypatch.chdir(net.parent)
    assert call("explain", "net.toml") == from_elsewhere
    assert call("explain", "net.toml", "--inputs", "rows.csv") == from_elsewhere
    assert from_elsewhere.code == 0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("layer = [2, 3, 1]", "unknown setting 'layer'; did you mean 'layers'?"),
        ("layers = [2, 3, 1]", "inputs: missing"),
        ("layers = [2, 'x']", "layers: 'x' in "),
        ("preset = 'mazur'\nseed = 1", "seed: has no effect"),
        ("layers = [2,", "not valid TOML"),
    ],
)
def test_error_names_the_invalid_file(call: Call, net: Path, text: str, message: str):
    net.write_text(text)
    code, out, err = call("explain", str(net))
    assert (code, out) == (3, "")
    assert err.startswith(f"Error: {net}: ")
    assert message in err


def test_error_names_the_invalid_option_used_with_a_file(call: Call, net: Path):
    code, _, err = call("explain", str(net), "--weights", "1,2")
    assert code == 2
    assert "Error: --weights: got 2 numbers" in err


@pytest.mark.parametrize("name", ["missing.toml", "./mazur", "MISSING.JSON"])
def test_missing_file(call: Call, name: str):
    code, out, err = call("explain", name)
    assert (code, out) == (3, "")
    assert err.startswith("Error: ")


# ---- formats ------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", [form for form in EXAMPLE_FORMATS if form != TEXT])
def test_every_format(call: Call, tmp_path: Path, form: str):
    printed = call("explain", "--format", form)
    assert (printed.code, printed.err) == (0, "")
    assert printed.out.endswith("\n")
    assert not printed.out.endswith("\n\n")
    endings = EXAMPLE_FORMATS[form]
    path = tmp_path / f"page{endings[0] if endings else '.txt'}"
    assert call("explain", "--format", form, "-o", str(path)).code == 0
    assert path.read_text(encoding="utf-8") == printed.out
    if endings:
        path.unlink()
        assert call("explain", "-o", str(path)).err == f"Wrote {path}.\n"
        assert path.read_text(encoding="utf-8") == printed.out


# ---- files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["page", "page.txt", "page.TXT"])
def test_output_file_of_text(call: Call, tmp_path: Path, name: str):
    path = tmp_path / name
    assert call("explain", "-o", str(path)) == (0, "", f"Wrote {path}.\n")
    assert path.read_text(encoding="utf-8") == call("explain").out
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("options", [["mazur.json"], ["data", "--format", "json"]], ids=str)
def test_output_file_of_json(call: Call, tmp_path: Path, options: list[str]):
    name, *options = options
    assert call("explain", "-o", str(tmp_path / name), *options)[:2] == (0, "")
    written = (tmp_path / name).read_text(encoding="utf-8")
    assert written == call("explain", "--format", "json").out


def test_format_option_overrides_the_file_ending(call: Call, tmp_path: Path):
    path = tmp_path / "page.html"
    assert call("explain", "-o", str(path), "--format", "text").code == 0
    assert path.read_text(encoding="utf-8").startswith("The 2-2-2 example")


def test_output_file_that_cannot_be_written(call: Call, tmp_path: Path):
    path = tmp_path / "missing" / "page.txt"
    code, out, err = call("explain", "-o", str(path))
    assert (code, out) == (3, "")
    reason = "the file or its folder does not exist; choose another file"
    assert err == f"Error: cannot write {path}: {reason}\n"
    assert call("explain", "-o", str(tmp_path)).err.startswith(f"Error: cannot write {tmp_path}: ")


# ---- waiting ------------------------------------------------------------------------------------


def test_long_wait_prints_nothing_without_a_terminal(call: Call, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(explain, "LONG", 1)
    assert call("explain", "--compact").err == ""


def test_chosen_steps_are_shown(call: Call):
    steps = json.loads(call("explain", "--steps", "5", "--show", "2,4", "--format", "json").out)
    assert [step["step"] for step in steps["steps"]] == [2, 4]
