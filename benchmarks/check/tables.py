"""Count scores in tables: as plain text for a terminal, and in Markdown for docs/benchmarks.md."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from benchmarks.check.programs import ProgramResult
from benchmarks.check.scores import Score
from chainrule.diagnosis.catalogue import MISTAKES

COLUMNS = ("named", "one of", "ambiguous", "unknown", "misnamed", "right")
GOOD = ("named", "one of")


def table(head: Sequence[str], rows: Iterable[Sequence[object]], *, words: int = 1) -> str:
    """Return a table as plain text; all columns but the first `words` are right-aligned."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            c.ljust(w) if i < words else c.rjust(w)
            for i, (c, w) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def markdown(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in (head, rule, *rows))


def share(part: int, whole: int) -> str:
    """Return a share with three decimals, never rounded up to 1."""
    if not whole:
        return "–"
    value = part / whole
    return f"{value:.3f}" if part == whole or round(value, 3) < 1 else "0.999"


def times(seconds: Iterable[float]) -> str:
    """Return the median and the largest of some times."""
    known = sorted(seconds)
    return f"{statistics.median(known):.1f}, {known[-1]:.1f}" if known else "–"


# ---- programs ------------------------------------------------------------------------------------

VERDICTS = ("wrong", "right", "unknown", "could-not-run")


def of_programs(found: Sequence[ProgramResult]) -> str:
    """Return the counts of verdicts on programs, for each true verdict."""
    head = ("programs", "all", "as expected", *(f"called {v}" for v in VERDICTS))
    rows = []
    for verdict in VERDICTS:
        these = [j for j in found if j.program.verdict == verdict]
        count_of = Counter(j.verdict for j in these)
        expected = sum(j.as_expected for j in these)
        rows.append((verdict, len(these), expected, *(count_of[v] for v in VERDICTS)))
    return table(head, rows)


def unexpected(found: Sequence[ProgramResult]) -> str:
    """Return the programs with a wrong result, one on each line."""
    lines = (
        f"  {j.program.path.parent.name}/{j.program.path.name}: {j.program.verdict}"
        f" {list(j.program.numbers)} -> {j.verdict} {[list(n) for n in j.named]}"
        f" ({j.seconds:.1f} s) {j.sentence}"
        for j in found
        if not j.as_expected
    )
    return "\n".join(lines)


SUMMARY = ("recall", "precision", "unknown", "false accusations", "seconds: median, most")


def summary_of_programs(found: Sequence[ProgramResult]) -> tuple[str, ...]:
    """Return recall, precision, unknowns, false accusations and times."""
    wrong = [j for j in found if j.program.verdict == "wrong"]
    right = [j for j in found if j.program.verdict == "right"]
    return (
        _counted(sum(j.recalled for j in wrong), len(wrong)),
        _counted(sum(j.true for j in found), sum(len(j.named) for j in found)),
        str(sum(j.verdict == "unknown" for j in wrong)),
        _of(sum(j.verdict in ("wrong", "unknown") for j in right), len(right)),
        times(j.seconds for j in found),
    )


def _counted(part: int, whole: int) -> str:
    return f"{share(part, whole)} ({part} of {whole})"


def _of(part: int, whole: int) -> str:
    return f"{part} of {whole}"


# ---- reproduced mistakes -------------------------------------------------------------------------


def by_entry(found: Sequence[Score]) -> str:
    """Return the counts of outcomes for each entry of the catalogue."""
    head = ("no.", "id", "made", *COLUMNS, "other", "invisible", "convention", "false verdicts")
    rows = []
    for entry in sorted(MISTAKES.values(), key=lambda m: m.number):
        these = [s for s in found if s.case.id == entry.id]
        count_of = Counter(s.outcome for s in these if s.truth == "wrong")
        truth = Counter(s.truth for s in these)
        other = sum(n for outcome, n in count_of.items() if outcome not in COLUMNS)
        counts = (count_of[c] for c in COLUMNS)
        rows.append(
            (
                entry.number,
                entry.id,
                truth["wrong"],
                *counts,
                other,
                truth["invisible"],
                truth["convention"],
                false_verdicts(these),
            )
        )
    return table(head, rows, words=2)


def false_verdicts(found: Iterable[Score]) -> int:
    """Count the attempts with right numbers and another verdict."""
    return sum(s.truth in RIGHT and s.outcome != "right" for s in found)


RIGHT = ("right", "invisible", "convention")


def summary(found: Sequence[Score]) -> tuple[str, ...]:
    """Return recall, precision, unknowns, false accusations and times of some attempts.

    An alternative that another input could distinguish does not count for the recall, but for
    the precision; attempts that raised an error are not counted.
    """
    wrong = [s for s in found if s.truth == "wrong" and s.outcome != "refused"]
    right = [s for s in found if s.truth in RIGHT]
    count_of = Counter(s.outcome for s in wrong)
    return (
        share(sum(count_of[o] for o in GOOD), len(wrong)),
        share(sum(count_of[o] for o in (*GOOD, "ambiguous")), len(wrong)),
        share(sum(s.true for s in wrong), sum(s.named for s in wrong)),
        str(count_of["unknown"]),
        _of(false_verdicts(right), len(right)),
        times(s.seconds for s in (*wrong, *right)),
    )


HEAD = ("made", "recall", "with “one of”", *SUMMARY[1:])


def by_form(found: Sequence[Score]) -> list[tuple[str, ...]]:
    """Return a row for each form of submission and precision, and one for all."""
    keys = dict.fromkeys((s.case.form, s.case.precision) for s in found)
    groups: list[tuple[str, list[Score]]] = [
        (
            f"{form}, {digits}",
            [s for s in found if (s.case.form, s.case.precision) == (form, digits)],
        )
        for form, digits in sorted(keys, key=_order)
    ]
    return [_row(name, these) for name, these in [*groups, ("all", list(found))]]


def _order(key: tuple[str, str]) -> tuple[int, int]:
    forms = ("gradients", "step", "dW numbers", "W_new numbers")
    return forms.index(key[0]), ("float64", "float32", "6 digits", "4 digits").index(key[1])


def _row(name: str, found: Sequence[Score]) -> tuple[str, ...]:
    made = sum(s.truth == "wrong" and s.outcome != "refused" for s in found)
    return (name, str(made), *summary(found))


def by(found: Sequence[Score], key: Callable[[Score], str]) -> list[tuple[str, ...]]:
    """Return a row for each value of a key."""
    values = dict.fromkeys(key(s) for s in found)
    return [_row(v, [s for s in found if key(s) == v]) for v in values]


def failures(found: Sequence[Score]) -> str:
    """Return the cases with a wrong result, one entry each."""
    good = {"wrong": (*GOOD, "ambiguous", "refused"), **dict.fromkeys(RIGHT, ("right",))}
    lines = (
        f"  {s.truth} -> {s.outcome} ({s.seconds:.1f} s): {s.case}\n      {s.summary[:300]}"
        for s in found
        if s.truth in good and s.outcome not in good[s.truth]
    )
    return "\n".join(lines)
