"""``chainrule launch``: train in several processes, and start them again if one fails."""

from pathlib import Path
from typing import Annotated

import typer

from chainrule.cli.parsers import whole_number

EXAMPLES = """\b
Examples:
  chainrule launch -n 4 -- train prices.csv --target price
  chainrule launch -n 16 --hosts hosts.txt -- train prices.csv --target price

\b
The file of hosts has a name and a number of processes on each line:
node1:8 (MPICH), or node1 slots=8 (Open MPI). All hosts see the same files in
the same places."""

MOST_RANKS, MOST_RESTARTS, MOST_SECONDS = 2**16, 10**6, 10**6

Ranks = Annotated[
    int,
    typer.Option(
        "-n",
        "--ranks",
        parser=whole_number(1, MOST_RANKS),
        metavar="N",
        help="The number of processes.",
    ),
]
Hosts = Annotated[
    Path | None,
    typer.Option("--hosts", metavar="FILE", help="The hosts to run on (default: this one)."),
]
Restarts = Annotated[
    int,
    typer.Option(
        "--restarts",
        parser=whole_number(0, MOST_RESTARTS),
        metavar="N",
        help="How often to start again after a failure.",
    ),
]
Timeout = Annotated[
    int,
    typer.Option(
        "--timeout",
        parser=whole_number(1, MOST_SECONDS),
        metavar="SECONDS",
        help="How long a process may not answer before all are started again.",
    ),
]
Command = Annotated[
    list[str],
    typer.Argument(metavar="COMMAND", help="After --: train and its options.", show_default=False),
]


def launch(
    command: Command,
    *,
    ranks: Ranks,
    hosts: Hosts = None,
    restarts: Restarts = 3,
    timeout: Timeout = 60,
) -> None:
    """Run chainrule train in several processes with mpiexec.

    If a process fails, is killed or does not answer, all of them are ended, and the run continues
    from its last checkpoint with the same bytes.
    """
    if command[0] != "train":
        raise typer.BadParameter(
            f"{command[0]!r} cannot be launched; give -- train, followed by its options"
        )
    from chainrule.cli.launching import Job, watch

    raise typer.Exit(watch(Job(tuple(command[1:]), ranks, hosts, restarts, timeout)))
