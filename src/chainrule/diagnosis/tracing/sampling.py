"""Recognize programs whose updates are not meant as the gradient of what they compute.

Contrastive divergence and policy gradients draw samples with probabilities that they train, which
has no derivative; temporal differences take targets that depend on what is trained.
"""

import ast
import re
from collections.abc import Iterator

from chainrule.diagnosis.tracing.judging import Judge
from chainrule.submission import Place

DRAWS = re.compile(r"(^|[._])(rand|random|uniform|random_sample)$")  # to compare with a probability
SAMPLES = re.compile(r"(^|[._])(binomial|choice|choices|multinomial|categorical)$")
COUNTED = ("shape", "size", "ndim")  # attributes that do not depend on an array's numbers


def why_not_a_gradient(judge: Judge, loss: str) -> str:
    """Return why updates need not be the gradient of a loss, or an empty string.

    Negative targets may be added to an output, if that is the loss that the program computes.
    """
    trace, it = judge.trace, judge.iterations[0]
    added = any(trace.place(p.error).op == "Add" and not p.is_loss for p in it.pairs)
    if added and not judge.has_usual(loss):
        return "its targets depend on what it trains, and how is not known"
    if it.omitted:
        return "there are several places where an output may meet its targets"
    trained = {name for e in it.depends if (name := trace.place(e).name)}
    places = {trace.places[e.code] for e in trace.order[it.begin : it.end + 1]}
    drawn = {p for p in places if p.kind == "value" and _samples_from(p.text, trained)}
    if any(_reaches_updates(judge, p) for p in drawn):
        return "it draws samples with probabilities that it trains, which have no derivative"
    return ""


def _reaches_updates(judge: Judge, drawn: Place) -> bool:
    """Return whether updates depend on the function that draws samples.

    A program may draw them only to show them, in a function of its own.
    """
    trace, it = judge.trace, judge.iterations[0]
    own = [
        e
        for e in trace.order[it.begin : it.end + 1]
        if (trace.place(e).function, trace.place(e).file) == (drawn.function, drawn.file)
        and e in trace.base.floats
        and trace.has(e)
    ]
    moved = trace.changed({e: trace.nudge(e) for e in own}, trace.order[it.end])
    return any(p.after in moved for p in it.parameters)


def _samples_from(text: str, trained: set[str]) -> bool:
    """Return whether an expression draws samples that depend on some names."""
    try:
        nodes = list(ast.walk(ast.parse(text.strip(), mode="eval")))
    except SyntaxError:
        return False
    compared = [node for node in nodes if isinstance(node, ast.Compare)]
    drawn = [n for n in compared if any(DRAWS.search(called) for called in _calls(n))]
    calls = [n for n in nodes if isinstance(n, ast.Call) and SAMPLES.search(ast.unparse(n.func))]
    return any(trained.intersection(_names(node)) for node in (*drawn, *calls))


def _calls(node: ast.AST) -> Iterator[str]:
    """Yield the functions that an expression calls."""
    yield from (ast.unparse(n.func) for n in ast.walk(node) if isinstance(n, ast.Call))


def _names(node: ast.AST) -> Iterator[str]:
    """Yield the names in an expression, except where only their shape is read."""
    if isinstance(node, ast.Attribute) and node.attr in COUNTED:
        return
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "len":
        return
    if isinstance(node, ast.Name | ast.Attribute):
        yield ast.unparse(node)
    for child in ast.iter_child_nodes(node):
        yield from _names(child)
