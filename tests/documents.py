"""How the examples in Markdown documents are run.

A ``python`` block is executed, and a ``pycon`` block is compared, within its document. A
``console`` block whose first line starts with ``$ chainrule `` is run command by command, in a
folder of the document's own: by a shell, or in this process if it needs neither a shell nor a
process of its own, whose start would take most of the time. Blocks of other languages are only
read.
"""

import contextlib
import io
import os
import shlex
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

from sybil import Document, Example, Region, Sybil
from sybil.evaluators.doctest import DocTestEvaluator
from sybil.parsers.abstract.doctest import DocTestStringParser
from sybil.parsers.myst import CodeBlockParser, PythonCodeBlockParser

from chainrule.cli import main

PROMPT = "$ "
IN_PROCESS = ("explain", "explore", "check", "schema", "train", "export")
OF_THE_SHELL = frozenset("|&;<>$`(){}*?!#~\n")


def matches(shown: list[str], printed: list[str]) -> bool:
    """Say whether the lines are the same; a shown line ``...`` stands for any run of lines."""
    if not shown:
        return not printed
    if shown[0] == "...":
        return any(matches(shown[1:], printed[i:]) for i in range(len(printed) + 1))
    return bool(printed) and shown[0] == printed[0] and matches(shown[1:], printed[1:])


def lines(text: str) -> list[str]:
    """Split into lines, without spaces at their ends or empty lines at the end."""
    return [line.rstrip() for line in text.rstrip().splitlines()]


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    r"""Yield each command of a console block, with the lines shown after it.

    A command goes on in the next line after a backslash.
    """
    for part in f"\n{block}".split(f"\n{PROMPT}")[1:]:
        command, _, shown = part.replace("\\\n", "\0").partition("\n")
        yield command.replace("\0", "\\\n"), lines(shown.replace("\0", "\\\n"))


def fault(command: str, shown: list[str], done: subprocess.CompletedProcess[str]) -> str | None:
    """Say what is wrong with the outcome of a command, or None.

    Where nothing is shown, the command only has to succeed. What is shown is its standard output,
    or, of a command that prints nothing there, its standard error.
    """
    printed = lines(done.stdout) or lines(done.stderr)
    crashed = "Traceback (most recent call last)" in done.stderr or done.returncode < 0
    if crashed or (done.returncode and not shown):
        return f"{command}\nfailed with exit code {done.returncode}:\n{done.stderr}"
    if shown and not matches(shown, printed):
        return "\n".join([command, "prints:", *printed, "but the document shows:", *shown])
    return None


def run_example(example: Example) -> str | None:
    """Run a console block where it is about chainrule."""
    return run_block(example.parsed) if example.parsed.startswith(f"{PROMPT}chainrule ") else None


def run_block(block: str) -> str | None:
    """Run the commands of a console block; each sees the exit code of the one before as ``$?``."""
    code = 0
    for command, shown in commands(block):
        words = words_of(command)
        done = run_here(words) if words else run(f"(exit {code})\n{command}")
        if wrong := fault(command, shown, done):
            return wrong
        code = done.returncode
    return None


def words_of(command: str) -> list[str]:
    """Return the words of a command that can be run in this process, or none."""
    if OF_THE_SHELL & set(command.replace("\\\n", "")):
        return []
    words = shlex.split(command)
    return words if words[:1] == ["chainrule"] and words[1:2] and words[1] in IN_PROCESS else []


def run_here(words: list[str]) -> subprocess.CompletedProcess[str]:
    """Run a command in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words[1:])
    printed = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return subprocess.CompletedProcess(words, code, *printed)


def run(command: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a shell that finds this environment's scripts first."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "-c", command],  # noqa: S607  the reader's shell, wherever it is
        env={**os.environ, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=600,
        check=False,
    )


def pycon_blocks(document: Document) -> Iterable[Region]:
    """Find the prompts in ``pycon`` blocks."""
    prompts = DocTestStringParser(DocTestEvaluator())
    for block in CodeBlockParser("pycon", evaluator=lambda _: None)(document):
        for prompt in prompts(block.parsed, document.path):
            prompt.adjust(block, block.parsed)
            yield prompt


DOCUMENTS = Sybil(
    parsers=[
        PythonCodeBlockParser(),
        pycon_blocks,
        CodeBlockParser("console", evaluator=run_example),
    ],
    path=str(Path(__file__).parents[1]),
    pattern="*.md",
    fixtures=["document_folder"],
)
