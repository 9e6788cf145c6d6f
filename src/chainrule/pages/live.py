"""What makes a page live: the style, data and script that stand in its HTML file.

The package that makes them, the live page, comes after the documents in the import order, because
it exports what they are made of. So it is loaded here by its name, when a page is written.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any, Protocol, cast

from chainrule.visible import visible_json

MAKER = "chainrule.explorer"
ID = "live"  # of the element that the script fills; no anchor of a document begins with it
# Unpacks the texts, each in its own element, and adds the script to the page. The policy has the
# hash of the script, so that no other can run in its place.
LOADER = """
const unpack = async (element) => {
const bytes = Uint8Array.from(atob(element.textContent), (c) => c.charCodeAt(0));
const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
element.textContent = await new Response(stream).text();
};
await Promise.all([...document.querySelectorAll("script[type='text/plain']")].map(unpack));
const script = document.createElement("script");
script.type = "module";
script.textContent = document.getElementById("live-script").textContent;
document.head.append(script);
"""


@dataclass(frozen=True)
class Live:
    """What is added to the HTML file of a document.

    Parameters
    ----------
    style : str
        A style sheet.
    data : mapping of str to str
        JSON texts by name; the id of each element is `ID`, a hyphen, and the name.
    packed : mapping of str to str
        The same for texts that are the same on every page, which stand there compressed.
    script : str
        The text of one module, which stands there compressed, too.
    """

    style: str
    data: Mapping[str, str]
    packed: Mapping[str, str]
    script: str

    @property
    def scripts(self) -> tuple[str, str]:
        """The texts that the browser may run: what unpacks the script, and the script."""
        return LOADER, self.script

    def elements(self) -> Iterator[str]:
        """Yield the elements of the data and of the script."""
        for name, text in self.data.items():
            yield f'<script type="application/json" id="{ID}-{name}">{text}</script>'
        for name, text in {**self.packed, "script": self.script}.items():
            yield f'<script type="text/plain" id="{ID}-{name}">{packed(text)}</script>'
        yield f'<script type="module">{LOADER}</script>'


class Maker(Protocol):
    """The package that makes documents live."""

    def live_parts(self, document: Any) -> Live:
        """Return what makes the page of a document live."""
        ...


def live_parts(document: Any) -> Live:
    """Return what makes the page of a document live."""
    return cast("Maker", import_module(MAKER)).live_parts(document)


def json_text(value: Any) -> str:
    """Return a value as JSON that cannot end a script element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return visible_json(text).replace("<", "\\u003c")


@lru_cache(maxsize=8)
def packed(text: str) -> str:
    """Return a text compressed, as base 64."""
    deflate = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return base64.b64encode(deflate.compress(text.encode()) + deflate.flush()).decode()


def policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Return the content security policy of a page: its own styles and scripts, and no request."""
    rules = ["default-src 'none'", f"style-src {_hashes(styles)}"]
    if hashes := _hashes(scripts):
        rules += [f"script-src {hashes}", "img-src data: blob:"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
