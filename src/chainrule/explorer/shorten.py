"""Shortens scripts: without spaces that they can do without, and with short names of variables.

Names of properties stay, because the browser and the exported tables know them too. Of variables,
those that the scripts declare are renamed; scopes that do not use each other's variables use the
same short names again, which compresses well.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from string import ascii_lowercase, ascii_uppercase
from typing import TypeVar

from chainrule.explorer.declarations import Scope, scopes
from chainrule.explorer.tokens import Token, tokens
from chainrule.explorer.variables import ROLE_SHORTHAND, roles

KEYWORDS = frozenset(("as", "do", "if", "in", "is", "of"))  # of two letters
LETTERS = ascii_uppercase + ascii_lowercase  # properties have few capitals: these compress better
OPEN_ENDS = frozenset("{;,([=+-*&|?:<>!^%~")  # signs after which a line goes on
OPEN_STARTS = frozenset(")],.;?:=&|}")  # signs before which a line goes on

Key = TypeVar("Key", str, tuple[str, str])


class Module:
    """A module's tokens, and the scopes of its variables.

    Parameters
    ----------
    script : str
        Without comments, imports and exports.
    name : str
        No other module has it.
    imported : mapping of str to tuple of str, optional
        The name of the module and the name there, for each variable that the module imports.

    Raises
    ------
    ValueError
        If a part of the script is not known.
    """

    def __init__(
        self, script: str, name: str = "", imported: Mapping[str, tuple[str, str]] | None = None
    ) -> None:
        self.parts = tokens(script)
        self.code = [token for token in self.parts if token.kind != "space"]
        self.kinds = roles(self.code)
        self.imported = imported or {}
        inner = scopes(self.code, self.kinds)
        own = {n for scope in inner if scope.begin < 0 for n in scope.names}
        self.declared = {(name, variable) for variable in own}
        self.sources = {**{variable: (name, variable) for variable in own}, **self.imported}
        self.top = Scope(-1, len(self.code), set(self.sources))
        self.scopes = [scope for scope in inner if scope.begin >= 0]
        self.owners = _owners(self.code, self.kinds, [self.top, *self.scopes])

    def unknown(self) -> set[str]:
        """Return the variables that the module uses and does not declare: those of the browser."""
        every = zip(self.code, self.kinds, self.owners, strict=True)
        return {token.text for token, kind, owner in every if kind and owner is None}

    def texts(self) -> Iterator[str]:
        """Yield the text of each token, with short names of variables."""
        for token, kind, owner in zip(self.code, self.kinds, self.owners, strict=True):
            short = owner.short[token.text] if owner else token.text
            is_pair = kind == ROLE_SHORTHAND and short != token.text
            yield f"{token.text}:{short}" if is_pair else short


def shortened(modules: Sequence[Module], local: Iterable[str] = ()) -> list[str]:
    """Return the parts of a script that does the same in few characters, one for each module.

    Parameters
    ----------
    modules : sequence of Module
    local : iterable of str, optional
        Names that only scopes inside of functions use: these then need few, again and again.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If a module imports what another does not declare.
    """
    shared = _shared_names(modules, local)
    for module in modules:
        module.top.short = {name: shared[source] for name, source in module.sources.items()}
        for scope in module.scopes:
            scope.short = _short_names(module, scope)
    return ["".join(_written(m.parts, m.texts())) for m in modules]


def _shared_names(modules: Iterable[Module], local: Iterable[str]) -> dict[tuple[str, str], str]:
    """Return the short names of the variables of modules, which all modules may use."""
    own: dict[tuple[str, str], str] = {}
    for module in modules:
        for token, owner in zip(module.code, module.owners, strict=True):
            if owner is module.top:
                own[module.sources[token.text]] = ""
    declared = {source for module in modules for source in module.declared}
    for name, variable in own.keys() - declared:
        raise ValueError(f"{name}.mjs declares no {variable!r}")
    taken = KEYWORDS.union(local, *(module.unknown() for module in modules))
    return _numbered(own, taken)


def _short_names(module: Module, scope: Scope) -> dict[str, str]:
    """Return the short names of a scope's variables, which it can use with those from around it."""
    part = slice(scope.begin, scope.end + 1)
    own: dict[str, str] = {}
    taken: set[str] = {*KEYWORDS}
    for token, kind, owner in zip(
        module.code[part], module.kinds[part], module.owners[part], strict=True
    ):
        if owner is scope:
            own[token.text] = ""
        elif kind and (owner is None or owner.short):
            taken.add(owner.short[token.text] if owner else token.text)
    return _numbered(own, taken)


def _numbered(own: Iterable[Key], taken: Container[str]) -> dict[Key, str]:
    """Return a free short name for each variable, in the order of their use."""
    return dict(zip(own, (name for name in _names() if name not in taken), strict=False))


def _owners(
    code: Sequence[Token], kinds: Sequence[str], found: Sequence[Scope]
) -> list[Scope | None]:
    """Return the scope that declares each variable; None for other tokens."""
    owners: list[Scope | None] = []
    waiting = list(reversed(found))
    around: list[Scope] = []
    for i, (token, kind) in enumerate(zip(code, kinds, strict=True)):
        while around and around[-1].end < i:
            around.pop()
        while waiting and waiting[-1].begin <= i:
            around.append(waiting.pop())
        known = (scope for scope in reversed(around) if token.text in scope.names)
        owners.append(next(known, None) if kind else None)
    return owners


def _names() -> Iterator[str]:
    for length in count(1):
        yield from map("".join, product(LETTERS, repeat=length))


def _written(parts: Iterable[Token], texts: Iterator[str]) -> Iterator[str]:
    """Yield the texts of tokens, and the spaces that are necessary between them."""
    before, space = "", ""
    for token in parts:
        if token.kind == "space":
            space = token.text
            continue
        text = next(texts)
        yield _between(before, space, text) if before and space else ""
        yield text
        before, space = text, ""


def _between(before: str, space: str, after: str) -> str:
    """Return what remains of a space between two tokens."""
    end, start = before[-1:], after[:1]
    if _is_word(end) and _is_word(start):
        return "\n" if "\n" in space else " "
    if end in "+-" and end == start:
        return " "
    ends_line = "\n" in space and end not in OPEN_ENDS and start not in OPEN_STARTS
    return "\n" if ends_line else ""


def _is_word(sign: str) -> bool:
    return sign.isalnum() or sign in ("_", "$", "#")
