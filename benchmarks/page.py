"""``python -m benchmarks.page``: sizes and speed of the live page, in Chromium and in node.

``--long`` also trains for ten minutes, and prints the memory at the start and at the end.
``--modules`` prints instead how much larger each module makes the script.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np

from chainrule import SGD, explain, explain_problem, mlp, problem
from chainrule.explorer.build import script, script_parts, tables_text
from chainrule.explorer.packing import packed
from chainrule.explorer.tables import tables
from tests.conftest import BROWSERS, FLAGS
from tests.explorer.node import node

PROGRAM = Path(__file__).with_name("page.mjs")
OPENED, STEPS, SECONDS, MINUTES = 7, 60, 4, 10
UPDATES = "100000"

# Notes when the picture was first on the screen: a frame after the one that has drawn it.
FIRST_PICTURE = """
new MutationObserver((_, observer) => {
  if (!document.querySelector(".network-picture")) return;
  observer.disconnect();
  const after = () => void (window.pictured ??= performance.now());
  requestAnimationFrame(() => setTimeout(after));
}).observe(document, { childList: true, subtree: true });
"""
# Notes for each key how long it took until the frame after it was painted.
LATENCIES = """() => {
  window.latencies = [];
  const listen = (event) => requestAnimationFrame(() => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => latencies.push(performance.now() - event.timeStamp);
    port2.postMessage(0);
  });
  addEventListener("keydown", listen, { capture: true });
}"""
# Counts frames for so many milliseconds.
FRAMES = """(time) => new Promise((done) => {
  const begun = performance.now();
  let frames = 0;
  const next = () => {
    const passed = performance.now() - begun;
    if (passed < time) requestAnimationFrame(next), frames++;
    else done((1000 * frames) / passed);
  };
  requestAnimationFrame(next);
})"""

Visit = Callable[[str], Any]


def main() -> None:
    """Print every figure, with what is asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=__doc__)
    parser.add_argument("--long", action="store_true", help=f"train for {MINUTES} minutes, too")
    parser.add_argument("--modules", action="store_true", help="print the size of each module")
    arguments = parser.parse_args()
    if arguments.modules:
        print_modules()
        return
    for name, value, asked in sizes():
        say(name, f"{value / 1000:.1f} kB", asked)
    with browser() as visit:
        small = explain_problem(problem("mazur")).to_html()
        say("first picture of the 2-2-2 file", first_picture(visit, small), "at most 500 ms")
        say("a step, from key to paint", latency(visit(small)), "below 30 ms")
        say("frames while XOR trains", frames(visit(small)), "60 a second")
        say("updates of 784-128-10, batch 32, drawn", updates(visit(large())), "5 a second")
        if arguments.long:
            say(f"memory in {MINUTES} minutes of training", memory(visit(small)), "no growth")
    print("\nIn node, without a page:")
    given = json.dumps(tables())
    subprocess.run([node(), str(PROGRAM)], input=given, text=True, check=True)  # noqa: S603 (our own program)


def say(name: str, value: str, asked: str = "") -> None:
    """Print a line of the table."""
    print(f"{name:<42}{value:<44}{f'asked: {asked}' if asked else ''}".rstrip(), flush=True)


def sizes() -> Iterator[tuple[str, int, str]]:
    """Yield the sizes of the file and its parts in bytes, with what is asked."""
    page = len(explain_problem(problem("mazur")).to_html().encode())
    yield "page of the 2-2-2 example", page, "at most 250 kB"
    for name, text, asked in (
        ("script", script(), "at most 60 kB"),
        ("tables", tables_text(), ""),
    ):
        yield name, len(text.encode()), ""
        yield f"{name}, compressed, as text", len(packed(text)), asked


def print_modules() -> None:
    """Print for each module its letters, and how much it adds to the compressed script in bytes."""
    parts = script_parts()
    whole = len(packed("\n".join(parts.values())))
    added = {
        name: whole - len(packed("\n".join(part for other, part in parts.items() if other != name)))
        for name in parts
    }
    for name in sorted(added, key=lambda name: -added[name]):
        print(f"{name:<16}{len(parts[name]):>7,}{added[name]:>7,}")
    shared = whole - sum(added.values())
    print(f"{'together':<16}{len(script()):>7,}{whole:>7,}, of which several share {shared:,}")


def large() -> str:
    """Return the page of a large network with a batch of 32."""
    rng = np.random.default_rng(0)
    network = mlp(784, 128, 10, activation="relu", loss="softmax-cross-entropy")
    data = rng.random((32, 784)), rng.integers(0, 10, 32)
    return explain(network, network.initialize(0), *data, SGD(0.1), level="summary").to_html()


@contextmanager
def browser() -> Iterator[Visit]:
    """Start a browser; yield a function that opens a page in it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started, tempfile.TemporaryDirectory() as folder:
        path = next(filter(None, map(shutil.which, BROWSERS)), started.chromium.executable_path)
        chromium = started.chromium.launch(executable_path=path, args=FLAGS)

        def visit(html: str) -> Any:
            file = Path(folder) / "page.html"
            file.write_text(html, encoding="utf-8")
            page = chromium.new_context(viewport={"width": 1280, "height": 900}).new_page()
            page.add_init_script(FIRST_PICTURE)
            page.goto(file.as_uri())
            page.wait_for_function("() => window.pictured")
            return page

        yield visit
        chromium.close()


def first_picture(visit: Visit, html: str) -> str:
    """Return how long it takes until the picture is on the screen."""
    times: list[float] = []
    for _ in range(OPENED):
        page = visit(html)
        times.append(page.evaluate("window.pictured"))
        page.context.close()
    return spread(times)


def latency(page: Any) -> str:
    """Return how long a step takes."""
    page.get_by_role("button", name="Step", exact=True).focus()
    page.evaluate(LATENCIES)
    for k in range(STEPS):
        page.keyboard.press("l")
        page.wait_for_function("k => latencies.length > k", arg=k)
    return spread(page.evaluate("latencies"))


def spread(times: list[float]) -> str:
    """Return a median and a range in milliseconds."""
    return f"{statistics.median(times):.0f} ms ({min(times):.0f} to {max(times):.0f})"


def frames(page: Any) -> str:
    """Return how many frames a second there are while XOR trains, and with how many updates."""
    begin_xor(page)
    before = count(page)
    rate = page.evaluate(FRAMES, 1000 * SECONDS)
    return f"{rate:.0f} a second, with {(count(page) - before) / SECONDS:.0f} updates"


def begin_xor(page: Any) -> None:
    """Train XOR with all its pictures."""
    page.get_by_role("tab", name="Data").click()
    page.get_by_label("Preset", exact=True).select_option("xor")
    page.get_by_role("tab", name="Learning").click()
    page.get_by_label("Updates", exact=True).select_option(UPDATES)
    page.get_by_role("button", name="Train").click()


def count(page: Any) -> int:
    """Return how many updates were made."""
    return int(page.locator("#live .where").inner_text().split()[1])


def updates(page: Any) -> str:
    """Return how many updates a second are made while they are drawn."""
    page.get_by_label("by", exact=True).select_option("update")
    page.get_by_label("speed", exact=True).select_option("fastest")
    page.get_by_role("button", name="Play").click()
    before = count(page)
    rate = page.evaluate(FRAMES, 1000 * SECONDS)
    return f"{(count(page) - before) / SECONDS:.0f} a second, in {rate:.0f} frames"


def memory(page: Any) -> str:
    """Return the memory at the start and at the end of a long run."""
    session = page.context.new_cdp_session(page)
    begin_xor(page)
    page.wait_for_timeout(10_000)
    first, begun = heap(session), monotonic()
    while monotonic() - begun < 60 * MINUTES:
        page.wait_for_timeout(10_000)
        if page.get_by_role("button", name="Train").count():
            page.get_by_role("button", name="Train").click()
    return f"{first:.1f} MB, then {heap(session):.1f} MB, {count(page):,} updates"


def heap(session: Any) -> float:
    """Return the megabytes in use after a collection of garbage."""
    for _ in range(2):
        session.send("HeapProfiler.collectGarbage")
    return session.send("Runtime.getHeapUsage")["usedSize"] / 1e6


if __name__ == "__main__":
    main()
