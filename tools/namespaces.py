"""Hosts for tests on one machine: network namespaces with addresses of their own; root only."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

NAMES = (f"chain{os.getpid()}a", f"chain{os.getpid()}b")  # of this process alone
ADDRESSES = ("10.77.0.1", "10.77.0.2")
LINKS = (f"link{os.getpid()}a", f"link{os.getpid()}b")
ON_FIRST = ("ip", "netns", "exec", NAMES[0])  # begins the line of a command on the first host


def run(*line: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run a command of the system."""
    return subprocess.run(line, check=check, capture_output=True, text=True)


@contextlib.contextmanager
def two_hosts(folder: Path) -> Iterator[dict[str, str]]:
    """Make two connected hosts, and give the environment in which mpiexec runs on both.

    The folder gets the file ``hosts`` for mpiexec, and a program that stands for ssh.
    """
    write_files(folder)
    try:
        connect()
        yield {
            "HYDRA_LAUNCHER": "ssh",
            "HYDRA_LAUNCHER_EXEC": str(folder / "remote.sh"),
            "HYDRA_IFACE": LINKS[0],
            # Or they would share memory, as processes of one machine.
            "MPIR_CVAR_NOLOCAL": "1",
            "FI_PROVIDER": "tcp",
            "UCX_TLS": "tcp,self",
        }
    finally:
        for name in NAMES:
            run("ip", "netns", "del", name, check=False)


def write_files(folder: Path) -> None:
    """Write what mpiexec needs to start processes on the hosts."""
    script = folder / "remote.sh"
    pairs = zip(NAMES, ADDRESSES, strict=True)
    cases = "".join(f"  *{address}) name={name};;\n" for name, address in pairs)
    script.write_text(
        '#!/bin/sh\nwhile [ "${1#-}" != "$1" ]; do shift; done\n'
        f'case $1 in\n{cases}esac\nshift\nexec ip netns exec $name sh -c "$*"\n'
    )
    script.chmod(0o755)
    (folder / "hosts").write_text("".join(f"{address}:1\n" for address in ADDRESSES))


def connect() -> None:
    """Make the namespaces, and the link between them."""
    for name in NAMES:
        run("ip", "netns", "add", name)
    peer = ("peer", "name", LINKS[1], "netns", NAMES[1])
    run("ip", "link", "add", LINKS[0], "netns", NAMES[0], "type", "veth", *peer)
    for name, address, link in zip(NAMES, ADDRESSES, LINKS, strict=True):
        run("ip", "-n", name, "addr", "add", f"{address}/24", "dev", link)
        run("ip", "-n", name, "link", "set", link, "up")
        run("ip", "-n", name, "link", "set", "lo", "up")


def shape(gigabits: float, milliseconds: float) -> bool:
    """Limit the link to so many gigabits a second, with a delay in each direction.

    Returns whether there is a delay: some kernels can only limit the rate.
    """
    rate = ("rate", f"{gigabits:g}gbit")
    delayed = ("netem", *rate, "delay", f"{milliseconds:g}ms", "limit", "100000")
    if all(_set_queue(host, delayed) for host in range(2)):
        return True
    for host in range(2):
        if not _set_queue(host, ("tbf", *rate, "burst", "1mb", "latency", "50ms")):
            raise OSError("tc cannot limit the rate of a link on this machine")
    return False


def _set_queue(host: int, queue: tuple[str, ...]) -> bool:
    """Set how a host sends packets; return whether the kernel can do that."""
    where = ("ip", "netns", "exec", NAMES[host], "tc", "qdisc", "replace", "dev", LINKS[host])
    return not run(*where, "root", *queue, check=False).returncode


def set_link(host: int, state: str) -> None:
    """Set a host's end of the link ``"up"`` or ``"down"``."""
    run("ip", "-n", NAMES[host], "link", "set", LINKS[host], state)
