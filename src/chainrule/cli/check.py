"""``chainrule check``: find mistakes in the backpropagation of a program, or in numbers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from chainrule.cli import options as given
from chainrule.cli import table_options as of_tables
from chainrule.cli.completion import complete_data, completion
from chainrule.cli.explain import error_context, one_table, specified
from chainrule.cli.formats import JSON, by_ending, write_document
from chainrule.cli.parsers import name_of, positive_number, whole_number
from chainrule.cli.table_options import TEXT_OPTIONS
from chainrule.cli.unused_options import Unused, reject_unused_options
from chainrule.errors import ChainruleError
from chainrule.names import DOCUMENT_FORMATS

if TYPE_CHECKING:
    from chainrule.diagnosis import Diagnosis

PROGRAM, NUMBERS, MODEL = "a program", "numbers", "a model"
KINDS = {
    ".py": PROGRAM,
    ".ipynb": PROGRAM,
    ".json": NUMBERS,
    ".csv": NUMBERS,
    ".tsv": NUMBERS,
    given.MODEL_ENDING: MODEL,
}  # by ending
RULES = tuple(name for name in given.OPTIMIZERS if name != "lbfgs")
OUTPUTS = ("softmax", *given.ACTIVATIONS)  # programs may apply softmax to the output
MOST_HINTS = 4
MOST_COLUMNS = 1_000  # of the verdict, which is printed in one line
SECONDS_CALL, SECONDS = 10.0, 60.0
PATIENCE = 2.0  # seconds before a message says that the check is running
CODES = {"right": 0, "wrong": 1, "unknown": 1, "could-not-run": 3}

NETWORK = ("layers", "activation", "loss", "optimizer", "learning-rate", "momentum")
DATA = ("inputs", "targets", "weights", "biases")
NOTATION = "notation"
SETTINGS = (*NETWORK, *DATA, "seed", NOTATION)
CHECK_UNUSED: Unused = {
    PROGRAM: ((NOTATION,), "on a program, because it is for the names of numbers; remove it"),
    NUMBERS: (
        ("function", "run", "seconds-call"),
        "on numbers, because nothing is called; remove it",
    ),
}  # by kind of file
VELOCITY = ("momentum", "nesterov")

EXAMPLES = f"""\b
Examples:
  chainrule check net.py                   a function, a class, or a script
  chainrule check homework.ipynb           a notebook that trains
  chainrule check net.py --function Net.train --layers 2,3,1
  chainrule check net.py --problem mazur   tested on the 2-2-2 example
  chainrule check new.csv --problem mazur  numbers: lines such as w1+,0.1498
  chainrule check net.py --hint 1          only whether something is wrong
  chainrule check net.py -o report.html    or .md .json .txt
  chainrule check model.safetensors        the gradient of a saved model

{given.names_help(RULES)}
\b
Exit codes: 0 right; 1 wrong, with or without a known mistake; 2 wrong usage;
3 the program could not be run, or the data cannot be used."""


# ---- checks -------------------------------------------------------------------------------------


def attempt_file(file: Path) -> Path:
    """Check that the ending of a file is known."""
    if file.suffix.lower() not in KINDS:
        advice = f"; to name a problem, use --problem {file}" if str(file) in given.PRESETS else ""
        raise typer.BadParameter(
            f"{str(file)!r} has an unknown ending; programs end in .py or .ipynb, numbers in "
            f".json, .csv or .tsv, models in {given.MODEL_ENDING}{advice}"
        )
    return file


def activations(text: str | None) -> str | None:
    """Check names of activations between commas."""
    for name in text.split(",") if text is not None else ():
        if name.strip() not in OUTPUTS:
            from chainrule.diagnosis import known_activation

            with as_usage_error():
                known_activation(name.strip())
    return text


def check_loss(name: str | None) -> str | None:
    """Check the name of a loss, and return the registered name."""
    if name is not None and name not in given.LOSSES:
        from chainrule.diagnosis import known_loss

        with as_usage_error():
            return known_loss(name)
    return name


@contextmanager
def as_usage_error() -> Iterator[None]:
    """Turn an error about a value into an error about the option."""
    try:
        yield
    except ChainruleError as error:
        raise typer.BadParameter(str(error)) from None


def check_optimizer(name: str | None) -> str | None:
    """Check the name of an optimizer that has equations."""
    name = name_of("optimizer", given.OPTIMIZERS)(name)
    if name == "lbfgs":
        raise typer.BadParameter(
            "updates of lbfgs cannot be checked, because it has no equations; remove it to check "
            "gradients"
        )
    return name


# ---- the command --------------------------------------------------------------------------------

Attempt = Annotated[
    Path,
    typer.Argument(
        callback=attempt_file,
        metavar="FILE",
        show_default=False,
        help="A program, FILE.py or FILE.ipynb; or numbers, FILE.json or FILE.csv, each with a key "
        "and a value.",
    ),
]
Function = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="The function or method of FILE to call, such as step or Net.train."
    ),
]
Run = Annotated[
    str | None,
    typer.Option(
        metavar="LINE",
        help='A line that makes FILE train, such as "model(X, Y, 4, 0.1)"; it runs after FILE.',
    ),
]
Problem = Annotated[
    str | None,
    typer.Option(
        callback=given.preset,
        autocompletion=completion(given.PRESETS),
        metavar="PRESET|FILE",
        help=f"The problem it solves: {', '.join(given.PRESETS)}; or FILE.toml, FILE.json.",
    ),
]
ActivationNames = Annotated[
    str | None,
    typer.Option(
        callback=activations,
        autocompletion=completion(OUTPUTS),
        metavar="NAME,…",
        help="One for all layers, or one for each. By default, it is inferred, and so is the loss.",
    ),
]
LossName = Annotated[str | None, given.name_option(given.LOSSES, "loss", "The loss.", check_loss)]
Optimizer = Annotated[
    str | None, given.name_option(RULES, "optimizer", "The optimizer.", check_optimizer)
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict", help="Reject a constant factor of the loss, and sums instead of means."
    ),
]
Hint = Annotated[
    int | None,
    typer.Option(
        parser=whole_number(1, MOST_HINTS),
        metavar="1|2|3|4",
        help="How much to reveal: the symptom, the place, the mistake, or (default) the repair.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="The same as --format json.")]
Format = Annotated[
    str | None,
    typer.Option(
        callback=name_of("format", tuple(DOCUMENT_FORMATS)),
        autocompletion=completion(tuple(DOCUMENT_FORMATS)),
        metavar="NAME",
        help=f"{', '.join(DOCUMENT_FORMATS)} (default: by the ending of -o, or text).",
    ),
]
Seconds = Annotated[
    float | None,
    typer.Option(
        parser=positive_number,
        metavar="S",
        help=f"The time limit in seconds (default: {SECONDS:g}).",
    ),
]
SecondsCall = Annotated[
    float | None,
    typer.Option(
        parser=positive_number,
        metavar="S",
        help=f"The time limit of one call in seconds (default: {SECONDS_CALL:g}).",
    ),
]

CheckData = Annotated[
    str | None,
    typer.Option("--data", metavar="DATA", autocompletion=complete_data, help="The same as DATA."),
]


def check(  # noqa: PLR0913 (one for each option)
    context: typer.Context,
    file: Attempt,
    rows: given.ModelRows = None,
    *,
    function: Function = None,
    run: Run = None,
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
    data: CheckData = None,
    delimiter: of_tables.Delimiter = None,
    encoding: of_tables.Encoding = None,
    header: of_tables.Header = None,
    decimal: of_tables.Decimal = None,
    missing: of_tables.Missing = None,
    json: Json = False,
    format: Format = None,  # noqa: A002 (named as its option)
    output: given.File = None,
) -> None:
    """Find the mistake in your own backpropagation.

    A program runs in a separate process. One that trains is judged by its own updates, unless
    options describe its network; otherwise it is called with test networks, and what the options
    do not describe is inferred. Numbers belong to one network, which --problem names or the options
    describe.
    """
    written = chosen(format, output, json=json)
    kind = KINDS[file.suffix.lower()]
    options = {
        name.replace("_", "-"): value for name, value in context.params.items() if value is not None
    }
    if kind == MODEL:
        named = ("file", "rows", "data")
        others = {k: v for k, v in options.items() if v not in (None, False) and k not in named}
        others |= {"header": header} if header is False else {}
        from chainrule.cli.check_model import check_model

        raise typer.Exit(check_model(file, one_table(rows, data), others))
    reject_table(context.params)
    reject_unused_options(options, kind, CHECK_UNUSED)
    settings = {key: options[key] for key in SETTINGS if key in options}
    subject = subject_of(problem, settings, kind)
    found = diagnose(
        file,
        subject,
        function=function,
        run=run or "",
        strict=strict,
        hint=hint or MOST_HINTS,
        seconds_call=seconds_call or SECONDS_CALL,
        seconds=seconds or SECONDS,
    )
    write_document(found, found.print, written, output, summary=verdict_of(found))
    raise typer.Exit(CODES[found.verdict])


def reject_table(params: dict[str, Any]) -> None:
    """Raise BadParameter for a table and its options, which only models have."""
    if params["rows"] is not None:
        raise typer.BadParameter(
            f"unexpected argument {params['rows']!r}; remove it, or give a model instead of a "
            "program"
        )
    for name in ("data", *TEXT_OPTIONS):
        if params[name] is not None:
            raise typer.BadParameter(
                "has no effect without a model; remove it", param_hint=f"--{name}"
            )


def chosen(asked: str | None, file: Path | None, *, json: bool) -> str:
    """Return the format of --json, --format or the ending of the file, in this order."""
    if json and asked not in (None, JSON):
        raise typer.BadParameter(
            f"contradicts --format {asked}; remove one of them", param_hint="--json"
        )
    return JSON if json else asked or by_ending(file, DOCUMENT_FORMATS)


def verdict_of(found: "Diagnosis") -> str:
    """Return the first line of the report, which reveals no more than the hint allows."""
    from chainrule.cli.output import page

    return page(found.print, width=MOST_COLUMNS).partition("\n")[0]


# ---- the network and its data -------------------------------------------------------------------


class Subject(NamedTuple):
    """The arguments of `chainrule.check` that describe a submission.

    Attributes
    ----------
    network : Network or dict
    theta, x, t : array, optional
    optimizer : str or Optimizer, optional
    learning_rate : float, optional
    notation : str
    """

    network: Any = None
    theta: Any = None
    x: Any = None
    t: Any = None
    optimizer: Any = None
    learning_rate: float | None = None
    notation: str = "plain"


def subject_of(problem: str | None, settings: dict[str, Any], kind: str) -> Subject:
    """Return the network of a submission with its numbers, or what is declared of it."""
    with_data = [key for key in DATA if key in settings]
    if problem is None and kind == PROGRAM and not with_data:
        return declared_subject(settings)
    if problem is None:
        require_network(settings, kind)
    return complete_subject(problem, settings, kind)


def declared_subject(settings: dict[str, Any]) -> Subject:
    """Return what the options declare of a program that is called with test networks."""
    from chainrule.problems import check_settings

    if "seed" in settings:
        raise typer.BadParameter(
            "has no effect, because no weights are drawn; remove it, or add --inputs and --targets",
            param_hint="--seed",
        )
    with error_context(None, settings):
        declared = check_settings(
            {key: settings[key] for key in ("layers", "momentum") if key in settings}
        )
    reject_contradictions(settings, len(declared.get("layers", ())))
    if "activation" in settings:
        declared["activation"] = [name.strip() for name in settings["activation"].split(",")]
    if "loss" in settings:
        declared["loss"] = settings["loss"]
    return Subject(
        declared or None,
        optimizer=settings.get("optimizer"),
        learning_rate=settings.get("learning-rate"),
    )


def reject_contradictions(settings: dict[str, Any], sizes: int) -> None:
    """Raise BadParameter if options contradict each other."""
    if sizes == 1:
        raise typer.BadParameter(
            "must have at least inputs and outputs, as in 2,3,1", param_hint="--layers"
        )
    names = len(settings.get("activation", "").split(","))
    if sizes and names not in (1, sizes - 1):
        raise typer.BadParameter(
            f"got {names} names for {sizes - 1} layers; give one for all, or one for each",
            param_hint="--activation",
        )
    if "momentum" in settings and settings.get("optimizer") not in VELOCITY:
        raise typer.BadParameter(
            "has no effect; add --optimizer momentum or nesterov, or remove it",
            param_hint="--momentum",
        )


def require_network(settings: dict[str, Any], kind: str) -> None:
    """Raise BadParameter if the options do not describe one network with its numbers."""
    if kind == NUMBERS and not {"layers", *DATA} & set(settings):
        raise typer.BadParameter(
            "missing, because numbers belong to one network; add it, such as --problem mazur, or "
            "describe the network with --layers, --activation, --loss, --inputs, --targets, "
            "--weights and --biases",
            param_hint="--problem",
        )
    needed = ("layers", "activation", "loss", "inputs", "targets")
    gaps = [key for key in needed if key not in settings]
    if not gaps and not {"weights", "seed"} & set(settings):
        gaps = ["weights"] if kind == NUMBERS else []  # a program can be called with any weights
    if gaps:
        raise typer.BadParameter(
            "missing; describe the whole network, or use --problem", param_hint=f"--{gaps[0]}"
        )


def complete_subject(problem: str | None, settings: dict[str, Any], kind: str) -> Subject:
    """Return one network with its numbers, from a problem or from the options.

    The learning rate of a program is inferred. Numbers do not show it, so that the problem's is
    used. Without --problem and --optimizer, the optimizer is inferred, too.
    """
    spec = specified(problem, settings)
    made, data = spec.problem, spec.problem.data()
    if data.sample_weight is not None:
        raise typer.BadParameter(
            "has a sample-weight, which a check does not support; remove it from the file",
            param_hint="--problem",
        )
    learning_rate = settings.get("learning-rate")
    known_rule = problem is not None or "optimizer" in settings
    if learning_rate is None and kind == NUMBERS and known_rule:
        learning_rate = constant_rate(made.optimizer)
    return Subject(
        made.network,
        made.theta(spec.seed),
        data.x,
        data.t,
        made.optimizer if known_rule else None,
        learning_rate,
        made.notation,
    )


def constant_rate(optimizer: Any) -> float | None:
    """Return the learning rate of an optimizer, if it is a number and not a schedule."""
    rate = getattr(optimizer, "learning_rate", None)
    return float(rate) if isinstance(rate, int | float) else None


# ---- the diagnosis ------------------------------------------------------------------------------


def diagnose(
    file: Path,
    subject: Subject,
    *,
    function: str | None,
    run: str,
    strict: bool,
    hint: int,
    seconds_call: float,
    seconds: float,
) -> "Diagnosis":
    """Return the diagnosis, with a message in a terminal if it takes long."""
    import chainrule.diagnosis
    from chainrule.cli.output import waiting

    with waiting("checking", after=PATIENCE):
        return chainrule.diagnosis.check(
            file,
            subject.network,
            subject.theta,
            subject.x,
            subject.t,
            learning_rate=subject.learning_rate,
            optimizer=subject.optimizer,
            strict=strict,
            hint=hint,
            function=function,
            run=run,
            notation=subject.notation,
            seconds_call=seconds_call,
            seconds=seconds,
        )
