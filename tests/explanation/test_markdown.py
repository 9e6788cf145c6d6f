"""The Markdown document: parsers leave its math unchanged, its tables and picture are complete.

``test_latex`` recomputes the numbers of both formats.
"""

import re
from base64 import b64decode
from dataclasses import replace
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from chainrule import explain, mlp, problem
from chainrule.explanation import explain_problem
from chainrule.pages.markdown import folded, words
from chainrule.pages.tex_math import length
from tests.explanation.test_latex import STRANGE, batch_of_three, large, strange, with_penalty

MATH = re.compile(r"\$\$(.*?)\$\$|\$(.*?)\$", re.DOTALL)
PAGES = {
    **{
        f"batch of three, {name}": lambda name=name: batch_of_three(notation=name)
        for name in ("plain", "mazur", "russell-norvig")
    },
    "matrices": lambda: batch_of_three(level="matrices"),
    "matrices, nielsen": lambda: batch_of_three(level="matrices", notation="nielsen"),
    "summary": lambda: batch_of_three(level="summary"),
    "penalty": with_penalty,
    "mazur": lambda: explain_problem(problem("mazur")),
    "steps": lambda: explain_problem(problem("mazur"), steps=100),
    "large, parameter": lambda: large(parameter="W2[7,3]"),
    "large, matrices": lambda: large(level="matrices"),
    "strange": strange,
}


@pytest.fixture(scope="module", params=PAGES)
def page(request):
    return PAGES[request.param]().to_markdown()


def math(page: str) -> list[str]:
    return [display or inline for display, inline in MATH.findall(page)]


def test_no_parser_changes_the_math(page):
    assert page.count("$") % 2 == 0
    for tex in math(page):
        assert not re.search(r"\\[^A-Za-z]", tex), tex  # GitHub strips a backslash before a sign
        assert not re.search(r"[*<>`|~#]", tex), tex
        assert "\n\n" not in tex, tex
        # An underscore between letters is no emphasis; one after a space can open but never close.
        assert not re.search(r"(?<![ A-Za-z0-9])_|_ |(?<=[A-Za-z0-9])_(?![A-Za-z0-9])", tex), tex
        assert not re.search(r"\]\(", tex), tex  # a link
        assert tex.count("{") == tex.count("}"), tex
        assert tex.isascii() or "\u02cd" in tex or "text{" in tex, tex


def test_no_line_of_math_begins_a_list_or_a_heading(page):
    for tex in math(page):
        for line in tex.strip().splitlines():
            assert not re.match(r"\s*([-+=]|\d+[.)] )", line) or line[1:2] != " ", line


def test_displayed_lines_are_short_enough(page):
    for tex in math(page):
        for line in tex.splitlines():
            assert length(line.replace("&", "")) < 130, line


def test_tables_have_as_many_cells_in_every_row(page):
    for block in page.split("\n\n"):
        if block.startswith("|"):
            cells = {len(re.findall(r"(?<!\\)\|", row)) for row in block.splitlines()}
            assert len(cells) == 1, block


def test_headings_do_not_leave_out_a_level(page):
    depths = [len(marks) for marks in re.findall(r"^(#+) ", page, re.MULTILINE)]
    assert depths[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(depths))


def test_the_picture_is_an_image_with_its_svg_in_the_address():
    page = explain_problem(problem("mazur")).to_markdown()
    alt, data = re.findall(r"!\[(.*?)\]\(data:image/svg\+xml;base64,([\w+/=]+)\)", page)[0]
    assert ET.fromstring(b64decode(data)).tag.endswith("svg")  # noqa: S314 (our own)
    assert "inputs (2)" in alt


def test_a_page_in_short():
    page = re.sub(r"base64,[^)]*", "", explain_problem(problem("mazur")).to_markdown())
    assert page.startswith("# The 2-2-2 example")
    for part in IN_SHORT:
        assert part in page


IN_SHORT = (
    """
## Given

| $i_1$ | $i_2$ |
| --: | --: |
| 0.05 | 0.1 |
""",
    r"""
$$
\begin{aligned}
\mathit{net} _{h1} &= i_1 \cdot w_1 + i_2 \cdot w_2 + b _{h1} \cr
&= 0.05 \cdot 0.15 + 0.1 \cdot 0.2 + 0.35 = \mathbf{0.3775}
\end{aligned}
$$
""",
    r"\quad \text{numerically } 0.082167041 \enspace \checkmark",
    "\n*These are the old weights",
    "| E after 1 step | 0.291027924 | 0.291027774 | 0.291027924 | the program",
)


def test_words_are_escaped():
    text = words(STRANGE)
    assert "50 % of <span>&#36;</span>x\\_1<span>&#36;</span> &amp; {a} \\~ ^ \\#1 &#92;cmd" in text
    assert "&lt;b&gt; \\*y\\* \\`z\\` \\| \\[q\\](r)" in text
    assert words("- no list") == "\\- no list"
    assert words("1. no list") == "1\\. no list"


def test_other_derivations_are_marked_as_such():
    network = mlp(2, 3, activation="identity", loss="softmax-cross-entropy")
    page = explain(network, np.linspace(-1, 1, 9), [0.3, 0.4], [1.0, 0.0, 0.0]).to_markdown()
    assert r"&\text{another derivation, not used by the program:} \cr" in page


def test_long_sums_are_broken_before_their_signs():
    tex = " + ".join(["0.123456789 \\cdot 0.123456789"] * 6)
    lines = folded(tex, "x &= ", 50)
    assert len(lines) == 3
    assert all(line.startswith(r"&\quad{} + ") for line in lines[1:])
    assert "".join(lines).replace(r"&\quad{}", "") == f"x &= {tex}"


def test_the_same_example_is_the_same_text():
    example = explain_problem(problem("xor"))
    assert example.to_markdown() == replace(example).to_markdown()
