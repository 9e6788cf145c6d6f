"""What makes a page live: the style, data and script that stand in its HTML file.

The package that makes them, the live page, comes after the documents in the import order, because
it exports what they are made of. So it is loaded here by its name, when a page is written.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Protocol, cast

from chainrule.visible import visible_json

MAKER = "chainrule.explorer"
ID = "live"  # of the element that the script fills; no anchor of a document begins with it


@dataclass(frozen=True)
class Live:
    """What is added to the HTML file of a document.

    Parameters
    ----------
    style : str
        The text of the style sheet that the loader adds, which is among the packed texts.
    data : mapping of str to str
        JSON texts by name; the id of each element is `ID`, a hyphen, and the name.
    packed : mapping of str to str
        Texts by name that are the same on every page, packed; among them the style and the script.
    loader : str
        The text of the module that unpacks these texts, adds the style and starts the script.
    script : str
        The text of the script, as it is when it runs.
    """

    style: str
    data: Mapping[str, str]
    packed: Mapping[str, str]
    loader: str
    script: str

    @property
    def scripts(self) -> tuple[str, str]:
        """The texts that the browser may run."""
        return self.loader, self.script

    def elements(self) -> Iterator[str]:
        """Yield the elements of the data and of the scripts."""
        for name, text in self.data.items():
            yield f'<script type="application/json" id="{ID}-{name}">{text}</script>'
        for name, text in self.packed.items():
            yield f'<script type="text/plain" id="{ID}-{name}">{text}</script>'
        yield f'<script type="module">{self.loader}</script>'


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


def policy(styles: Iterable[str], scripts: Iterable[str]) -> str:
    """Return the content security policy of a page: its own styles and scripts, and no request."""
    rules = ["default-src 'none'", f"style-src {_hashes(styles)}"]
    if hashes := _hashes(scripts):
        rules += [f"script-src {hashes}", "img-src data: blob:"]
    return "; ".join([*rules, "base-uri 'none'", "form-action 'none'"])


def _hashes(texts: Iterable[str]) -> str:
    digests = (hashlib.sha256(text.encode()).digest() for text in texts)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
