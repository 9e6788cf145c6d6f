"""Create all cases of the benchmark, or a sample with every entry of the catalogue in turn."""

from collections.abc import Iterator
from itertools import chain, zip_longest

import numpy as np

from benchmarks.check.attempts import CONVENTIONS, FORMS, PRECISIONS, UPDATES, Case
from benchmarks.check.setups import mistakes_on, setups
from chainrule.diagnosis.catalogue import MISTAKES
from chainrule.optimizers import LBFGS, OPTIMIZERS

RULES = tuple(name for name, rule in OPTIMIZERS.items() if not isinstance(rule, LBFGS))
OF_RULES = "deep"  # the network on which the optimizers' own mistakes are made


def product(*, right: bool) -> Iterator[Case]:
    """Yield every case with a mistake, or every one without."""
    for setup_name in setups():
        for form in FORMS:
            for rule in _rules(setup_name, form):
                count = len(mistakes_on(setup_name, rule))
                numbers = [None] if right else range(count)
                yield from (
                    case for number in numbers for case in _cases(setup_name, rule, number, form)
                )


def _rules(setup_name: str, form: str) -> tuple[str, ...]:
    if form not in UPDATES:
        return ("",)
    return RULES if setup_name == OF_RULES else ("sgd",)


def _cases(setup_name: str, rule: str, number: int | None, form: str) -> Iterator[Case]:
    """Yield a mistake in every convention and precision."""
    for convention in CONVENTIONS:
        if setup_name == "penalized" and convention != CONVENTIONS[0]:
            continue  # with a penalty, the sum over the samples is not a convention
        for precision in PRECISIONS[form]:
            case = Case(setup_name, rule, number, form, convention, precision)
            if number is None and form not in UPDATES:
                yield from (case, _with_loss(case))
            else:
                yield _with_loss(case) if _is_about_loss(case) else case


def _with_loss(case: Case) -> Case:
    return Case(
        case.setup_name,
        case.optimizer,
        case.number,
        case.form,
        case.convention,
        case.precision,
        loss=True,
    )


def _is_about_loss(case: Case) -> bool:
    """Return whether the mistake concerns the value of the loss, so that it is submitted, too."""
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
    for index, cases in enumerate(every.values()):
        np.random.default_rng((seed, index)).shuffle(cases)  # type: ignore[arg-type]
    turns = zip_longest(*every.values())
    return [case for turn in turns for case in turn if case is not None][:count]
