"""Update rules of optimizers: right ones in all usual forms, and wrong ones that learners write."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from chainrule.diagnosis.layers.values import Array

State = dict[str, Array]
Constants = Mapping[str, float]
Step = Callable[[Array, Array, State, Constants, int], Array]


@dataclass(frozen=True)
class Rule:
    """One form of an update rule.

    Parameters
    ----------
    name : str
        Such as ``"adam"``.
    form : str
        The formula; of a wrong one, the mistake as a clause.
    step : callable
        Takes the parameter, its gradient, the state (which it changes), the constants and the
        number of the step from 1; returns the new parameter.
    repair : str
        Of a wrong form; empty for a right one.
    """

    name: str
    form: str
    step: Step
    repair: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the form is a mistake."""
        return bool(self.repair)


def _kept(state: State, key: str, value: Array) -> Array:
    """Store a value for the next step, and return it."""
    state[key] = value
    return value


def _sgd(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    return w - c["learning_rate"] * g


def _momentum(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    return w + _kept(s, "v", c["momentum"] * s["v"] - c["learning_rate"] * g)


def _averaged(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    v = _kept(s, "v", c["momentum"] * s["v"] + (1 - c["momentum"]) * g)
    return w - c["learning_rate"] * v


def _nesterov(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    before, mu = s["v"], c["momentum"]
    v = _kept(s, "v", mu * before - c["learning_rate"] * g)
    return w - mu * before + (1 + mu) * v


def _adagrad(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    squares = _kept(s, "s", s["s"] + g * g)
    return w - c["learning_rate"] * g / (np.sqrt(squares) + c["epsilon"])


def _rmsprop(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    squares = _kept(s, "s", c["decay"] * s["s"] + (1 - c["decay"]) * g * g)
    return w - c["learning_rate"] * g / (np.sqrt(squares) + c["epsilon"])


def _adam(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    return _adaptive(w, g, s, c, (t, t))


def _adaptive(
    w: Array, g: Array, s: State, c: Constants, steps: tuple[int, int], *, root: bool = True
) -> Array:
    """Return Adam's update with bias corrections of given steps; step 0 means none."""
    v = _kept(s, "v", c["beta1"] * s["v"] + (1 - c["beta1"]) * g)
    squares = _kept(s, "s", c["beta2"] * s["s"] + (1 - c["beta2"]) * g * g)
    v = v / (1 - c["beta1"] ** steps[0]) if steps[0] else v
    squares = squares / (1 - c["beta2"] ** steps[1]) if steps[1] else squares
    return w - c["learning_rate"] * v / ((np.sqrt(squares) if root else squares) + c["epsilon"])


def _climbing(step: Step) -> Step:
    """Return an update with the wrong sign."""
    return lambda w, g, s, c, t: step(w, -g, s, c, t)


def _forgetting(step: Step) -> Step:
    """Return an update that starts from zeros each time."""
    return lambda w, g, s, c, t: step(w, g, {k: 0 * v for k, v in s.items()}, c, t)


def _velocity_not_scaled(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    return w + _kept(s, "v", c["momentum"] * s["v"] - g)


def _no_root(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    squares = _kept(s, "s", c["decay"] * s["s"] + (1 - c["decay"]) * g * g)
    return w - c["learning_rate"] * g / (squares + c["epsilon"])


def _summed_velocity(w: Array, g: Array, s: State, c: Constants, t: int) -> Array:
    return w - c["learning_rate"] * _kept(s, "v", c["momentum"] * s["v"] + g)


SIGN = "Let the parameters move against the gradient; a minus may be there twice, or not at all."
KEEP = "Return the averages, and pass them to the next call."
RULES = (
    Rule("sgd", "w - learning_rate g", _sgd),
    Rule("momentum", "v = momentum v - learning_rate g; w + v", _momentum),
    Rule("momentum", "v = momentum v + (1 - momentum) g; w - learning_rate v", _averaged),
    Rule("momentum", "v = momentum v + g; w - learning_rate v", _summed_velocity),
    Rule("nesterov", "w - momentum v_old + (1 + momentum) v", _nesterov),
    Rule("adagrad", "s + g²; w - learning_rate g / √s", _adagrad),
    Rule("rmsprop", "s = decay s + (1 - decay) g²; w - learning_rate g / √s", _rmsprop),
    Rule("adam", "averages of g and g², divided by 1 - beta^t", _adam),
    *(
        Rule(name, "the update climbs: its sign is wrong", _climbing(step), SIGN)
        for name, step in (
            ("sgd", _sgd),
            ("momentum", _momentum),
            ("momentum", _averaged),
            ("rmsprop", _rmsprop),
            ("adam", _adam),
        )
    ),
    *(
        Rule(
            name,
            "the averages are not kept from one step to the next",
            _forgetting(step),
            KEEP,
        )
        for name, step in (
            ("momentum", _momentum),
            ("momentum", _averaged),
            ("rmsprop", _rmsprop),
            ("adam", _adam),
        )
    ),
    Rule(
        "momentum",
        "the learning rate does not multiply the gradient",
        _velocity_not_scaled,
        "Use v = momentum v - learning_rate g.",
    ),
    Rule("rmsprop", "the root is left out", _no_root, "Divide by √s + epsilon."),
    Rule(
        "adam",
        "the bias correction is left out",
        lambda w, g, s, c, _: _adaptive(w, g, s, c, (0, 0)),
        "Divide the averages by 1 - beta1^t and 1 - beta2^t.",
    ),
    Rule(
        "adam",
        "the bias correction of the squares is left out",
        lambda w, g, s, c, t: _adaptive(w, g, s, c, (t, 0)),
        "Divide the average of the squares by 1 - beta2^t.",
    ),
    Rule(
        "adam",
        "the bias correction of the first average is left out",
        lambda w, g, s, c, t: _adaptive(w, g, s, c, (0, t)),
        "Divide the average of the gradients by 1 - beta1^t.",
    ),
    Rule(
        "adam",
        "the bias correction takes the step after this one",
        lambda w, g, s, c, t: _adaptive(w, g, s, c, (t + 1, t + 1)),
        "Count the first step as t = 1, and increase t once only.",
    ),
    Rule(
        "adam",
        "the bias correction is that of step 1 each time",
        lambda w, g, s, c, _: _adaptive(w, g, s, c, (1, 1)),
        "Keep t, and increase it before each step.",
    ),
    Rule(
        "adam",
        "the root is left out",
        lambda w, g, s, c, t: _adaptive(w, g, s, c, (t, t), root=False),
        "Divide by the root of the average of the squares.",
    ),
    Rule(
        "adam",
        "beta1 and beta2 are exchanged",
        lambda w, g, s, c, t: _adam(w, g, s, {**c, "beta1": c["beta2"], "beta2": c["beta1"]}, t),
        "beta1 belongs to the gradients, beta2 to their squares.",
    ),
)
