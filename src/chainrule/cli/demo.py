"""``chainrule demo``: the 2-2-2 example worked out, and a network trained on handwritten digits.

This file is the order of things; what is shown is made in chainrule.explanation and in digits.py.
"""

from typing import Annotated

import typer

from chainrule.cli.options import MOST_SEEDS, whole


def demo(
    *,
    seed: Annotated[
        int,
        typer.Option(
            callback=whole(0, MOST_SEEDS),
            metavar="N",
            help="Draw the first weights and the orders from N.",
        ),
    ] = 0,
) -> None:
    """Show a network worked out, and one that learns to read.

    The second part trains on the handwritten digits that scikit-learn brings, for some seconds. The
    exit code is 1 if the network then reads fewer than 97% of those held out.
    """
    from chainrule.cli import digits
    from chainrule.cli.output import say, show
    from chainrule.explanation import explain_problem
    from chainrule.problems import problem

    example = explain_problem(problem("mazur"))
    show(lambda console: example.print(console, compact=True))
    accuracy = digits.learn(seed)
    if accuracy < digits.ENOUGH:
        say(f"Failed: {accuracy:.1%} is less than {digits.ENOUGH:.0%}.")
        raise typer.Exit(1)
