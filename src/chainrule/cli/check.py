"""``chainrule check``: what is wrong with somebody's own backpropagation, in a file.

The diagnosis is made and worded in chainrule.diagnosis, from what chainrule.problems makes of the
options; here it is only settled what the file is about, and what the exit code says.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chainrule.cli import settings as given
from chainrule.cli.explain import specified, told_of
from chainrule.cli.formats import JSON, by_ending, hand_over
from chainrule.cli.options import seconds as some_seconds
from chainrule.cli.options import whole
from chainrule.errors import ChainruleError
from chainrule.names import DOCUMENT_FORMATS

if TYPE_CHECKING:
    from chainrule.diagnosis import Diagnosis

PROGRAM, NUMBERS = "a program", "numbers"
KINDS = {".py": PROGRAM, ".json": NUMBERS, ".csv": NUMBERS, ".tsv": NUMBERS}  # by ending
RULES = tuple(name for name in given.OPTIMIZERS if name != "lbfgs")
ENDS = ("softmax", *given.ACTIVATIONS)  # a learner's output may be called softmax
MOST_HINTS = 4
SECONDS_CALL, SECONDS = 10.0, 60.0
PATIENCE = 2.0  # seconds from which a wait is announced
CODES = {"right": 0, "wrong": 1, "unknown": 1, "could-not-run": 3}

NETWORK = ("layers", "activation", "loss", "optimizer", "learning-rate", "momentum")
DATA = ("inputs", "targets", "weights", "biases")
NOTATION = "notation"
SETTINGS = (*NETWORK, *DATA, "seed", NOTATION)
IDLE = {
    PROGRAM: ((NOTATION,), "it names numbers, and a program hands in none; leave it out"),
    NUMBERS: (("function", "seconds-call"), "numbers are not called; leave it out"),
}  # by kind of file: options without effect, and what is said of them
VELOCITY = ("momentum", "nesterov")

EXAMPLES = f"""\b
Examples:
  chainrule check net.py                   a program: function or class
  chainrule check net.py --function Net.train --layers 2,3,1
  chainrule check net.py --problem mazur   asked about the 2-2-2 example
  chainrule check new.csv --problem mazur  numbers: lines as w1+,0.149780716
  chainrule check net.py --hint 1          only that something is wrong
  chainrule check net.py -o report.html    or .md .json .txt

{given.NAMES.replace(" lbfgs", "")}
\b
Exit codes: 0 right; 1 wrong, or not right in a way that has no name; 2 wrong
usage; 3 could not be run, or unusable data."""


# ---- checks -------------------------------------------------------------------------------------


def attempt_file(file: Path) -> Path:
    """Return a file whose ending says what it holds."""
    if file.suffix.lower() not in KINDS:
        advice = f"; problems are given as --problem {file}" if str(file) in given.PRESETS else ""
        raise typer.BadParameter(
            f"what is in {str(file)!r}? Programs end in .py, numbers in .json, .csv or .tsv{advice}"
        )
    return file


def activations(text: str | None) -> str | None:
    """Return names of activations between commas, if each is one."""
    for name in text.split(",") if text is not None else ():
        if name.strip() not in ENDS:
            from chainrule.diagnosis import known_activation

            with refusing():
                known_activation(name.strip())
    return text


def some_loss(name: str | None) -> str | None:
    """Return the name of a loss, if it is one."""
    if name is not None and name not in given.LOSSES:
        from chainrule.diagnosis import known_loss

        with refusing():
            known_loss(name)
    return name


@contextmanager
def refusing() -> Iterator[None]:
    """Say what the diagnosis refuses of an option."""
    try:
        yield
    except ChainruleError as error:
        raise typer.BadParameter(str(error)) from None


def rule(name: str | None) -> str | None:
    """Return the name of an optimizer that has equations."""
    given.some(given.OPTIMIZERS, "optimizer")(name)
    if name == "lbfgs":
        raise typer.BadParameter(
            "'lbfgs' has no equations to check an update by; leave it out and check the gradients"
        )
    return name


# ---- the command --------------------------------------------------------------------------------

Attempt = Annotated[
    Path,
    typer.Argument(
        callback=attempt_file,
        metavar="FILE",
        show_default=False,
        help="A program, FILE.py; or numbers, FILE.json or FILE.csv: a key and a value each.",
    ),
]
Function = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="What to ask in FILE, such as step or Net.train."),
]
Problem = Annotated[
    str | None,
    typer.Option(
        callback=given.preset,
        autocompletion=lambda: given.PRESETS,
        metavar="PRESET|FILE",
        help=f"What it is about: {', '.join(given.PRESETS)}; or FILE.toml, FILE.json.",
    ),
]
ActivationNames = Annotated[
    str | None,
    typer.Option(
        callback=activations,
        autocompletion=lambda: ENDS,
        metavar="NAME,…",
        help="One for all layers, or one for each; found out if left out, as is the loss.",
    ),
]
LossName = Annotated[str | None, given.named(given.LOSSES, "loss", "The error.", some_loss)]
Optimizer = Annotated[str | None, given.named(RULES, "optimizer", "The rule of the update.", rule)]
Strict = Annotated[
    bool, typer.Option("--strict", help="The loss's factor and the mean must be as declared.")
]
Hint = Annotated[
    int | None,
    typer.Option(
        callback=whole(1, MOST_HINTS),
        metavar="1|2|3|4",
        help="Tell symptom, place, mistake or, by default, repair.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Short for --format json.")]
Format = Annotated[
    str | None,
    typer.Option(
        callback=given.some(tuple(DOCUMENT_FORMATS), "format"),
        metavar="|".join(DOCUMENT_FORMATS),
        help="By default what the ending of -o says, else text.",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(callback=some_seconds, metavar="S", help=f"For all, by default {SECONDS:g}."),
]
SecondsCall = Annotated[
    float | None,
    typer.Option(callback=some_seconds, metavar="S", help=f"A call; by default {SECONDS_CALL:g}."),
]


def check(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    file: Attempt,
    *,
    function: Function = None,
    problem: Problem = None,
    layers: given.Layers = None,
    activation: ActivationNames = None,
    loss: LossName = None,
    inputs: given.Inputs = None,
    targets: given.Targets = None,
    weights: given.Weights = None,
    biases: given.Biases = None,
    seed: given.Seed = None,
    optimizer: Optimizer = None,
    learning_rate: given.LearningRate = None,
    momentum: given.Momentum = None,
    notation: given.NotationName = None,
    strict: Strict = False,
    hint: Hint = None,
    seconds: Seconds = None,
    seconds_call: SecondsCall = None,
    json: Json = False,
    format: Format = None,  # noqa: A002 (named as its option)
    output: given.File = None,
) -> None:
    """Find the mistake in somebody's own backpropagation.

    A program is run in a process of its own and asked about networks made for it; what is known of
    it may be declared, all else is found out. Numbers belong to one network, which --problem names
    or the options describe.
    """
    written = chosen(format, output, json=json)
    kind = KINDS[file.suffix.lower()]
    options = {
        name.replace("_", "-"): value for name, value in context.params.items() if value is not None
    }
    refuse_idle(options, kind)
    settings = {key: options[key] for key in SETTINGS if key in options}
    subject = about(problem, settings, kind)
    found = diagnose(
        file,
        subject,
        function=function,
        strict=strict,
        hint=hint or MOST_HINTS,
        seconds_call=seconds_call or SECONDS_CALL,
        seconds=seconds or SECONDS,
    )
    hand_over(found, found.print, written, output)
    raise typer.Exit(CODES[found.verdict])


def chosen(asked: str | None, file: Path | None, *, json: bool) -> str:
    """Return the format that is asked for, in whichever way."""
    if json and asked not in (None, JSON):
        raise typer.BadParameter(
            f"contradicts --format {asked}; leave one of them out", param_hint="'--json'"
        )
    return JSON if json else asked or by_ending(file, DOCUMENT_FORMATS)


def refuse_idle(options: dict[str, Any], kind: str) -> None:
    """Raise BadParameter where an option has no effect on a kind of file."""
    idle, why = IDLE[kind]
    for name in idle:
        if name in options:
            raise typer.BadParameter(f"changes nothing: {why}", param_hint=f"'--{name}'")


# ---- what it is about ---------------------------------------------------------------------------


class Subject(NamedTuple):
    """What an attempt is about, as `chainrule.check` takes it.

    Attributes
    ----------
    network : Network or dict
    theta, x, t : array, optional
    optimizer : str or Optimizer, optional
    rate : float, optional
    notation : str
    """

    network: Any = None
    theta: Any = None
    x: Any = None
    t: Any = None
    optimizer: Any = None
    rate: float | None = None
    notation: str = "plain"


def about(problem: str | None, settings: dict[str, Any], kind: str) -> Subject:
    """Return what an attempt is about: one network with its numbers, or what is known of it."""
    with_data = [key for key in DATA if key in settings]
    if problem is None and kind == PROGRAM and not with_data:
        return declared(settings)
    if problem is None:
        refuse_gaps(settings, kind)
    return numbered(problem, settings, kind)


def declared(settings: dict[str, Any]) -> Subject:
    """Return what is known of a program that is asked about designed networks."""
    from chainrule.problems import check_settings

    if "seed" in settings:
        raise typer.BadParameter(
            "changes nothing: nothing is drawn; leave it out, or add --inputs and --targets",
            param_hint="'--seed'",
        )
    with told_of(None, settings):
        known = check_settings(
            {key: settings[key] for key in ("layers", "momentum") if key in settings}
        )
    refuse_misfits(settings, len(known.get("layers", ())))
    if "activation" in settings:
        known["activation"] = [name.strip() for name in settings["activation"].split(",")]
    if "loss" in settings:
        known["loss"] = settings["loss"]
    return Subject(
        known or None, optimizer=settings.get("optimizer"), rate=settings.get("learning-rate")
    )


def refuse_misfits(settings: dict[str, Any], sizes: int) -> None:
    """Raise BadParameter where what is declared does not fit together."""
    if sizes == 1:
        raise typer.BadParameter(
            "give inputs and outputs at least, as in 2,3,1", param_hint="'--layers'"
        )
    names = len(settings.get("activation", "").split(","))
    if sizes and names not in (1, sizes - 1):
        raise typer.BadParameter(
            f"{names} names are given for {sizes - 1} layers; give one for all, or one for each",
            param_hint="'--activation'",
        )
    if "momentum" in settings and settings.get("optimizer") not in VELOCITY:
        raise typer.BadParameter(
            "changes nothing: add --optimizer momentum or nesterov, or leave it out",
            param_hint="'--momentum'",
        )


def refuse_gaps(settings: dict[str, Any], kind: str) -> None:
    """Raise BadParameter where one network with its numbers is wanted, and not described."""
    if kind == NUMBERS and not {"layers", *DATA} & set(settings):
        raise typer.BadParameter(
            "is missing: numbers belong to one network; add --problem mazur, or describe it with "
            "--layers, --activation, --loss, --inputs, --targets, --weights and --biases",
            param_hint="'--problem'",
        )
    needed = ("layers", "activation", "loss", "inputs", "targets")
    gaps = [key for key in needed if key not in settings]
    if not gaps and not {"weights", "seed"} & set(settings):
        gaps = ["weights"] if kind == NUMBERS else []  # a program may be asked about any
    if gaps:
        raise typer.BadParameter(
            "is missing; describe the network whole, or give --problem", param_hint=f"'--{gaps[0]}'"
        )


def numbered(problem: str | None, settings: dict[str, Any], kind: str) -> Subject:
    """Return one network with its numbers: a problem's, or as the options describe it.

    A program on a problem has whatever rate it has; numbers have the problem's, which they cannot
    say themselves. Of an optimizer that nobody named, nothing is declared.
    """
    spec = specified(problem, settings)
    made, data = spec.problem, spec.problem.data()
    if data.sample_weight is not None:
        raise typer.BadParameter(
            "has weights of samples, which a check knows nothing of; leave them out",
            param_hint="'--problem'",
        )
    rate = settings.get("learning-rate")
    known_rule = problem is not None or "optimizer" in settings
    if rate is None and kind == NUMBERS and known_rule:
        rate = first_rate(made.optimizer)
    return Subject(
        made.network,
        made.theta(spec.seed),
        data.x,
        data.t,
        made.optimizer if known_rule else None,
        rate,
        made.notation,
    )


def first_rate(optimizer: Any) -> float | None:
    """Return an optimizer's rate, if it is one number."""
    rate = getattr(optimizer, "rate", None)
    return float(rate) if isinstance(rate, int | float) else None


# ---- the diagnosis ------------------------------------------------------------------------------


def diagnose(
    file: Path,
    subject: Subject,
    *,
    function: str | None,
    strict: bool,
    hint: int,
    seconds_call: float,
    seconds: float,
) -> "Diagnosis":
    """Return the diagnosis; whoever waits at a terminal is told."""
    import chainrule.diagnosis
    from chainrule.cli.output import waiting

    with waiting("checking", after=PATIENCE):
        return chainrule.diagnosis.check(
            file,
            subject.network,
            subject.theta,
            subject.x,
            subject.t,
            learning_rate=subject.rate,
            optimizer=subject.optimizer,
            strict=strict,
            hint=hint,
            function=function,
            notation=subject.notation,
            seconds_call=seconds_call,
            seconds=seconds,
        )
