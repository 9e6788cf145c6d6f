"""What can be passed to a function: by the names, keys and lengths that its source shows."""

import heapq
import itertools
import keyword
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from chainrule.submission.joining.matching import MARKS
from chainrule.submission.joining.signatures import Signature, Signatures
from chainrule.submission.joining.wording import Design, roles_of, values_of
from chainrule.submission.values import is_dict, is_sequence

Kind: TypeAlias = Literal["x", "y", "params", "result", "grads", "upstream"]
Stage: TypeAlias = Literal["create", "forward", "backward", "update", "train"]
MOST_CALLS = 24  # ways to call a function that are tried
MOST_TRIED = 2000
COUNTERS = ("t", "i", "it", "iteration", "epoch", "time_step", "timestep", "n_iter")
SIZES = ("list", "hidden list", "inputs", "hidden", "outputs")
LAST, ANY = 4.0, 3.0  # ranks of what hardly fits, and of what is known of nothing
WORD = re.compile(r"\b(?<!\.)[A-Za-z_]\w*")
KNOWN = {
    "x",
    "y",
    "upstream",
    "rate",
    "epochs",
    "off",
    "keep",
    "count",
}  # roles that no result fills
NO_WORDS: Mapping[str, str] = {}
MARKED = frozenset(("_", "self", "np", "X", "Y"))


@dataclass(frozen=True, eq=False)
class Variable:
    """A value that may be passed on.

    Parameters
    ----------
    text : str
        The expression.
    value : object
    kind : {"x", "y", "params", "result", "grads", "upstream"}
    """

    text: str
    value: Any
    kind: Kind

    @property
    def name(self) -> str:
        """The name without what it is an attribute of."""
        return self.text.rpartition(".")[2]


Pool: TypeAlias = Sequence[Variable]


def calls(
    f: Signature,
    pool: Pool,
    design: Design,
    stage: Stage,
    words: Mapping[str, str] = NO_WORDS,
) -> Iterator[str]:
    """Yield the arguments of a function, as Python, the likeliest first.

    Parameters
    ----------
    f : Signature
    pool : sequence of Variable
    design : Design
    stage : {"create", "forward", "backward", "update", "train"}
    words : mapping of str to str
        The words for parameters that take one, such as the name of an activation.
    """
    names = list(f.parameters)
    options = [
        [(0.0, repr(words[name]))]
        if words.get(name) in f.words.get(name, ())
        else _options(f, name, pool, design, stage)
        for name in names
    ]
    more = [] if stage != "backward" else [n for n in f.optional if "y" in roles_of(n)]
    keywords = [f"{n}={v.text}" for n in more[:1] for v in pool if v.kind == "y"]
    if all(options):
        for chosen in itertools.islice(_best_first(options), MOST_CALLS):
            yield ", ".join((*chosen, *keywords))


def _best_first(options: list[list[tuple[float, str]]]) -> Iterator[tuple[str, ...]]:
    """Yield one option for each parameter, in the order of their total rank; none is used twice."""
    ordered = [sorted(o) for o in options]
    words = [[_words(text) for _, text in o] for o in ordered]  # once, not for each combination
    start: tuple[int, ...] = (0,) * len(ordered)
    pending: list[tuple[float, tuple[int, ...]]] = [(sum(o[0][0] for o in ordered), start)]
    seen: set[tuple[int, ...]] = {start}
    for _ in range(MOST_TRIED):
        if not pending:
            return
        total, at = heapq.heappop(pending)
        if _are_distinct([w[i] for w, i in zip(words, at, strict=True)]):
            yield tuple(o[i][1] for o, i in zip(ordered, at, strict=True))
        for k, i in enumerate(at):
            following = (*at[:k], i + 1, *at[k + 1 :])
            if i + 1 < len(ordered[k]) and following not in seen:
                seen.add(following)
                more = ordered[k][i + 1][0] - ordered[k][i][0]
                heapq.heappush(pending, (total + more, following))


def _words(text: str) -> list[str]:
    """Return the names that an expression uses."""
    return [w for w in WORD.findall(text) if w not in ("True", "False", "None")]


def _are_distinct(words: list[list[str]]) -> bool:
    """Return whether no name occurs twice in some lists."""
    return len(set().union(*words)) == sum(map(len, words))


def _options(
    f: Signature, name: str, pool: Pool, design: Design, stage: Stage
) -> list[tuple[float, str]]:
    """Return what a parameter may be, with ranks."""
    if exact := _exact(name, pool):
        return exact
    if keyed := _by_keys(f, name, pool):
        return keyed
    found = [(0.1 * i, repr(word)) for i, word in enumerate(f.words.get(name, ()))]
    if stage == "update" and name.lower() in COUNTERS:
        return [(0.0, "1")]
    roles = roles_of(name)
    if stage != "create" or re.search(rf"\b{name}\.(shape|T)\b", f.text):  # no number
        roles = sorted(roles, key=lambda role: role in SIZES)
    for place, role in enumerate(roles):
        found += _of_role(role, 0.2 + 0.3 * place, pool, design, stage)
    found += _alike(f, name, pool)
    found += _unclaimed(f, roles, pool, stage)
    best: dict[str, float] = {}
    for rank, text in found:
        best[text] = min(rank, best.get(text, rank))
    return [(rank, text) for text, rank in best.items()]


def _unclaimed(
    f: Signature, roles: list[str], pool: Pool, stage: Stage
) -> Iterator[tuple[float, str]]:
    """Yield variables that no other parameter has the name of, the likeliest kinds first."""
    kinds: dict[Stage, tuple[Kind, ...]] = {
        "forward": ("params", "x", "result"),
        "backward": ("result", "params", "y", "x", "upstream"),
        "update": ("grads", "params", "result"),
    }
    claimed = {p.lower() for p in (*f.parameters, *f.optional)}
    for place, kind in enumerate(kinds.get(stage, ())):
        if kind in ("x", "y") and roles:
            continue
        free = [v for v in pool if v.kind == kind and v.name.lower() not in claimed]
        yield from ((ANY + 0.3 * place + 0.01 * i, v.text) for i, v in enumerate(free))


def _exact(name: str, pool: Pool) -> list[tuple[float, str]]:
    """Return the variable of the parameter's name, or the item with this key."""
    same = [v for v in pool if v.name == name] or [v for v in pool if _same(v.name, name)]
    if same:
        return [(0.0, same[-1].text)]
    items = [v for v in pool if is_dict(v.value) and name in v.value and v.kind != "x"]
    return [(0.0, f"{v.text}[{name!r}]") for v in items[-1:]]


def _same(one: str, two: str) -> bool:
    return len(one) > 1 and one.replace("_", "").lower() == two.replace("_", "").lower()


def _by_keys(f: Signature, name: str, pool: Pool) -> list[tuple[float, str]]:
    """Return the dictionaries that have the keys, or beginnings of keys, that a parameter needs."""
    keys, prefixes = f.keys.get(name, set()), f.prefixes.get(name, set())
    if not keys and not prefixes:
        return []
    found: list[tuple[float, str]] = []
    for v in pool:
        own = {str(k) for k in v.value} if is_dict(v.value) else set[str]()
        begun = all(any(k.startswith(p) for k in own) for p in prefixes)
        if own and keys <= own and begun:
            found.append((0.0, v.text))
    return found


def _of_role(
    role: str, rank: float, pool: Pool, design: Design, stage: Stage
) -> Iterator[tuple[float, str]]:
    """Yield the values of a role."""
    yield from ((rank, v.text) for v in pool if v.kind == role)
    if role in SIZES and stage not in ("create", "train"):
        rank = LAST
    for i, text in enumerate(values_of(role, design)):
        yield rank + 0.1 * i, text


def _alike(f: Signature, name: str, pool: Pool) -> Iterator[tuple[float, str]]:
    """Yield variables with a name that begins alike, or of the length of a parameter."""
    for v in pool:
        if v.kind == "upstream":
            continue
        other = v.name.lstrip("(")
        short = min(len(name), len(other), 4)
        if short > 2 and name[:short].lower() == other[:short].lower():
            yield 0.6, v.text
        if is_sequence(v.value) and len(v.value) == f.lengths.get(name):
            yield 0.7, v.text


def target_names(
    f: Signature, signatures: Signatures, value: Any, default: str, taken: set[str]
) -> list[str]:
    """Return names for what a function returns: those of its callers, else its own.

    Parameters
    ----------
    f : Signature
    signatures : Signatures
    value : object
        What it returned.
    default : str
    taken : set of str
        Names that must not be used.
    """
    count = len(value) if isinstance(value, tuple) and len(value) > 1 else 1
    options = [signatures.targets.get(f.name, ()), *f.results]
    fits = [o for o in options if len(o) == count]
    fits += _wanted(f, signatures, count, taken, default)
    names = list(fits[0]) if fits else [""] * count
    for other in fits[1:]:
        names = [a or b for a, b in zip(names, other, strict=True)]
    made: list[str] = []
    for i, name in enumerate(names):
        known = name.isidentifier() and not keyword.iskeyword(name) and name not in MARKED
        fallback = default if count == 1 else f"{default}{i + 1}"
        own = name if known and name not in taken and name not in made else fallback
        made.append(own)
    return made


def _wanted(
    f: Signature, signatures: Signatures, count: int, taken: set[str], default: str
) -> list[tuple[str, ...]]:
    """Return the parameters of other functions that lack exactly as many values."""
    are_grads = default == "grads"
    found: list[tuple[str, ...]] = []
    for other in signatures.functions:
        open_ = [p for p in other.parameters if p not in taken and not set(roles_of(p)) & KNOWN]
        fitting = all(bool(MARKS.search(p)) == are_grads for p in open_)
        creates = other.draws and not any("x" in roles_of(p) for p in other.parameters)
        if other.name == f.name or creates:
            continue
        if count > 1 and len(open_) == count and fitting:
            found.append(tuple(open_))
    return found
