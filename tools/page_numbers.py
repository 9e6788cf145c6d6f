"""Compares the numbers of the live page with those of Python, and prints how much they differ.

``python -m tools.page_numbers`` prints a row for each kind of registered entry, with ``--full`` one
for all products of activations, losses, optimizers and clippings. It needs node.
"""

import sys
from typing import Any

from chainrule import ACTIVATIONS
from tests.explorer.test_evaluator import ENTRIES, compared, products

Rows = list[dict[str, Any]]


def main() -> None:
    """Print the table."""
    print("| what varies | cases | numbers | of them equal | largest difference | where |")
    print("| --- | --- | --- | --- | --- | --- |")
    for kind, cases in ENTRIES.items():
        print(row(kind, compared(cases())))
    if "--full" in sys.argv:
        every = [[make() for make in products(a)] for a in ACTIVATIONS]
        print(row("all products", [r for cases in every for r in compared(cases)]))


def row(kind: str, found: Rows) -> str:
    """Return one row of the table; differences are relative to the largest term of a sum."""
    faults = [case["error"] for case in found if case["error"]]
    if faults:
        return f"| {kind} | {len(found)} | error: {faults[0]} |"
    worst = max(found, key=lambda case: case["worst"])
    numbers, equal = (sum(case[key] for case in found) for key in ("numbers", "identical"))
    where = f"{worst['name']}: {worst['where']}"
    share = f"{100 * equal / numbers:.1f} %"
    return f"| {kind} | {len(found)} | {numbers:,} | {share} | {worst['worst']:.1e} | {where} |"


if __name__ == "__main__":
    main()
