"""`check`: diagnose an implementation of backpropagation.

The attempt may be a function, a class, a file, an estimator, or bare numbers.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from numpy.typing import ArrayLike

from chainrule import submission
from chainrule.diagnosis.agreement import agreed
from chainrule.diagnosis.audit import check_estimator, is_estimator
from chainrule.diagnosis.layers import check_layer
from chainrule.diagnosis.layers.missing import lines_for_file
from chainrule.diagnosis.learner_names import (
    functions_in_source,
    names_in_source,
    names_of,
    with_learner_names,
)
from chainrule.diagnosis.numbers import check_numbers
from chainrule.diagnosis.options import SEARCH, CheckOptions
from chainrule.diagnosis.programs import check_program, failed_diagnosis
from chainrule.diagnosis.report import Diagnosis
from chainrule.diagnosis.tracing.checking import NotTraced
from chainrule.diagnosis.tracing.completing import Traced, check_traced
from chainrule.diagnosis.tracing.functions import TracedCalls
from chainrule.errors import InputError
from chainrule.explanation import Notation
from chainrule.network import Network
from chainrule.optimizers import Optimizer
from chainrule.submission import Failure, SubmissionError, TimeLimit, read_numbers, read_program

EXCHANGE = "chainrule.exchange"  # comes later in the import order, so it is loaded by its name
SECONDS_CALL, SECONDS = 10.0, 60.0
SECONDS_INSTEAD = 20.0  # for asking the functions of a program that trains and was not judged
SECONDS_SECOND = 10.0  # for asking what tracing has judged, or has taken all time for
MOST_HINT = 4
ONE_LAYER = "a forward and its backward function are checked in Python, with these lines:"
HOW_TO_RUN = (
    "to have it judged by its own run, give lines that make it train: "
    'chainrule check {} --run "{}", with your own values'
)
UNLIKE = (
    "Not judged: {0} was called with test networks, and none of its numbers agrees with those of "
    "any network, so it is probably meant to be called in another way. If it is not, name it: "
    "--function {0}"
)
NUMBERS = (".json", ".csv", ".tsv")
NOT_TRACED = Traced(NotTraced(""), alone=False)
DECLARED = re.compile(r"^NETWORK\s*=", re.MULTILINE)  # a file that says what it is about


def check(  # noqa: PLR0913 (what is known is passed by name)
    attempt: Any,
    network: Network | Mapping[str, Any] | None = None,
    theta: ArrayLike | None = None,
    x: ArrayLike | None = None,
    t: ArrayLike | None = None,
    *,
    learning_rate: float | None = None,
    optimizer: str | Optimizer | None = None,
    strict: bool = False,
    hint: int = 4,
    function: str | None = None,
    run: str = "",
    forward: Callable[..., Any] | None = None,
    loss: Any = None,
    notation: str | Notation = "plain",
    seconds_call: float = SECONDS_CALL,
    seconds: float = SECONDS,
) -> Diagnosis:
    """Check an implementation of backpropagation, and name the mistake that explains it if wrong.

    Parameters
    ----------
    attempt : callable, class, str, Path or mapping
        A function ``gradients(weights, biases, x, t) -> (dW, db)``, ``step(weights, biases, x, t,
        learning_rate)`` or ``forward(weights, biases, x)``, in any layout; a class that trains; the
        path of a Python file, which runs in a separate process; numbers: a mapping such as
        ``{"dW1": …, "W1_new[0,1]": "0.1498"}``, or the path of a JSON or CSV file; or an
        estimator, ours or scikit-learn's, of which a copy makes one step (x and t are its X and y);
        a pipeline that ends in one; or PyTorch's ``nn.Sequential``, whose ``.grad`` is compared.
    network : Network or mapping, optional
        What the attempt is about, or what is known of it: ``{"layers": [2, 3, 1], "activation":
        "tanh", "loss": "squared-error"}``. What is omitted is inferred. Numbers require a Network.
    theta, x, t : array, optional
        Parameters, samples and targets to use; designed ones by default. Numbers require them.
    learning_rate : float, optional
    optimizer : str or Optimizer, optional
        Plain gradient descent by default, for attempts that update. Of a module, PyTorch's.
    strict : bool, default False
        Whether the loss's factor and the mean over samples must be as declared.
    hint : {1, 2, 3, 4}, default 4
        How much the report reveals: symptom, place, mistake, repair.
    function : str, optional
        What to check in a file, such as ``"step"`` or ``"Net.train"``.
    run : str, optional
        A line that makes a file train, such as ``"model(X, Y, 4, 0.1)"``; it runs after the file.
    forward : callable, optional
        The forward function, if `attempt` is the backward function of one layer, such as
        ``affine_backward(dout, cache)``; see `chainrule.testing.assert_layer`.
    loss : loss of PyTorch, optional
        Which a module requires, such as ``nn.CrossEntropyLoss()``.
    notation : str or Notation, default "plain"
        The notation whose names numbers may have, in addition to the keys.
    seconds_call, seconds : float
        How long a call, and the whole check, may take.

    Returns
    -------
    Diagnosis

    Raises
    ------
    InputError
        If what is declared is invalid, or numbers have no network.
    UnknownNameError
        If a name is unknown.

    Examples
    --------
    >>> from chainrule import check, mlp
    >>> net = mlp(1, 1, activation="identity", loss="squared-error")
    >>> theta = net.pack(W=[[[0.5]]], b=[[0.0]])
    >>> check({"dW1": [[-1.0]]}, net, theta, [1.0], [1.5]).verdict
    'right'
    """
    begin = time.monotonic()
    check_settings(hint, {"seconds_call": seconds_call, "seconds": seconds})
    if is_foreign(attempt):
        settings = {"strict": strict, "hint": hint, "notation": notation, "seconds": seconds}
        samples = {"loss": loss, "optimizer": optimizer, **settings}
        return import_module(EXCHANGE).check_foreign(attempt, x, t, **samples)
    if loss is not None:
        raise InputError("loss= is for modules of PyTorch; name the loss in network=")
    options = CheckOptions(
        network,
        theta,
        x,
        t,
        learning_rate,
        optimizer,
        strict,
        notation,
        TimeLimit(SEARCH * seconds),
        seconds_call,
        seconds,
    )
    found = (
        _dispatch(attempt, options, function, run)
        if forward is None
        else check_layer(attempt, forward, strict=strict, seconds=seconds)
    )
    return replace(found, hint=hint, seconds=round(time.monotonic() - begin, 3))


def check_settings(hint: int, limits: Mapping[str, float]) -> None:
    """Raise InputError for an unknown hint, or a limit that is not a positive number."""
    if hint not in range(1, MOST_HINT + 1):
        raise InputError(f"hint={hint!r}: choose 1 (symptom), 2 (place), 3 (mistake) or 4 (repair)")
    for limit, value in limits.items():
        if isinstance(value, str) or not value > 0:
            raise InputError(f"{limit}={value!r}: must be a positive number")


def is_foreign(attempt: Any) -> bool:
    """Return whether an attempt is a module of PyTorch or a pipeline of scikit-learn."""
    names = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(attempt).__mro__}
    return bool(names & {"torch.Module", "sklearn.Pipeline"})


def _dispatch(
    attempt: Any, options: CheckOptions, function: str | None, run: str = ""
) -> Diagnosis:
    """Return the diagnosis of an attempt of any kind."""
    if run and not isinstance(attempt, str | Path):
        raise InputError(f"run={run!r} goes with the path of a Python file only; remove it")
    if isinstance(attempt, Mapping):
        numbers = cast("Mapping[Any, Any]", attempt)
        return check_numbers(read_numbers(numbers), options)
    if isinstance(attempt, str | Path):
        path = Path(attempt)
        if path.suffix.lower() in NUMBERS:
            return replace(check_numbers(read_numbers(path), options), source=path.name)
        return check_file(path, options, function, run)
    if is_estimator(attempt):
        return check_estimator(attempt, options)
    if not callable(attempt):
        raise InputError(
            f"cannot check an object of type {type(attempt).__name__!r}; pass a function, a class, "
            "the path of a Python file, numbers by name such as {'dW1': …}, or an MLPClassifier or "
            "MLPRegressor"
        )
    with submission.open(attempt, seconds_call=options.seconds_call) as asker:
        made = check_program(asker, options.declared(), options)
    made = with_learner_names(made, names_of(attempt))
    return replace(made, source=getattr(attempt, "__name__", "the function"))


def _traced(path: Path, options: CheckOptions, function: str | None, run: str) -> Traced:
    """Return the diagnosis of a program that trains when it runs, or why there is none.

    What is declared of a network, or a function that is named, is asked for instead, unless there
    are lines to run.
    """
    if (function is not None or options.declares_something) and not run:
        return NOT_TRACED
    try:
        source = read_program(path)
    except SubmissionError as error:
        return Traced(NotTraced(str(error)), alone=False)
    if DECLARED.search(source.text) and not run:
        return NOT_TRACED
    return check_traced(source, path, options.seconds, run)


def check_file(path: Path, options: CheckOptions, function: str | None, run: str = "") -> Diagnosis:
    """Return the diagnosis of a Python file or a notebook, which runs in a separate process.

    A program that trains is judged by its own run, and one whose functions can be joined by a run
    with added lines; else its functions and classes are asked.
    """
    if run and function is not None:
        raise InputError(
            f"run={run!r} cannot be combined with function={function!r}: what it runs is what is "
            "checked; remove one of them"
        )
    begin = time.monotonic()
    traced = _traced(path, options, function, run)
    found = traced.found
    if isinstance(found, Diagnosis):
        brief = _within(options, SECONDS_SECOND)
        return found if traced.alone else agreed(_asked(path, brief, function), found)
    if run or (traced.alone and found.differs):
        return replace(_not_judged(found), source=path.name)
    left = max(options.seconds - (time.monotonic() - begin), SECONDS_SECOND)
    if found.trains:  # to import it is to run it once more
        left = min(left, SECONDS_INSTEAD)
    return _asked_instead(path, _within(options, left), function, found)


def _within(options: CheckOptions, seconds: float) -> CheckOptions:
    """Return options with less time, from now on."""
    seconds = min(options.seconds, seconds)
    return replace(options, seconds=seconds, time_limit=TimeLimit(SEARCH * seconds))


def _asked_instead(
    path: Path, options: CheckOptions, function: str | None, traced: NotTraced
) -> Diagnosis:
    """Return the diagnosis of a file that tracing could not judge."""
    made = _asked(path, options, function)
    if (traced.differs and made.verdict != "right") or (
        traced.doubtful and made.verdict == "right"
    ):
        return replace(_not_judged(traced), source=path.name)
    if traced.limited and made.verdict != "right" and not made.mistakes:
        return replace(_not_judged(traced), source=path.name)  # a call may be one of another kind
    is_open = made.verdict == "could-not-run" or (made.verdict == "unknown" and traced.trains)
    if is_open and (traced.trains or traced.error):  # unknown to both: no reason to call it wrong
        # that a script has no functions to call says nothing about it
        remarks = () if made.verdict == "could-not-run" else (made.sentence, *made.remarks)
        return replace(_not_judged(traced), source=path.name, remarks=remarks)
    if made.verdict == "could-not-run" and traced.call:
        return replace(made, remarks=(*made.remarks, HOW_TO_RUN.format(path.name, traced.call)))
    return _with_layers(made, path) if made.verdict == "could-not-run" else made


def _agrees_nowhere(made: Diagnosis) -> bool:
    """Return whether numbers were compared with those of a network, and all of them differ.

    What was called is then hardly what was looked for: a wrong program has something right.
    """
    return made.first_wrong is not None and not made.tested


def _with_layers(made: Diagnosis, path: Path) -> Diagnosis:
    """Return a diagnosis with the lines that check a file's layers one by one, if it has some."""
    try:
        functions = functions_in_source(read_program(path).text)
    except SubmissionError:
        return made
    lines = lines_for_file(functions, path.stem)
    return replace(made, remarks=(*made.remarks, f"{ONE_LAYER}\n{lines}")) if lines else made


def _not_judged(traced: NotTraced) -> Diagnosis:
    """Return the diagnosis of a program that runs, but could not be judged."""
    stopped = f"it stopped with {traced.error}" if traced.error else ""
    why = "; ".join(text for text in (traced.why, stopped) if text)
    return Diagnosis("could-not-run", f"Not judged: {why}.")


def _asked(path: Path, options: CheckOptions, function: str | None) -> Diagnosis:
    """Return the diagnosis of a file whose function or class is called with test networks."""
    opened = submission.open(
        path, function, seconds_call=options.seconds_call, seconds=options.seconds
    )
    with opened as asker:
        begun = asker.load()
        if isinstance(begun, Failure):
            return replace(failed_diagnosis(begun), source=path.name)
        source = read_program(path)
        calls = TracedCalls(asker, begun.name, source, path, options.seconds)
        is_open = not (options.declares_something or begun.declared)
        if is_open:  # tracing takes less time than a search for pairs of mistakes
            options = replace(options, is_explained=calls.are_explained)
        made = check_program(asker, options.declared(begun.declared), options)
        made = with_learner_names(made, names_in_source(source.text, begun.name))
        if made.verdict == "unknown" and is_open:
            made = calls.diagnosis(made)
        if made.verdict == "unknown" and is_open and function is None and _agrees_nowhere(made):
            made = Diagnosis("could-not-run", UNLIKE.format(begun.name), remarks=made.remarks)
    remarks = tuple(dict.fromkeys((*begun.remarks, *made.remarks)))
    return replace(made, source=f"{path.name}: {begun.name}", remarks=remarks)
