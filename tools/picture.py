"""Draws the README's picture, an animated step of the 2-2-2 network, into docs/mazur.svg.

The picture is that of the live page, at some places of the step. ``python -m tools.picture`` writes
it, and a test in tests/explorer compares the file. It needs Playwright and a Chromium.
"""

import re
import shutil
from collections.abc import Iterator
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from chainrule import explain
from chainrule.explorer.build import style

FILE = Path(__file__).parents[1] / "docs" / "mazur.svg"
# How many numbers of the step each frame shows; the last frame shows the whole step for longer.
FRAMES = [1, 2, 3, 4, 6, 8, 11, 13, 15, 17, 19, 21, 22, 23, 24, 25, 27, 29, 30, 31, 33, 35, 39, 43]
STILL = FRAMES.index(25)  # where no animation is shown: a gradient with the paths that reach it
SECONDS, LAST = 1.0, 3  # of a frame, and how many of them the last one takes
SVG = "http://www.w3.org/2000/svg"
TITLE = (
    "<title>A training step of a network of two inputs, two hidden units and two outputs: "
    "values flow forward, derivatives flow back, and each weight changes</title>"
)
STAGES = {"forward": "Forward pass", "error": "Error", "backward": "Backward pass"}
BLOCK = r"[^{}]*\{(?:[^{}]|\{[^{}]*\})*\}"
RULE, QUERY = rf"^(?:\.network-picture|@keyframes){BLOCK}", rf"@media{BLOCK}"
# Returns the parts of the picture, without what only a reader of the page needs.
PARTS = """() => {
  const copy = document.querySelector(".network-picture").cloneNode(true);
  copy.querySelectorAll(".hit, text:empty, g:empty").forEach((e) => e.remove());
  copy.querySelectorAll("g:not(.lit) > .flow").forEach((e) => e.remove());
  for (const e of copy.querySelectorAll("*"))
    for (const { name } of [...e.attributes])
      if (/^(aria-|data-|role|tabindex)/.test(name)) e.removeAttribute(name);
  if (copy.dataset.way === "forth")
    copy.querySelectorAll(".lit").forEach((e) => e.classList.add("forth"));
  const { width, height } = copy.viewBox.baseVal;
  const where = document.querySelector(".where").textContent;
  const says = document.querySelector(".says").textContent;
  return { width, height, where, says, parts: [...copy.children].map((e) => e.outerHTML) };
}"""


class Span(NamedTuple):
    """Something that is drawn from one frame to before another."""

    begin: int
    end: int
    drawn: str


def drawn(page: Any) -> str:
    """Return the picture as it is drawn now, in a browser's page that shows the live page."""
    shown = list(frames(page))
    width, height = shown[0]["width"], shown[0]["height"] + 34
    slots = zip(*(frame["parts"] for frame in shown), strict=True)
    spans = [span for slot in slots for span in spans_of(slot)]
    spans += spans_of([caption(frame, width / 2, height - 12) for frame in shown])
    used = sorted({(s.begin, s.end) for s in spans if not always(s)})
    begin = f'<svg xmlns="{SVG}" viewBox="0 0 {width} {height}" class="chainrule network-picture">'
    sheet = f"<style>{rules()}{''.join(map(keyframes, used))}</style>"
    paper = f'<rect class="paper" width="{width}" height="{height}" rx="6" />'
    return "\n".join([begin, TITLE, sheet, paper, *map(element, spans), "</svg>\n"])


def frames(page: Any) -> Iterator[dict[str, Any]]:
    """Yield what the live page shows at each place of the step."""
    step = page.get_by_role("button", name="Step", exact=True)
    step.focus()
    for before, count in zip([0, *FRAMES], FRAMES, strict=False):
        for _ in range(count - before):
            page.keyboard.press("l")
        yield page.evaluate(PARTS)


def spans_of(slot: Any) -> list[Span]:
    """Return the different drawings of one part of the picture, each with its frames."""
    runs = [(text, len(list(run))) for text, run in groupby(map(tidied, slot))]
    ends = [sum(n for _, n in runs[: i + 1]) for i in range(len(runs))]
    return [Span(end - n, end, text) for (text, n), end in zip(runs, ends, strict=True)]


def tidied(markup: str) -> str:
    """Return markup with short numbers, and without classes that are empty."""
    short = re.sub(r"\d+\.\d+(?=\")", lambda found: f"{float(found[0]):.5g}", markup)
    return short.replace(' class=""', "")


def caption(frame: dict[str, Any], x: float, y: float) -> str:
    """Return what a frame shows, in words."""
    stage = next((words for key, words in STAGES.items() if f" {key}" in frame["where"]), "Update")
    return f'<text class="says" x="{x}" y="{y}">{stage}: {frame["says"]}</text>'


def always(span: Span) -> bool:
    return (span.begin, span.end) == (0, len(FRAMES))


def element(span: Span) -> str:
    """Return the markup of a part; without animation, only what the still frame has is seen."""
    if always(span):
        return span.drawn
    hidden = "" if span.begin <= STILL < span.end else ' visibility="hidden"'
    return f'<g style="animation-name:f{span.begin}-{span.end}"{hidden}>{span.drawn}</g>'


def keyframes(frames: tuple[int, int]) -> str:
    """Return the rule that shows a part during some frames."""
    begin, end = (f"{100 * i / (len(FRAMES) + LAST - 1):.2f}%" for i in frames)
    after = "" if frames[1] == len(FRAMES) else f"{end}{{visibility:hidden}}"
    before = "" if frames[0] == 0 else "0%{visibility:hidden}"
    return f"@keyframes f{frames[0]}-{frames[1]}{{{before}{begin}{{visibility:visible}}{after}}}\n"


def rules() -> str:
    """Return the live page's rules for its picture, with the colors of light and dark pages."""
    page = files("chainrule.pages").joinpath("page.css").read_text(encoding="utf-8")
    colors = re.findall(r"\{[^{}]*--cr-ink: #[^{}]*\}", page)
    light, dark = colors[0], colors[-1]
    seconds = SECONDS * (len(FRAMES) + LAST - 1)
    return "\n".join(
        [
            f".chainrule{light}",
            f"@media (prefers-color-scheme: dark){{.chainrule{dark}}}",
            *re.findall(RULE, re.sub(QUERY, "", style()), flags=re.MULTILINE),
            ".paper{fill:var(--cr-paper)}.network-picture .says{font-size:15px;font-weight:600}",
            ".network-picture .forth > .flow{animation-name:flow-forth}",
            f"g{{animation:{seconds}s step-end infinite}}",
            "@media (prefers-reduced-motion: reduce){g,.lit>.flow{animation:none!important}}",
            "",
        ]
    )


def main() -> None:
    """Write the picture."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as started:
        path = shutil.which("chromium")
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.set_content(explain("mazur").explore().to_html())
        page.wait_for_selector("#live:not([hidden])", state="attached")
        FILE.write_text(drawn(page), encoding="utf-8")


if __name__ == "__main__":
    main()
