"""The digits law: every line of numbers on a page, computed as printed, gives the printed result.

The lines are read back from the rendered page; ``digits_table`` prints the counts.
"""

import pytest

from chainrule import PROBLEMS, problem
from chainrule.explanation import NOTATIONS, explain_problem
from chainrule.pages import Digits, lines_of
from tests.explanation.digits_table import FORMATS, LARGE, counts
from tests.explanation.test_latex import batch_of_three, with_penalty
from tests.rows import more

SMALL = [name for name in PROBLEMS if name != LARGE]


@pytest.mark.every_value(name=SMALL, notation=reversed(NOTATIONS), form=FORMATS)
def test_every_line_of_a_preset_recomputes(name, form, notation):
    example = explain_problem(problem(name), notation=notation)
    lines, right, carried = counts(example, form, Digits(decimals=problem(name).decimals))
    assert lines == right == numbers_on(example)
    assert carried <= 0.01 * lines


@pytest.mark.every_value(make=[batch_of_three, with_penalty], form=FORMATS)
def test_every_line_of_a_rich_network_recomputes(make, form):
    example = make(notation="mazur")
    lines, right, carried = counts(example, form, Digits())
    assert lines == numbers_on(example)
    assert lines - right <= carried <= 0.01 * lines


@pytest.mark.parametrize("digits", [3, more(6), more(12), 15])
def test_the_law_holds_for_any_number_of_digits(digits):
    example = explain_problem(problem("softmax"), digits=digits)
    lines, right, carried = counts(example, "text", Digits(digits))
    assert lines - right <= carried
    # Ties are decided by the order of a sum; beyond 12 digits, 17 leave few to guard with.
    assert carried <= (0.01 if digits <= 12 else 0.05) * lines


@pytest.mark.parametrize("decimals", [2, 5, 9])
def test_the_law_holds_for_any_number_of_decimals(decimals):
    example = explain_problem(problem("mazur"), decimals=decimals)
    lines, right, carried = counts(example, "text", Digits(decimals=decimals, padded=True))
    assert lines == right
    assert carried == 0


def numbers_on(example):
    """Count the lines of numbers that the document has for a page."""
    return sum(line.substituted is not None for _, line in lines_of(example.page().items))
