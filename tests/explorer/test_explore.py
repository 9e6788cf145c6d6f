"""explore: the live page in Python, its files, the browser, and what a notebook gets."""

import html
import inspect
import re
import webbrowser
from pathlib import Path

import numpy as np
import pytest

from chainrule import (
    SGD,
    LivePage,
    UnknownNameError,
    explain,
    explain_problem,
    explore,
    mlp,
    problem,
)
from chainrule.errors import InputError
from chainrule.explorer import SEEDS
from tests.rows import few_rows


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """Return the addresses that are opened; temporary files go to a folder."""
    addresses: list[str] = []

    def open_it(address: str) -> bool:
        addresses.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", open_it)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return addresses


def test_a_problem_is_explored_as_it_is_explained():
    page = explore("xor", notation="nielsen", seed=0)
    example = explain("xor", notation="nielsen")
    assert isinstance(page, LivePage)
    assert page.title == example.title
    assert page.to_html() == example.to_html() == example.explore().to_html()


def test_a_network_is_explored_as_it_is_explained():
    network = mlp(2, 2, 1, activation="tanh", loss="squared-error")
    arguments = (network, network.initialize(0), [0.1, 0.2], [1.0], "adam")
    page = explore(*arguments, title="Mine", digits=3)
    assert page.to_html() == explain(*arguments, title="Mine", digits=3).to_html()


def test_its_parameters_are_those_of_explain():
    explained, explored = (inspect.signature(f).parameters for f in (explain, explore))
    assert list(explored) == list(explained)
    options = [name for name, p in explained.items() if p.kind is p.KEYWORD_ONLY and name != "seed"]
    assert [explored[name].default for name in options] == [
        explained[name].default for name in options
    ]


def test_xor_begins_where_its_run_learns_unless_a_seed_is_given():
    begun = explore("xor").to_html()
    assert begun == explain("xor", seed=1).to_html() != explore("xor", seed=0).to_html()
    assert explore("half-adder").to_html() == explain("half-adder").to_html()


@pytest.mark.full_only
def test_xor_is_learned_from_its_own_start_and_not_from_that_of_seed_0():
    xor = problem("xor")
    assert xor.optimizer == SGD(0.5)
    x, t, _ = xor.data()

    def learns(seed: int) -> bool:
        theta = xor.theta(seed)
        for _ in range(4_000):
            theta = theta - 0.5 * xor.network.loss_and_gradient(theta, x, t)[1]
        outputs = xor.network.predict(theta, x)
        return bool(np.all((outputs > 0.5) == (np.asarray(t) > 0.5)))

    assert [learns(seed) for seed in (0, SEEDS["xor"])] == [False, True]


OPTIONS = {
    "steps": 3,
    "show_steps": [1],
    "parameter": "w5",
    "level": "matrices",
    "notation": "nielsen",
    "digits": 3,
    "decimals": 3,
}


@pytest.mark.parametrize("name", few_rows(OPTIONS, "level"))
def test_options_have_their_effect(name: str):
    options = {"steps": 2, name: OPTIONS[name]}
    page = explore("mazur", **options).to_html()
    assert page == explain("mazur", **options).to_html()
    assert page != explain("mazur", steps=2).to_html()


def test_the_2_2_2_example_is_the_default():
    assert explore().title == problem("mazur").title


def test_errors_are_those_of_explain():
    with pytest.raises(UnknownNameError, match="did you mean 'mazur'"):
        explore("mazr")
    with pytest.raises(InputError, match="x=None"):
        explore(mlp(1, 1, activation="tanh", loss="squared-error"))


def test_open_writes_a_new_file_and_opens_it(opened: list[str]):
    page = explain_problem(problem("mazur")).explore()
    first, second = page.open(), page.open()
    assert first != second
    assert opened == [first.as_uri(), second.as_uri()]
    assert first.read_text(encoding="utf-8") == page.to_html()
    assert re.fullmatch(r"chainrule-\w+\.html", first.name)


def test_save_writes_the_page(tmp_path: Path):
    page = explore()
    page.save(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page.to_html()
    with pytest.raises(InputError, match="cannot write"):
        page.save(tmp_path / "no" / "page.html")


def test_a_notebook_gets_a_frame_with_the_whole_page(opened: list[str]):
    page = LivePage('A "title" <b>\u202e', '<meta charset="utf-8" /><p class="a">&amp;</p>')
    text = page._repr_html_()
    assert text.count("<") == 2
    assert 'title="A &quot;title&quot; &lt;b&gt;[U+202E]"' in text
    assert 'sandbox="allow-scripts allow-downloads"' in text
    inside = html.unescape(re.findall('srcdoc="(.*)">', text)[0])
    assert inside.replace('<base href="about:srcdoc" />', "") == page.to_html()
    assert opened == []
    assert repr(page).startswith('<LivePage \'A "title"')
