"""The table of update rules by which the updates of a program are judged, right ones and mistakes.

A rule is its equations, as those of `chainrule.optimizers`, whose rules and whose mistakes of the
catalogue are in the table, too. To add a rule, add an entry to `OWN_RULES`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from chainrule.diagnosis.catalogue import MISTAKES, Form, Mistake
from chainrule.optimizers import OPTIMIZERS, Optimizer

SQUARES = {"s_new": "rho * s + (1 - rho) * g * g"}
MEANS = {"m_new": "beta1 * m + (1 - beta1) * g", "v_new": "beta2 * v + (1 - beta2) * g * g"}
CORRECTED = {"mhat": "m_new / (1 - beta1**k)", "vhat": "v_new / (1 - beta2**k)"}
SIGN = "where(g > 0, 1.0, where(g < 0, -1.0, 0.0))"
# Mistakes of the catalogue that are conventions in programs, or that are rules of other names.
CONVENTIONS = ("eps-in-the-root", "decay-in-the-gradient", "momentum-dropped")
NEIGHBOR = re.compile(r"\b(above|below|last)\.")
EACH = "Adam's step counter is increased for every parameter, not once per update"
LAYER = "Adam's step counter is increased for every layer, not once per update"
BIAS_CORRECTION = "Adam's bias correction of the"
FORGOTTEN = "Adam's running means are never kept, so each step starts from zero"
SQUARE_LOST = "the running mean of the squares is never kept, so each step starts from zero"
NOT_ZEROED = "gradients accumulate: those of earlier updates are added to those that the rule takes"


@dataclass(frozen=True)
class UpdateRule:
    """An update rule, or a mistake that people make with it.

    Parameters
    ----------
    name : str
        In words.
    equations : mapping of str to str
        As those of an `Optimizer`; d is the gradient, and g what the rule takes of it. `position`
        and `parameters` say which of how many updates of an iteration changes a number, `layer` and
        `layers` the same of pairs of updates; `norm` is that of the gradients of an array.
    start : mapping of str to float
        Of slots that do not start with 0; a name is that of a constant.
    needs : str
        Words of which the source of the updates must have one, as for rules that could be others.
    mistake : str
        What is wrong, as a clause; empty for a rule.
    entry : Mistake or None
        Of the catalogue.
    """

    name: str
    equations: Mapping[str, str]
    start: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    needs: str = ""
    mistake: str = ""
    entry: Mistake | None = None

    def is_possible(self, source: str) -> bool:
        """Return whether the source of the updates has what the rule needs."""
        return not self.needs or any(word in source for word in self.needs.split())

    @property
    def slots(self) -> list[str]:
        """The names of what is kept between updates."""
        return [
            n.removesuffix("_new") for n in self.equations if n.endswith("_new") and n != "w_new"
        ]


def _velocity(name: str, step: str, w_new: str, **more: str) -> UpdateRule:
    return UpdateRule(name, {**more, "v_new": step, "w_new": w_new})


AVERAGED = "momentum * v + (1 - momentum) * g"
OWN_RULES = (
    _velocity("momentum", "momentum * v + g", "w - learning_rate * v_new"),
    _velocity("momentum", AVERAGED, "w - learning_rate * v_new"),
    _velocity("momentum", AVERAGED, "w - learning_rate * v_new / (1 - momentum**k)"),
    _velocity(
        "momentum",
        "momentum * v + where(k > 1, 1 - dampening, 1.0) * g",
        "w - learning_rate * v_new",
    ),
    _velocity(
        "Nesterov's momentum", "momentum * v + g", "w - learning_rate * (g + momentum * v_new)"
    ),
    _velocity(
        "Nesterov's momentum",
        "momentum * v - learning_rate * g",
        "w - momentum * v + (1 + momentum) * v_new",
    ),
    UpdateRule(
        "gradient descent with a share of the last gradient",
        {"last_new": "g", "w_new": "w - learning_rate * (g + share * last)"},
    ),
    UpdateRule(
        "AdaGrad", {"s_new": "s + g * g", "w_new": "w - learning_rate * g / (sqrt(s_new) + eps)"}
    ),
    UpdateRule(
        "AdaGrad", {"s_new": "s + g * g", "w_new": "w - learning_rate * g / sqrt(s_new + eps)"}
    ),
    UpdateRule(
        "AdaGrad",
        {"s_new": "s + g * g", "w_new": "w - learning_rate * g / (sqrt(s_new) + eps)"},
        start={"s": "initial"},
    ),
    UpdateRule("RMSprop", {**SQUARES, "w_new": "w - learning_rate * g / sqrt(s_new + eps)"}),
    UpdateRule(
        "RMSprop",
        {**SQUARES, "w_new": "w - learning_rate * g / (sqrt(s_new) + eps)"},
        start={"s": "initial"},
    ),
    UpdateRule(
        "RMSprop with momentum",
        {
            **SQUARES,
            "v_new": "momentum * v + g / (sqrt(s_new) + eps)",
            "w_new": "w - learning_rate * v_new",
        },
    ),
    UpdateRule(
        "Adadelta",
        {
            **SQUARES,
            "step": "sqrt(u + eps) / sqrt(s_new + eps) * g",
            "u_new": "rho * u + (1 - rho) * step * step",
            "w_new": "w - learning_rate * step",
        },
    ),
    UpdateRule(
        "Adam", {**MEANS, **CORRECTED, "w_new": "w - learning_rate * mhat / sqrt(vhat + eps)"}
    ),
    UpdateRule(
        "Adam",
        {
            **MEANS,
            "rate": "learning_rate * sqrt(1 - beta2**k) / (1 - beta1**k)",
            "w_new": "w - rate * m_new / (sqrt(v_new) + eps)",
        },
    ),
    UpdateRule(
        "AMSGrad",
        {
            **MEANS,
            "largest_new": "where(v_new > largest, v_new, largest)",
            "mhat": "m_new / (1 - beta1**k)",
            "vhat": "largest_new / (1 - beta2**k)",
            "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)",
        },
    ),
    UpdateRule(
        "AMSGrad",
        {
            **MEANS,
            **CORRECTED,
            "largest_new": "where(vhat > largest, vhat, largest)",
            "w_new": "w - learning_rate * mhat / (sqrt(largest_new) + eps)",
        },
    ),
    UpdateRule(
        "AMSGrad",
        {
            **MEANS,
            "largest_new": "where(v_new > largest, v_new, largest)",
            "w_new": "w - learning_rate * m_new / (sqrt(largest_new) + eps)",
        },
        needs="max",
    ),
    UpdateRule(
        "Adamax",
        {
            "m_new": MEANS["m_new"],
            "size": "where(g < 0, -g, g)",
            "u_new": "where(beta2 * u > size, beta2 * u, size)",
            "w_new": "w - learning_rate / (1 - beta1**k) * m_new / (u_new + eps)",
        },
    ),
    UpdateRule(
        "Nadam",
        {
            **MEANS,
            **CORRECTED,
            "ahead": "beta1 * mhat + (1 - beta1) * g / (1 - beta1**k)",
            "w_new": "w - learning_rate * ahead / (sqrt(vhat) + eps)",
        },
    ),
    UpdateRule("sign descent", {"w_new": f"w - learning_rate * {SIGN}"}, needs="sign"),
    UpdateRule(
        "Lion",
        {
            "c": "beta1 * m + (1 - beta1) * g",
            "m_new": "beta2 * m + (1 - beta2) * g",
            "w_new": f"w - learning_rate * {SIGN.replace('g', 'c')}",
        },
        needs="sign",
    ),
    *(
        UpdateRule(
            "Adam",
            {
                **MEANS,
                "each": each,
                "mhat": "m_new / (1 - beta1**each)",
                "vhat": "v_new / (1 - beta2**each)",
                "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)",
            },
            mistake=mistake,
        )
        for each, mistake in (
            ("(k - 1) * parameters + position + 1", EACH),
            ("(k - 1) * layers + layer + 1", LAYER),
        )
    ),
    UpdateRule(
        "Adam",
        {
            "m_new": "(1 - beta1) * g",
            "v_new": "(1 - beta2) * g * g",
            **CORRECTED,
            "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)",
        },
        mistake=FORGOTTEN,
    ),
    *(
        UpdateRule(
            "Adam",
            {
                **MEANS,
                "mhat": f"m_new / {first}",
                "vhat": f"v_new / {second}",
                "w_new": "w - learning_rate * mhat / (sqrt(vhat) + eps)",
            },
            mistake=mistake,
        )
        for first, second, mistake in (
            ("(1 - beta1**k)", "(1 - beta1**k)", f"{BIAS_CORRECTION} second mean takes β1, not β2"),
            ("(1 - beta2**k)", "(1 - beta2**k)", f"{BIAS_CORRECTION} first mean takes β2, not β1"),
            ("(1 - beta2**k)", "(1 - beta1**k)", f"{BIAS_CORRECTION} each mean takes the other β"),
            ("(1 - beta1**k)", "1", f"{BIAS_CORRECTION} second mean is missing"),
            ("1", "(1 - beta2**k)", f"{BIAS_CORRECTION} first mean is missing"),
            ("(1 - beta1)", "(1 - beta2)", f"{BIAS_CORRECTION} means is without the power k"),
        )
    ),
    UpdateRule(
        "RMSprop",
        {"s_new": "(1 - rho) * g * g", "w_new": "w - learning_rate * g / (sqrt(s_new) + eps)"},
        mistake=SQUARE_LOST,
    ),
    UpdateRule(
        "AdaGrad",
        {"s_new": "s + g * g", "w_new": "w - learning_rate * g / (s_new + eps)"},
        mistake="the step is divided by the sum of the squares, not by its square root",
    ),
)


@cache
def update_rules() -> tuple[UpdateRule, ...]:
    """Return the rules: those of the package, then others."""
    return (*_of_package(), *(r for r in OWN_RULES if not r.mistake))


def names_of_rules() -> list[str]:
    """Return the names of the rules that are known."""
    return sorted({r.name for r in update_rules()}, key=str.lower)


def _of_package() -> Iterator[UpdateRule]:
    named = {"sgd": "gradient descent", "nesterov": "Nesterov's momentum", "rmsprop": "RMSprop"}
    named |= {"adam": "Adam", "adamw": "AdamW"}
    for name, rule in OPTIMIZERS.items():
        if isinstance(rule, Optimizer):
            yield UpdateRule(named.get(name, name), rule.equations)


@cache
def wrong_rules() -> tuple[UpdateRule, ...]:
    """Return the mistakes: those of the catalogue, then others, then gradients that accumulate."""
    own = [r for r in OWN_RULES if r.mistake]
    return (*_of_catalogue(), *own, *map(_accumulated, _of_package()))


def _of_catalogue() -> Iterator[UpdateRule]:
    for entry in MISTAKES.values():
        for form in entry.forms if entry.id not in CONVENTIONS else ():
            if any(NEIGHBOR.search(text) for text in form.weights.values()):
                continue  # of another layer, which is not known here
            for name in form.for_optimizers.split():
                yield _of_form(entry, form, name)


def _of_form(entry: Mistake, form: Form, name: str) -> UpdateRule:
    rule = OPTIMIZERS[name]
    equations = rule.equations if isinstance(rule, Optimizer) else {}
    made = entry.of_form(form)
    return UpdateRule(name, {**equations, **form.weights}, mistake=made.title, entry=made)


def _accumulated(rule: UpdateRule) -> UpdateRule:
    """Return a rule that takes the sum of all gradients so far."""
    equations = {"dsum_new": "dsum + d", **rule.equations, "g": "dsum_new"}
    return replace(rule, equations=equations, mistake=NOT_ZEROED, entry=MISTAKES["not-zeroed"])


def with_penalties(rule: UpdateRule) -> Iterator[UpdateRule]:
    """Yield a rule, and the same with gradients that are clipped, and with weights that decay."""
    yield rule
    if "decay" in "".join(rule.equations.values()):
        return
    yield replace(rule, equations={**rule.equations, "g": "d + decay * w"})
    yield replace(
        rule,
        equations={
            **rule.equations,
            "w_new": f"{rule.equations['w_new']} - learning_rate * decay * w",
        },
    )
    yield replace(
        rule, equations={**rule.equations, "w_new": f"{rule.equations['w_new']} - decay * w"}
    )
    clipped = "where(d > limit, limit, where(d < -limit, -limit, d))"
    yield replace(rule, equations={**rule.equations, "g": clipped}, needs="clip min max")
    shorter = "where(norm > limit, d * limit / norm, d)"
    yield replace(rule, equations={**rule.equations, "g": shorter}, needs="norm sqrt")
