"""A shortened script does what it did, in fewer characters."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from chainrule import PROBLEMS, explain_problem, problem
from chainrule.explorer.build import page_file, script
from chainrule.explorer.bundle import as_part, bundle, stripped
from chainrule.explorer.model import model_of
from chainrule.explorer.shorten import Module, shortened
from chainrule.explorer.tables import tables
from chainrule.explorer.tokens import tokens
from tests.explorer.node import node
from tests.rows import few_rows

MODULES = sorted(
    Path(__file__).parents[2].joinpath("src/chainrule/explorer/page").glob("*.mjs"),
    key=lambda path: path.name,
)
PAIRS = {
    "const long = 1;\nuse(long);": "let A=1;use(A);",
    "const f = (first, other) => first + other.first;": "let A=(A,B)=>A+B.first;",
    "const { a1, b1: c1 = 2, ...rest } = given;": "let{a1:A,b1:B=2,...C}=given;",
    "const made = { step, size: step };\nlet step = 2;": "let A={step:B,size:B};let B=2;",
    "function outer(A1) { const B1 = A1; return B1 + unknown; }": (
        "function A(A){let B=A;return B+unknown}"
    ),
    "const A1 = 1; const f = (B1) => A1 + B1 + A;": "let B=1;let C=(C)=>B+C+A;",
    "function* all(list) { yield* list; }\nall();": "function*A(A){yield*A}\nA();",
    "const make = 1;\nclass Long { *make() { } half = 2 * make; }": (
        "let A=1;class B{*make(){}half=2*A}"
    ),
    "class Long { #field = 1; get value() { return this.#field; } }": (
        "class A{#field=1;get value(){return this.#field}}"
    ),
    "const say = (name) => `${name} is ${`{${name}}`}`;": "let A=(A)=>`${A} is ${`{${A}}`}`;",
    "for (const [key, one] of list) if (key / one > 2) print(/a b/.test(key));": (
        "for(let[A,B]of list)if(A/B>2)print(/a b/.test(A));"
    ),
    "const f = (x1) => (x1 ? (y1) => y1 : y1);": "let A=(A)=>(A?(A)=>A:y1);",
    "const f = (used, unused) => { const own = used; return own; };": (
        "let A=(A,B)=>{let C=A;return C};"
    ),
    "const low = 1;\nconst f = (x1) => { for (const y1 of x1) go(y1.A, low); };": (
        "let A=1;let B=(B)=>{for(let C of B)go(C.A,A)};"
    ),
    "while (go());": "while(go());",
    "{ while (go()); }": "{while(go());}",
    "try { go(); } catch { stop(); } finally { end(); }": "try{go()}catch{stop()}finally{end()}",
    'switch (kind) { case "a b": { const word = 1; return word; } default: return - -1; }': (
        'switch(kind){case"a b":{let A=1;return A}default:return- -1}'
    ),
}


@pytest.mark.parametrize("text", PAIRS)
def test_names_and_spaces_are_shortened(text: str) -> None:
    assert bundle("app", lambda _: text) == PAIRS[text]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_the_tokens_of_a_module_are_its_text(path: Path) -> None:
    text = stripped(path.read_text())
    assert "".join(token.text for token in tokens(text)) == text


def owners(module: Module) -> list[int | None]:
    """Return the number of the scope that each variable belongs to."""
    order = {id(scope): i for i, scope in enumerate([module.top, *module.scopes])}
    every = zip(module.kinds, module.owners, strict=True)
    return [order.get(id(owner)) for kind, owner in every if kind]


@pytest.mark.parametrize("name", few_rows([path.stem for path in MODULES], "drawing", "wire"))
def test_every_variable_stays_in_its_scope(name: str) -> None:
    module = as_part(name, stripped(page_file(f"{name}.mjs")))
    alone = Module("".join(token.text for token in module.parts))
    short = Module("".join(shortened([alone])))
    assert owners(short) == owners(alone)
    assert len(owners(short)) > 5
    assert short.unknown() == alone.unknown()


@pytest.mark.parametrize("text", ["const a = \\u0061;", "outer: for (;;) break outer;"])
def test_what_is_not_known_raises_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"no token|label"):
        shortened([Module(text)])


def test_the_variables_that_the_script_does_not_declare_are_the_browsers(browser: Any) -> None:
    names = sorted(Module(script()).unknown())
    page = browser.new_page()
    missing = page.evaluate("names => names.filter(name => !(name in globalThis))", names)
    page.close()
    assert {"document", "Math", "Float64Array"} <= set(names)
    assert missing == []


def test_a_shortened_script_computes_the_same(tmp_path: Path, full: bool) -> None:
    names = [name for name in PROBLEMS if name != "digits"] if full else ["softmax"]
    models = [model_of(explain_problem(problem(name))) for name in names]
    entry = (
        'import { rowsOf } from "./rows.mjs";\nimport { wire } from "./wire.mjs";\n'
        "const rows = (model) => rowsOf(wire(given.tables, model), given.tables, model);\n"
        "console.log(JSON.stringify(given.models.map(rows)));"
    )
    given = f"const given = {json.dumps({'tables': tables(), 'models': models})};\n"
    short = bundle("entry", lambda name: entry if name == "entry" else page_file(f"{name}.mjs"))
    page = MODULES[0].parent.as_uri()
    long = entry.replace('"./', f'"{page}/')
    assert output(tmp_path / "short.mjs", given + short) == output(
        tmp_path / "long.mjs", given + long
    )
    assert len(short) < 50_000


def output(path: Path, script: str) -> str:
    """Return what a script prints."""
    path.write_text(script)
    done = subprocess.run([node(), str(path)], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    return done.stdout
