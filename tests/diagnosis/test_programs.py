"""Programs as learners write them, written before the checker: each gets its true verdict.

The verdicts are in each folder's truth.json; a mistake counts as named if it is a finding or an
alternative of one. A right program must never get another verdict.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chainrule import check

FOLDER = Path(__file__).parent / "programs"


ONE_WITH_TWO_MISTAKES, ONE_UNKNOWN = "sine_two_matrices.py", "two_outputs_deep.py"


def kinds_of(folder: Path, truth: dict[str, Any]) -> set[tuple[Any, ...]]:
    """Return what a program may be the first of: a verdict with its mistakes, a way to hand in."""
    is_class = "class" in truth["form"]
    return {(truth["verdict"], *truth["catalogue"]), (folder.name, is_class)}


SLOW = (  # their mistakes are in others, too
    *("two_layer_net.py", "two_layer_net_no_mask.py", "two_layer_net_twice_n.py"),
    *("two_outputs_deep.py", "train_until_done.py", "two_layer_net_minibatch.py"),
    *("softmax_loss_no_slope.py", "neuronios_xor.py", "softmax_scores_or_loss.py"),
    "porta_xor_rede.py",
)


def may_be_chosen(truth: dict[str, Any]) -> bool:
    """Return whether a program may run by default.

    Of those with several mistakes, or with an unknown one, only one may: their searches use up the
    time limit.
    """
    several = len(truth["catalogue"]) > 1 and truth["file"] != ONE_WITH_TWO_MISTAKES
    unknown = truth["verdict"] == "unknown" and truth["file"] != ONE_UNKNOWN
    return not (several or unknown or truth["file"] in SLOW)


def programs() -> Iterator[Any]:
    """Yield every program; those whose kinds are all among the others' run only with --full."""
    found = [
        (path.parent, truth)
        for path in sorted(FOLDER.glob("*/truth.json"))
        for truth in json.loads(path.read_text(encoding="utf-8"))
    ]
    chosen = {truth["file"]: kinds_of(*each) for each in found if may_be_chosen(truth := each[1])}
    for file, kinds in list(chosen.items()):
        others = (chosen[other] for other in chosen if other != file)
        if kinds <= set().union(*others):
            del chosen[file]
    for folder, truth in found:
        marks = [] if truth["file"] in chosen else [pytest.mark.full_only]
        yield pytest.param(folder / truth["file"], truth, id=truth["file"], marks=marks)


def test_there_are_enough_programs():
    truths = [json.loads(p.read_text(encoding="utf-8")) for p in FOLDER.glob("*/truth.json")]
    verdicts = [truth["verdict"] for several in truths for truth in several]
    assert sum(v in ("wrong", "unknown") for v in verdicts) >= 30
    assert verdicts.count("right") >= 20


@pytest.mark.parametrize(("path", "truth"), [*programs()])
def test_the_verdict_is_true(path: Path, truth: dict[str, Any]):
    options = dict(truth["options"])
    function = options.pop("function", None)
    could_run = truth["verdict"] != "could-not-run"
    seconds = 10.0 if could_run else 3.0  # those that cannot run may be endless: do not wait long
    made = check(path, options or None, function=function, seconds_call=seconds)
    assert made.verdict == truth["verdict"], made.sentence
    named = [
        {finding.mistake.number, *(other.mistake.number for other in finding.alternatives)}
        for finding in made.mistakes
    ]
    assert len(named) == len(truth["catalogue"]), made.sentence
    for number in truth["catalogue"]:
        assert any(number in numbers or numbers & set(truth.get("also", [])) for numbers in named)
