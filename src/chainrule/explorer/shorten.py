"""Shortens a script: without spaces that it can do without, and with short names of variables.

Names of properties stay, because the browser and the exported tables know them too. Of variables,
those that the script declares are renamed; scopes that do not use each other's variables use the
same short names again, which compresses well.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count, product

from chainrule.explorer.declarations import Scope, scopes
from chainrule.explorer.tokens import Token, tokens
from chainrule.explorer.variables import ROLE_SHORTHAND, roles

KEYWORDS = frozenset(("as", "do", "if", "in", "is", "of"))  # of two letters
LETTERS = "etnrisoaclupdmfhgvbywxkjqzESTNCLAOMDPHBFIRUWXVJKQGYZ"
OPEN_ENDS = frozenset("{;,([=+-*&|?:<>!^%~")  # signs after which a line goes on
OPEN_STARTS = frozenset(")],.;?:=&|}")  # signs before which a line goes on


def shortened(script: str) -> str:
    """Return a module's text that does the same in fewer characters.

    Parameters
    ----------
    script : str
        Without comments; what it declares is not used outside.

    Returns
    -------
    str

    Raises
    ------
    ValueError
        If a part of the script is not known.
    """
    parts = tokens(script)
    code = [token for token in parts if token.kind != "space"]
    return "".join(_written(parts, _renamed(code)))


def qualified(script: str, imported: Mapping[str, str], ending: str) -> str:
    """Return a module's text with names that do not collide with those of other modules.

    Parameters
    ----------
    script : str
        Without comments, imports and exports.
    imported : mapping of str to str
        The new names of the variables that the module imports.
    ending : str
        What is added to the names of the variables that the module declares itself.

    Returns
    -------
    str
    """
    parts = tokens(script)
    code = [token for token in parts if token.kind != "space"]
    kinds = roles(code)
    found = scopes(code, kinds)
    new = {**imported, **{name: name + ending for s in found if s.begin < 0 for name in s.names}}
    owners = _owners(code, kinds, found)
    texts = (
        _with_name(token, kind, new.get(token.text, token.text))
        if kind and (owner is None or owner.begin < 0)
        else token.text
        for token, kind, owner in zip(code, kinds, owners, strict=True)
    )
    return "".join(token.text if token.kind == "space" else next(texts) for token in parts)


def _renamed(code: Sequence[Token]) -> Iterator[str]:
    """Yield the text of each token, with short names of variables."""
    kinds = roles(code)
    found = scopes(code, kinds)
    owners = _owners(code, kinds, found)
    for scope in found:
        scope.short = _short_names(code, scope, owners)
    for token, kind, owner in zip(code, kinds, owners, strict=True):
        yield _with_name(token, kind, owner.short[token.text]) if owner else token.text


def _with_name(token: Token, kind: str, name: str) -> str:
    """Return the text of a variable with another name."""
    is_pair = kind == ROLE_SHORTHAND and name != token.text
    return f"{token.text}:{name}" if is_pair else name


def _owners(
    code: Sequence[Token], kinds: Sequence[str], found: Sequence[Scope]
) -> list[Scope | None]:
    """Return the scope that declares each variable; None for other tokens."""
    owners: list[Scope | None] = []
    waiting = list(reversed(found))
    around: list[Scope] = []
    for i, (token, kind) in enumerate(zip(code, kinds, strict=True)):
        around = [scope for scope in around if scope.end >= i]
        while waiting and waiting[-1].begin <= i:
            around.append(waiting.pop())
        known = (scope for scope in reversed(around) if token.text in scope.names)
        owners.append(next(known, None) if kind else None)
    return owners


def _short_names(
    code: Sequence[Token], scope: Scope, owners: Sequence[Scope | None]
) -> dict[str, str]:
    """Return the short names of a scope's variables, in the order of their use.

    None is a name that the scope uses from around it.
    """
    begin, end = max(scope.begin, 0), scope.end + 1
    own: dict[str, str] = {}
    taken: set[str] = {*KEYWORDS}
    for token, owner in zip(code[begin:end], owners[begin:end], strict=True):
        if owner is scope:
            own[token.text] = ""
        elif token.kind == "word" and (owner is None or owner.short):
            taken.add(owner.short[token.text] if owner else token.text)
    names = (name for name in _names() if name not in taken)
    return dict(zip(own, names, strict=False))


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
        yield _between(before, space, text) if space else ""
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
