"""The LaTeX document: pdflatex compiles it without a warning, and its numbers recompute.

Lines are read from the rendered text, as a reader would recompute them.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import chainrule.layers
from chainrule import PROBLEMS, Custom, Penalty, explain, mlp, problem
from chainrule.explanation import NOTATIONS, WorkedExample, explain_problem
from chainrule.pages import Worked, lines_of
from chainrule.pages.digits import READERS, Digits, recomputes
from chainrule.pages.tex_math import Tex, length
from chainrule.pages.tex_words import words
from chainrule.pages.tree import calls
from tests.explanation.tex_reader import Found, latex_numbers, markdown_numbers, python
from tests.pages.pdflatex import compiled, complaints, needs_pdflatex
from tests.rows import few_rows

PRESETS = [name for name in PROBLEMS if name != "digits"]  # its data are scikit-learn's
STRANGE = r"50 % of $x_1$ & {a} ~ ^ #1 \cmd <b> *y* `z` | [q](r) “–” Łódź œ ½ 中文 Привет 🙂 ﬁ --"


@cache
def batch_of_three(**options) -> WorkedExample:
    """Return two steps of a 2-3-3-2 network with layer normalization, dropout and Adam."""
    network = mlp(
        2, 3, 3, 2, activation="tanh", loss="softmax-cross-entropy", layer_norm=True, dropout=0.3
    )
    x = np.random.default_rng(0).normal(size=(3, 2)).round(2)
    return explain(network, network.initialize(0), x, [0, 1, 1], "adam", **options)


@cache
def with_penalty(**options) -> WorkedExample:
    """Return a network with choices, calls by name, large and tiny numbers."""
    network = mlp(2, 3, 2, activation="leaky-relu", loss="huber", penalty=Penalty(0.1, 0.2, 0.3))
    x, t = [[0.3, 1e-7], [12_345.678, -4e11]], [[0.3, 0.4], [0.5, 0.2]]
    return explain(network, np.linspace(-1, 1, 17), x, t, "adamw", **options)


@cache
def large(**options) -> WorkedExample:
    """Return an example of a 320-24-10 network on a batch of 32."""
    network = mlp(320, 24, 10, activation="relu", loss="softmax-cross-entropy")
    rng = np.random.default_rng(0)
    x, t = rng.random((32, 320)), rng.integers(0, 10, 32)
    return explain(network, network.initialize(0), x, t, "adam", **options)


def strange() -> WorkedExample:
    """Return an example whose texts contain many characters that are special in LaTeX."""
    curve = Custom("my_curve_2", lambda z: z * z * z)
    network = mlp(1, 1, activation=curve, loss="squared-error")
    long = "https://example.org/" + "a_long%20path/" * 12 + "x" * 150
    example = explain(network, [1.0, 0.0], [1.0], [0.0], "sgd")
    pattern = {"x": "größe_{<u>} über", "W": "№%$#&_{<w>}", "b": "中_{<u>}", "z": "ã_{<u>}"}
    notation = replace(NOTATIONS["plain"], patterns=pattern)
    with pytest.warns(UserWarning, match="has no pattern for a, dW, da"):
        again = explain(network, [1.0, 0.0], [1.0], [0.0], notation=notation)
    return replace(again, title=STRANGE, source=f"{STRANGE} {long}", history=example.history)


@cache
def example_of(name: str, notation: str) -> WorkedExample:
    return explain_problem(problem(name), notation=notation)


def functions(example: WorkedExample) -> dict:
    """Return what a reader needs beyond a calculator."""
    found = dict(READERS)
    for _, line in lines_of(example.page().items):
        found |= calls(line.tree)
    return found


# ---- pdflatex -----------------------------------------------------------------------------------


DOCUMENTS = {
    **{
        f"{name}, {notation}": lambda name=name, notation=notation: example_of(name, notation)
        for name, notation in zip(PRESETS, NOTATIONS, strict=True)
    },
    "mazur, steps": lambda: explain_problem(problem("mazur"), steps=100),
    "batch of three": lambda: batch_of_three(notation="mazur"),
    "batch of three, matrices": lambda: batch_of_three(level="matrices", notation="nielsen"),
    "batch of three, summary": lambda: batch_of_three(level="summary"),
    "penalty": lambda: with_penalty(notation="russell-norvig"),
    "large, summary": large,
    "large, matrices": lambda: large(level="matrices"),
    "large, parameter": lambda: large(parameter="W2[7,3]"),
    "strange": strange,
}


QUICK = ("half-adder, plain", "softmax, rumelhart", "batch of three", "large, matrices", "strange")


@needs_pdflatex
@pytest.mark.parametrize(
    "name",
    few_rows(DOCUMENTS, *QUICK),
)
def test_pdflatex_gives_no_warning(name, tmp_path):
    assert complaints(DOCUMENTS[name]().to_latex(), tmp_path) == []


@needs_pdflatex
def test_the_same_example_is_the_same_file(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        compiled(example_of("mazur", "mazur").to_latex(), tmp_path / name)
    one, other = (tmp_path / name / "page.pdf" for name in ("a", "b"))
    assert one.read_bytes() == other.read_bytes()


# ---- the digits law, read back from the page ----------------------------------------------------


@pytest.mark.parametrize("form", ["latex", "markdown"])
@pytest.mark.every_value(name=PRESETS, notation=NOTATIONS)
def test_every_line_of_numbers_recomputes(name, notation, form):
    example = example_of(name, notation)
    check_digits(example, form, Digits(decimals=problem(name).decimals))


@pytest.mark.parametrize("form", ["latex", "markdown"])
@pytest.mark.parametrize("make", [batch_of_three, with_penalty])
def test_lines_with_everything_in_them_recompute(make, form):
    check_digits(make(), form, Digits())


def check_digits(example: WorkedExample, form: str, digits: Digits) -> None:
    known = functions(example)
    found = read(example, form, known)
    items = [item for item in example.page().items if isinstance(item, Worked)]
    assert len(found) == len(items) > 10
    for item, number in zip(items, found, strict=True):
        assert float(python(number.result)) == float(item.quantity.shown), number
        shown = [line for line in item.lines if line.substituted is not None]
        assert len(number.numbers) == len(shown), (item.quantity.key, number)
        for line, text in zip(shown, number.numbers, strict=True):
            right = recomputes(python(text), item.quantity.shown, digits, known)
            assert right or not line.exact, (item.quantity.key, text, number.result)


def read(example: WorkedExample, form: str, known: dict) -> list[Found]:
    if form == "latex":
        return latex_numbers(example.to_latex())
    return markdown_numbers(example.to_markdown(), set(known))


def test_one_changed_equation_changes_formula_numbers_and_result(monkeypatch):
    def wrong(self, *, training=True):
        return {**right(self, training=training), "dx": "delta @ (W * 2)"}

    right = chainrule.layers.Dense.equations
    pages = [explain_problem(problem("mazur"))]
    monkeypatch.setattr(chainrule.layers.Dense, "equations", wrong)
    pages.append(explain_problem(problem("mazur")))
    for form in ("latex", "markdown"):
        before, after = (one(read(page, form, functions(page)), "out", "h1") for page in pages)
        assert before.formulas[-1] != after.formulas[-1]
        assert r"\cdot 2" in after.formulas[-1]
        assert before.numbers[-1] != after.numbers[-1]
        assert float(after.result) == pytest.approx(2 * float(before.result), rel=1e-6)
    assert r"\mathbf{\ne}" in pages[1].to_latex()  # and the numerical derivatives differ
    assert r"\mathbf{\ne}" not in pages[0].to_latex()


def one(found: list[Found], *words: str) -> Found:
    """Return ∂E by the number whose name has these words."""
    return next(
        f for f in found if r"\frac{\partial E}" in f.name and all(w in f.name for w in words)
    )


# ---- how things are set -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "tex"),
    [
        ("w_{5}", "w_5"),
        ("net_{h1}", r"\mathit{net}_{h1}"),
        ("∂E/∂w_{5}", r"\frac{\partial E}{\partial w_5}"),
        ("w^{2}_{11}", "w_{11}^2"),
        ("w_{5}^{+}", "w_5^{+}"),
        ("m̂_{w_{5}}", r"\hat{m}_{w_5}"),
        ("x̂^{(1)}_{2}(3)", r"\hat{x}_2^{(1)}(3)"),
        ("σ²^{(1)}", r"\sigma^{2(1)}"),
        ("σ'(z^{2}_{1})", r"\sigma'(z_1^2)"),
        ("γ^{(1)}_{2}^{+}", r"\gamma_2^{(1)}{}^{+}"),
        ("δ_{h1} alone(2)", r"\delta_{h1}\text{ alone(2)}"),
        ("m_W1_new[0,1]", r"\texttt{m\_W1\_new[0,1]}"),
    ],
)
def test_names(markup, tex):
    assert Tex(keys=False).name(markup) == tex


def test_powers_of_names_with_scripts_are_fenced():
    tex = Tex(keys=False)
    assert tex.power(tex.name("w^{2}_{1}"), "2") == "(w_1^2)^2"
    assert tex.power(tex.name("o_{1}"), "2") == "o_1^2"
    assert tex.number("-1.2e-7") == r"-1.2{\cdot}10^{-7}"


def test_what_is_too_wide_for_a_fraction_is_written_inline():
    tex = Tex(keys=False)
    long = " + ".join(["0.123456789"] * 5)
    assert tex.fraction("1", "2") == r"\frac{1}{2}"
    assert tex.fraction(long, "3") == f"({long}) / 3"
    assert tex.call("sqrt", [long]) == f"({long})^{{1/2}}"
    assert tex.call("exp", [long]) == rf"\exp({long})"


def test_length_is_about_the_visible_width():
    assert length(r"\frac{\partial E}{\partial\mathit{out}_{o1}}") == len("∂outo1")
    assert length(r"0.5 \cdot 1.2{\cdot}10^{-7}") == len("0.5·1.2·10-7")


def test_words_are_ascii_and_escaped():
    text = words(STRANGE)
    assert text.isascii()
    assert r"50 \% of \$x\_1\$ \& $\{$a$\}$ $\sim$ \^{} \#1 $\backslash$cmd $<$b$>$" in text
    assert r"\L{}\'{o}d\'{z}" in text
    assert "[U+4E2D]" in text


def test_the_page_has_a_picture_headings_and_tables():
    page = example_of("mazur", "mazur").to_latex()
    assert r"\begin{tikzpicture}" in page
    assert r"\section*{\bookmark{Forward pass}{step-1-forward}{-0}}" in page
    assert "dash pattern" in page
    assert r"\begin{tabular}" in batch_of_three(level="summary").to_latex()
    assert r"\vdots" in large(level="matrices").to_latex()
