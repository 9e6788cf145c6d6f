"""``chainrule demo``: work out the 2-2-2 example, and train a network on handwritten digits."""

from typing import Annotated

import typer

from chainrule.cli.parsers import MOST_SEEDS, whole_number


def demo(
    *,
    seed: Annotated[
        int,
        typer.Option(
            parser=whole_number(0, MOST_SEEDS),
            metavar="N",
            help="The seed of the random weights and of the order of samples.",
        ),
    ] = 0,
) -> None:
    """Work out one training step, then train a network to read digits.

    The second part trains for a few seconds on the handwritten digits of scikit-learn. The exit
    code is 1 if the accuracy on held-out digits is below 97%.
    """
    from chainrule.cli import digits
    from chainrule.cli.output import say, show
    from chainrule.explanation import explain_problem
    from chainrule.problems import problem

    example = explain_problem(problem("mazur"))
    show(lambda console: example.print(console, compact=True))
    accuracy = digits.learn(seed)
    if accuracy < digits.ENOUGH:
        say(f"Failed: the accuracy of {accuracy:.1%} is below {digits.ENOUGH:.0%}.")
        raise typer.Exit(1)
