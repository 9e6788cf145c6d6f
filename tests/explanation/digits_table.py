"""How many printed lines recompute to their printed result, by preset and format.

``python -m tests.explanation.digits_table`` prints it; the tests hold every page to it.
"""

from collections.abc import Iterator

from chainrule import PROBLEMS
from chainrule.explanation import NOTATIONS, WorkedExample, explain_problem
from chainrule.pages import READERS, Digits, calls, lines_of, recomputes
from tests.explanation.readers import expression, of_class, one, page_of, shown
from tests.explanation.tex_reader import latex_numbers, markdown_numbers, python
from tests.explanation.text_reader import text_numbers

LARGE = "digits"
Pair = tuple[str, str]  # a line of numbers, and the printed result


def known(example: WorkedExample) -> dict:
    """Return the functions that a reader needs."""
    found = dict(READERS)
    for _, line in lines_of(example.page().items):
        found |= calls(line.tree)
    return found


def from_text(example: WorkedExample) -> Iterator[Pair]:
    for block in text_numbers(example.to_text(10_000), known(example)):
        yield from ((line, block.result) for line in block.numbers)


def from_markdown(example: WorkedExample) -> Iterator[Pair]:
    for found in markdown_numbers(example.to_markdown(), set(known(example))):
        yield from ((python(line), python(found.result)) for line in found.numbers)


def from_latex(example: WorkedExample) -> Iterator[Pair]:
    for found in latex_numbers(example.to_latex()):
        yield from ((python(line), python(found.result)) for line in found.numbers)


def from_html(example: WorkedExample) -> Iterator[Pair]:
    for block in of_class(page_of(example.to_html(static=True)), "quantity"):
        printed = shown(next(one(block, "result").iter("strong")))
        yield from ((expression(line), printed) for line in of_class(block, "numbers"))


FORMATS = {"text": from_text, "markdown": from_markdown, "latex": from_latex, "html": from_html}


def counts(example: WorkedExample, form: str, digits: Digits) -> tuple[int, int, int]:
    """Return the lines of numbers on a page, those that recompute, and those with all digits."""
    functions = known(example)
    pairs = list(FORMATS[form](example))
    right = sum(recomputes(line, result, digits, functions) for line, result in pairs)
    carried = sum(not line.exact for _, line in lines_of(example.page().items))
    return len(pairs), right, carried


def main() -> None:
    print(
        f"{'preset':12}{'notation':16}{'format':10}{'lines':>7}{'recompute':>11}{'all digits':>12}"
    )
    for name, problem in PROBLEMS.items():
        digits = Digits(decimals=problem.decimals)
        for notation in NOTATIONS:
            one = "W2[7,3]" if name == LARGE else None
            example = explain_problem(problem, notation=notation, parameter=one)
            for form in FORMATS:
                lines, right, carried = counts(example, form, digits)
                print(f"{name:12}{notation:16}{form:10}{lines:7}{right:11}{carried:12}")


if __name__ == "__main__":
    main()
