"""The product of everything: all cases, or a seeded sample that takes from every entry in turn.

What comes of them is not asked here.
"""

from collections.abc import Iterator
from itertools import chain, zip_longest

import numpy as np

from benchmarks.check.attempts import CONVENTIONS, FORMS, PRECISIONS, UPDATES, Case
from benchmarks.check.grounds import grounds, made
from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.optimizers import LBFGS, OPTIMIZERS

RULES = tuple(name for name, rule in OPTIMIZERS.items() if not isinstance(rule, LBFGS))
OF_RULES = "deep"  # the network on which the optimizers' own mistakes are made


def product(*, right: bool) -> Iterator[Case]:
    """Yield every case with a mistake, or every one without."""
    for ground in grounds():
        for form in FORMS:
            for rule in _rules(ground, form):
                count = len(made(ground, rule))
                numbers = [None] if right else range(count)
                yield from (
                    case for number in numbers for case in _cases(ground, rule, number, form)
                )


def _rules(ground: str, form: str) -> tuple[str, ...]:
    if form not in UPDATES:
        return ("",)
    return RULES if ground == OF_RULES else ("sgd",)


def _cases(ground: str, rule: str, number: int | None, form: str) -> Iterator[Case]:
    """Yield a mistake in every convention and precision."""
    for convention in CONVENTIONS:
        if ground == "penalized" and convention != CONVENTIONS[0]:
            continue  # a penalty has no sum over the samples
        for precision in PRECISIONS[form]:
            case = Case(ground, rule, number, form, convention, precision)
            if number is None and form not in UPDATES:
                yield from (case, _with_loss(case))
            else:
                yield _with_loss(case) if _is_about_loss(case) else case


def _with_loss(case: Case) -> Case:
    return Case(
        case.ground,
        case.optimizer,
        case.number,
        case.form,
        case.convention,
        case.precision,
        loss=True,
    )


def _is_about_loss(case: Case) -> bool:
    """Tell whether the loss's value is part of the mistake, so that it is handed in too."""
    if case.variant is None:
        return False
    if case.updates:
        return case.variant.form.loss_after_update
    return any(key in case.variant.replace for key in (("loss", "value"), ("loss", "terms")))


def sample(count: int | None, seed: int = 0) -> list[Case]:
    """Return cases with mistakes, taken from each entry in turn; all of them if `count` is None."""
    every: dict[str, list[Case]] = {name: [] for name in MISTAKES}
    for case in product(right=False):
        every[case.id].append(case)
    if count is None:
        return list(chain.from_iterable(every.values()))
    for place, cases in enumerate(every.values()):
        np.random.default_rng((seed, place)).shuffle(cases)  # type: ignore[arg-type]
    turns = zip_longest(*every.values())
    return [case for turn in turns for case in turn if case is not None][:count]
