"""Check an optimizer's update, such as ``adam(w, dw, config)``, over several steps."""

import inspect
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

import numpy as np

from chainrule.diagnosis.catalogue import Mistake
from chainrule.diagnosis.findings import Comparison, Finding, Place
from chainrule.diagnosis.layers.calling import CallFailedError, call, parameters
from chainrule.diagnosis.layers.report import LayerDiagnosis, could_not_run, name_of
from chainrule.diagnosis.layers.rules import RULES, Rule
from chainrule.diagnosis.layers.source import returned_names
from chainrule.diagnosis.layers.values import Array, as_array
from chainrule.errors import unknown

STEPS = 4
CLOSE = 1e-5  # of the largest change: an epsilon may be inside or outside of the root
SHAPE = (3, 2)
ABOUT = "The right numbers come from the formula of the update rule."
RATE = r"lr|learning_?rate|eta|alpha|step_?size|rate"
PARAMETER = r"w|x|theta|params?|parameters|weights?|p|W"
GRADIENT = r"d[wx]|g|grads?|gradients?|d_?params?|dtheta|dw"
STATE = r"[vsm]|velocity|cache|momentums?|moment|mean|s_?dw|v_?dw|sq(uares)?|g2|h"
CONSTANTS: dict[str, tuple[str, tuple[float, ...]]] = {
    "momentum": (r"momentum|beta|mu|rho|gamma|beta_?1", (0.9,)),
    "decay": (r"decay(_?rate)?|rho|beta|gamma|beta_?2|alpha", (0.99, 0.9)),
    "beta1": (r"beta_?1|b1|decay1|rho1", (0.9,)),
    "beta2": (r"beta_?2|b2|decay2|rho2", (0.999,)),
    "epsilon": (r"eps(ilon)?", (1e-8, 1e-7)),
    "learning_rate": (RATE, (0.01, 0.001)),
}  # patterns of names, and usual values where the program states none


@dataclass(eq=False)
class Run:
    """Several steps of an update, with what was passed and returned.

    Parameters
    ----------
    start : array
    gradients, reached : list of arrays
    constants : dict of str to float
        By the program's names.
    """

    start: Array
    gradients: list[Array] = field(default_factory=list[Array])
    reached: list[Array] = field(default_factory=list[Array])
    constants: dict[str, float] = field(default_factory=dict[str, float])


def check_update(update: Callable[..., Any], rule: str | None = None) -> LayerDiagnosis:
    """Check an optimizer's update against the formula of its rule.

    Parameters
    ----------
    update : callable
        Such as ``adam(w, dw, config)`` or ``update_parameters(parameters, grads, learning_rate)``.
    rule : str, optional
        The name of the rule; by default it is found in the function's name.

    Returns
    -------
    LayerDiagnosis
    """
    begin, names = time.monotonic(), sorted({r.name for r in RULES})
    if rule is not None and rule not in names:
        raise unknown("update rule", rule, names)
    run = _any_run(update)
    if isinstance(run, str):
        text = f"{run}. Write it as update(w, dw, config), and return the new w and config"
        return could_not_run(update, text)
    found = _diagnosis(update, run, (rule,) if rule else _rules_of(update))
    return replace(found, seconds=round(time.monotonic() - begin, 3))


def _rules_of(update: Callable[..., Any]) -> tuple[str, ...]:
    """Return the rules that a function's name may mean: SGD may have momentum."""
    name = name_of(update).lower().replace("_prop", "prop")
    if re.search("adamax|nadam|amsgrad|adadelta|adamw", name):
        return ()
    for word in ("adam", "rmsprop", "nesterov", "adagrad", "momentum"):
        if word in name:
            return (word, "nesterov") if word == "momentum" else (word,)
    plain = re.search(r"gd|gradient_descent|update_param", name)
    return ("sgd", "momentum", "nesterov") if plain else ()


# ---- calls --------------------------------------------------------------------------------------


def _any_run(update: Callable[..., Any]) -> Run | str:
    """Return a run with an array, or with a dictionary of arrays, or why both fail."""
    texts: list[str] = []
    for nested in (False, True):
        try:
            return _run(update, nested=nested)
        except (CallFailedError, KeyError, TypeError, ValueError, StopIteration) as error:
            texts.append(str(error))
    return texts[0]


def _run(update: Callable[..., Any], *, nested: bool) -> Run:
    """Make several steps with an update; each starts from what the one before returned."""
    rng = np.random.default_rng(3)
    names = parameters(update)
    roles = {name: _role(name, p) for name, p in names.items()}
    if "parameter" not in roles.values() or "gradient" not in roles.values():
        raise ValueError("it is unclear which argument is the parameter, and which is its gradient")
    w = rng.normal(size=SHAPE)
    run, states = Run(w.copy()), {n: np.zeros(SHAPE) for n, r in roles.items() if r == "state"}
    config: dict[str, Any] = {}
    for t in range(1, STEPS + 1):
        g = rng.normal(size=SHAPE) + 0.1
        arguments = _arguments(names, roles, w, g, states, config, t, nested=nested)
        run.constants |= {n: float(v) for n, v in arguments.items() if isinstance(v, float)}
        value = call(update, arguments)
        w = _returned(update, value, roles, states, config, nested=nested)
        run.constants |= {k: float(v) for k, v in config.items() if isinstance(v, float)}
        run.gradients.append(g)
        run.reached.append(w)
    return run


def _role(name: str, parameter: inspect.Parameter) -> str:
    low = name.lower()
    for role, pattern in (
        ("parameter", PARAMETER),
        ("gradient", GRADIENT),
        ("config", r"config|state|opts?|options|optim.*|memory"),
        ("time", r"t|step|iteration|it|k"),
    ):
        if re.fullmatch(pattern, low):
            return role
    if re.fullmatch(STATE, low) and low != "momentum":
        return "state"
    return "constant"


def _arguments(
    names: Mapping[str, inspect.Parameter],
    roles: Mapping[str, str],
    w: Array,
    g: Array,
    states: Mapping[str, Array],
    config: Mapping[str, Any],
    t: int,
    *,
    nested: bool,
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, role in roles.items():
        if role == "parameter":
            made[name] = _with_keys(w, "") if nested else w
        elif role == "gradient":
            made[name] = _with_keys(g, "d") if nested else g
        elif role == "state":
            made[name] = _with_keys(states[name], "d") if nested else states[name]
        elif role == "config":
            made[name] = {**config} if config else {"learning_rate": 0.05}
        elif role == "time":
            made[name] = t
        else:
            made[name] = _constant(name, names[name])
    return made


def _constant(name: str, parameter: inspect.Parameter) -> Any:
    if parameter.default is not inspect.Parameter.empty and parameter.default is not None:
        return parameter.default
    if re.fullmatch(RATE, name.lower()):
        return 0.05
    for pattern, values in CONSTANTS.values():
        if re.fullmatch(pattern, name.lower()):
            return values[0]
    raise ValueError(f"the meaning of the argument {name!r} is unknown")


def _with_keys(array: Array, prefix: str) -> dict[str, Array]:
    """Return an array as the parameters of one layer: its last column is the bias."""
    return {f"{prefix}W1": array[:, :1].copy(), f"{prefix}b1": array[:, 1:].copy()}


def _without_keys(value: Any) -> Array:
    """Return the parameters of one layer as an array."""
    if isinstance(value, Mapping):
        parts = cast("Mapping[str, Any]", value)
        pair = [next(v for k, v in parts.items() if k.endswith(end)) for end in ("W1", "b1")]
        return np.concatenate(pair, axis=1)
    array = as_array(value)
    if array is None or array.shape != SHAPE:
        raise ValueError("it does not return an array with the parameter's shape")
    return array.astype(float)


def _returned(
    update: Callable[..., Any],
    value: Any,
    roles: Mapping[str, str],
    states: dict[str, Array],
    config: dict[str, Any],
    *,
    nested: bool,
) -> Array:
    """Return the new parameter, and keep the new state."""
    parts = list(cast("tuple[Any, ...]", value)) if isinstance(value, tuple) else [value]
    labels = returned_names(update)
    labels = labels if len(labels) == len(parts) else [""] * len(parts)
    rest = [name for name in states if name not in labels]
    for label, part in zip(labels[1:], parts[1:], strict=True):
        is_config = (isinstance(part, dict) and not nested) or roles.get(label) == "config"
        if is_config:
            config.update(cast("dict[str, Any]", part))
        elif label in states or rest:
            states[label if label in states else rest.pop(0)] = _without_keys(part)
    return _without_keys(parts[0])


# ---- verdict ------------------------------------------------------------------------------------


def _diagnosis(update: Callable[..., Any], run: Run, names: tuple[str, ...]) -> LayerDiagnosis:
    if not all(np.isfinite(w).all() for w in run.reached):
        return LayerDiagnosis(
            "unknown",
            "Certainly not right: the new parameters are not finite numbers, which the first step "
            "of a count t = 0 in 1 - beta^t gives.",
            source=name_of(update),
        )
    fitting = [(r, c) for r in RULES for c in _constants(run) if _fits(r, c, run)]
    right = [(r, c) for r, c in fitting if not r.wrong and (not names or r.name in names)]
    if right:
        return _right(update, run, *right[0])
    if not names:
        text = "which rule it should follow is not known; write assert_update(f, rule='adam')"
        return could_not_run(update, text)
    wrong = [r for r, _ in fitting if r.wrong and r.name in names]
    other = [r for r, _ in fitting if not r.wrong]
    return _wrong(update, run, names[0], wrong[0] if wrong else None, other)


def _right(
    update: Callable[..., Any], run: Run, rule: Rule, constants: Mapping[str, float]
) -> LayerDiagnosis:
    used = {k: v for k, v in constants.items() if k in ("learning_rate", *_used(rule))}
    return LayerDiagnosis(
        "right",
        f"Right: {name_of(update)} is {rule.name}, over {STEPS} steps.",
        convention={
            "rule": rule.form,
            "constants": ", ".join(f"{k} = {v:g}" for k, v in used.items()),
        },
        tested=(f"the new parameters of {STEPS} steps in a row",),
        source=name_of(update),
        compared=run.start.size * STEPS,
    )


def _used(rule: Rule) -> tuple[str, ...]:
    """Return the constants of a rule."""
    return {
        "momentum": ("momentum",),
        "nesterov": ("momentum",),
        "rmsprop": ("decay", "epsilon"),
        "adam": ("beta1", "beta2", "epsilon"),
    }.get(rule.name, ())


def _wrong(
    update: Callable[..., Any], run: Run, name: str, rule: Rule | None, other: list[Rule]
) -> LayerDiagnosis:
    reference = next(r for r in RULES if r.name == name and not r.wrong)
    expected = _simulated(reference, next(_constants(run)), run)
    compared = list(_comparisons(run, expected))
    made = LayerDiagnosis(
        "unknown",
        f"Certainly not right: the new parameters are not those of {name}.",
        first_wrong=Place("w_new"),
        comparisons=tuple(compared[:8]),
        source=name_of(update),
        compared=run.start.size * STEPS,
        differ=len(compared),
        remarks=tuple(f"The numbers are those of {r.name}: {r.form}." for r in other[:1]),
    )
    if rule is None:
        return made
    entry = Mistake(
        f"update-{name}",
        0,
        "update",
        rule.form,
        "",
        reference.form,
        f"The formula of {name} has several parts that are easily confused.",
        rule.repair,
    )
    return replace(
        made, verdict="wrong", sentence=f"Wrong: {rule.form}.", mistakes=(Finding(entry),)
    )


def _comparisons(run: Run, expected: list[Array]) -> Iterator[Comparison]:
    for step, (theirs, right) in enumerate(zip(run.reached, expected, strict=True), 1):
        change = float(np.max(np.abs(right - run.start)))
        for index in np.argwhere(np.abs(theirs - right) > CLOSE * change):
            key = f"w[{','.join(str(int(i)) for i in index)}] after step {step}"
            yield Comparison(key, float(theirs[tuple(index)]), float(right[tuple(index)]))


def _constants(run: Run) -> Iterator[dict[str, float]]:
    """Yield constants: the program's own by name, and usual values where it states none."""
    own = {
        key: [v for n, v in run.constants.items() if re.fullmatch(pattern, n.lower())]
        for key, (pattern, _) in CONSTANTS.items()
    }
    first = {k: (own[k] or list(values))[0] for k, (_, values) in CONSTANTS.items()}
    yield first
    for key, (_, values) in CONSTANTS.items():
        if not own[key]:
            yield from ({**first, key: value} for value in values[1:])


def _simulated(rule: Rule, constants: Mapping[str, float], run: Run) -> list[Array]:
    """Return the parameters that a rule reaches."""
    w, state = run.start, {"v": np.zeros(SHAPE), "s": np.zeros(SHAPE)}
    reached: list[Array] = []
    for t, g in enumerate(run.gradients, 1):
        with np.errstate(all="ignore"):
            w = rule.step(w, g, state, constants, t)
        reached.append(w)
    return reached


def _fits(rule: Rule, constants: Mapping[str, float], run: Run) -> bool:
    before = [run.start, *run.reached[:-1]]
    for old, theirs, right in zip(
        before, run.reached, _simulated(rule, constants, run), strict=True
    ):
        change = float(np.max(np.abs(right - old)))
        if not (np.abs(theirs - right) <= CLOSE * change + 1e-12).all():
            return False
    return True
