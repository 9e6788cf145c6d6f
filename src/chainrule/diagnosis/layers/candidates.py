"""Shapes and values to try for an argument of a layer, by its name, the likeliest first.

A shape is a text of sizes, such as "N D" for samples and features. All sizes are different, so that
a transposed array or a sum over the wrong axis shows.
"""

import re
import zlib
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

SIZES = {
    "N": 4,  # samples
    "D": 3,  # features
    "M": 5,  # outputs
    "H": 6,  # hidden units
    "G": 24,  # four gates of hidden units
    "J": 9,  # hidden units and features
    "T": 2,  # steps in time
    "C": 2,  # channels
    "F": 3,  # filters
    "B": 2,  # pictures
    "S": 4,  # height and width of pictures
    "K": 3,  # height and width of filters
    "V": 7,  # words
    "1": 1,
}
MOST_VALUES = 1_000  # that are remembered: the same ones are tried with many others
ROWS, COLUMNS = "rows", "columns"  # whether samples are the rows or the columns of an array
PICTURES = "pictures"  # samples are rows, and arrays of pictures are tried first

NUMBERS: dict[str, tuple[Any, ...]] = {
    r"strides?|step": (1, 2),
    r"pad|padding|p_ad": (1, 0),
    r"f|pool_?(height|width|size)|hh|ww|kernel_?size|filter_?size|size|(window|pool)": (2, 3),
    r"keep_?prob|p|prob|rate|drop(out)?(_?(rate|prob|p))?": (0.6,),
    r"eps(ilon)?": (1e-5,),
    r"reg|lambd?a?|l2|weight_?decay|lam": (0.3,),
    r"momentum": (0.9,),
    r"alpha|leak|slope|negative_?slope": (0.1,),
    r"delta|margin": (1.0,),
    r"seed|random_?state": (3,),
    r"axis|dim": (1, 0, -1),
    r"(n_?|num_?)?heads?|h_?heads": (2, 1),
    r"m|n|n_?samples|batch_?size": (4,),
    r"temperature|scale_factor|c": (0.7,),
    r"train(ing)?|is_?train(ing)?": (True,),
    r"(n_?|num_?)groups?": (2, 1),
}
WORDS: dict[str, tuple[str, ...]] = {
    r"activation(_?(name|function|type))?|act|nonlinearity|nonlin|kind|fn": (
        "sigmoid",
        "relu",
        "tanh",
        "logistic",
        "leaky_relu",
        "identity",
        "linear",
    ),
    r"mode|pool_?type": ("train", "max", "average", "avg", "mean"),
    r"reduction": ("mean", "sum"),
}
DICTIONARY = r".*(params?|parameters|config|options|opts|settings|hparam.*|hyper.*)"
BIAS = r"b|b_?[a-z0-9]{1,2}|bias(es)?.*|.*_bias|beta|gamma|shift|scale|g"
LABEL = r"y|y_?true|t|targets?|labels?|y_?train|y_?batch|truth|gold|one_?hot"
MASK = r"mask|.*_mask"
STATE = r"(prev|last)_?[ahcs].*|[ahcs]_?(t_?)?(prev|0|last)|h|c"
WEIGHT = r"w.*|weights?.*|theta|u[a-z]?|kernel|filters?|.*_w|emb.*|v[a-z]"
IMAGE = "B C S S|B S S C|B S S|S S"


class Candidate(NamedTuple):
    """A value to try.

    Attributes
    ----------
    text : str
        Its shape in letters; empty for a number or a word.
    kind : str
        ``"float"``, ``"labels"``, ``"one-hot"``, ``"binary"``, or ``"fixed"`` with a `value`.
    value : Any
    """

    text: str
    kind: str
    value: Any = None


def is_label(name: str) -> bool:
    """Return whether a name is one of targets or masks, which have no gradient."""
    return bool(re.fullmatch(f"{LABEL}|{MASK}", name.lower())) and name != "T"


def is_dictionary(name: str) -> bool:
    """Return whether a name is one of a dictionary of options or parameters."""
    return bool(re.fullmatch(DICTIONARY, name.lower()))


def candidates(name: str, orientation: str) -> list[Candidate]:
    """Return what to try for an argument, the likeliest first.

    Parameters
    ----------
    name : str
        Of the parameter or the dictionary's key.
    orientation : {"rows", "columns", "pictures"}
        Whether samples are rows or columns, and whether pictures are tried first.

    Returns
    -------
    list of Candidate
    """
    low = name.lower()
    if name == "G":
        return [Candidate("", "fixed", 2), Candidate("", "fixed", 1)]
    for table in (NUMBERS, WORDS):
        for pattern, values in table.items():
            if re.fullmatch(pattern, low) and not (len(name) == 1 and name.isupper()):
                fixed = [Candidate("", "fixed", value) for value in values]
                arrays = _shapes(name, low, orientation) if len(name) == 1 else []
                return fixed + [Candidate(text, "float") for text in arrays]
    if re.fullmatch(MASK, low):
        return [Candidate(text, "binary") for text in ("N T", "N D", "D N", "N")]
    if is_label(name):
        return _labels(orientation)
    shapes = _shapes(name, low, orientation)
    if orientation == PICTURES:
        shapes.sort(key=lambda text: not set(text.split()) & set("BSCFK"))
    return [Candidate(text, "float") for text in shapes] + _whole(low)


def _labels(orientation: str) -> list[Candidate]:
    hot = ["N D", "N M"] if orientation != COLUMNS else ["D N", "M N"]
    same = ["N D", "N 1", "N M"] if orientation != COLUMNS else ["1 N", "D N", "M N"]
    whole = [Candidate(text, "labels") for text in ("N", "N T", "1 N", "N 1")]
    return [
        *whole[:1],
        *(Candidate(text, "one-hot") for text in hot),
        *(Candidate(text, "binary") for text in same),
        *(Candidate(text, "float") for text in same),
        *whole[1:],
        Candidate("N", "binary"),
        Candidate("N", "float"),
    ]


def _whole(low: str) -> list[Candidate]:
    """Return integers, such as the indices of words."""
    if re.fullmatch(r"(x|i|idx|index|indices|words?|tokens?|ids?)(_.*)?", low):
        return [Candidate("N T", "labels"), Candidate("N", "labels")]
    return []


def _shapes(name: str, low: str, orientation: str) -> list[str]:
    rows = orientation != COLUMNS
    if re.fullmatch(BIAS, low):
        gates = ["M", "D", "H", "G", "1 M", "1 D", "1 H", "F", "1 C 1 1", "C", "1 1 1 F", "F 1"]
        tall = ["M 1", "D 1", "H 1", "F 1", "M", "D", "H", "1 1 1 F"]
        return _by_letters(low[1:], low, bias=True, rows=rows) + (gates if rows else tall) + ["1"]
    if re.fullmatch(STATE, low) or (low.startswith("c") and "prev" in low):
        return ["N H", "N M", "N D", "H"] if rows else ["H N", "M N", "D N", "B S S C", "H"]
    if re.fullmatch(WEIGHT, low) and low != "words":
        found = _by_letters(low[1:], low, bias=False, rows=rows)
        wide = ["D M", "M D", "H H", "D H", "D G", "H G", "J H", "J G", "V D"]
        tall = ["M D", "H D", "H H", "H J", "M H", "D M"]
        pictures = ["F C K K", "K K C F"]
        return [*found, *(wide if rows else tall), *pictures, "D", "D 1", "K K"]
    plain = ["N D", "N H", "N M"] if rows else ["D N", "H N", "M N", "1 N"]
    time = ["N T D"] if rows else ["D N T"]
    return [*plain, *time, *IMAGE.split("|"), "D", "S"]


def _by_letters(letters: str, low: str, *, bias: bool, rows: bool) -> list[str]:
    """Return shapes that the letters of a name suggest: Wxh, Wax, Wf, by."""
    letters = letters.strip("_")
    sizes = {"x": "D", "h": "H", "a": "H", "y": "M", "o": "M"}
    gates = letters in ("f", "i", "c", "o", "g", "u", "z", "r") and len(letters) == 1
    if bias:
        size = "H" if gates else sizes.get(letters[-1:] if len(letters) == 1 else "", "")
        return [size if rows else f"{size} 1"] if size and len(low) == 2 else []
    if gates:
        return ["J H"] if rows else ["H J"]
    if letters in ("x", "h"):
        return [f"{sizes[letters]} H", f"{sizes[letters]} G"] if rows else [f"H {sizes[letters]}"]
    if len(letters) == 2 and set(letters) <= sizes.keys():
        first, second = (sizes[c] for c in letters)
        # Wxh is read "x to h"; in columns, Wax is the matrix of shape (a, x) before x.
        return [f"{first} {second}", f"{second} {first}"]
    return []


@lru_cache(maxsize=MOST_VALUES)
def value_of(candidate: Candidate, name: str, seed: int, *, positive: bool) -> Any:
    """Return the value of a candidate: numbers that look random, the same for the same seed.

    Parameters
    ----------
    candidate : Candidate
    name : str
        So that different arguments get different numbers.
    seed : int
    positive : bool
        Whether numbers must be between 0 and 1, as probabilities are.

    Returns
    -------
    Any
        An array cannot be changed, as it may be returned again.
    """
    if candidate.kind == "fixed":
        return candidate.value
    array = _array_of(candidate, name, seed, positive=positive)
    array.flags.writeable = False
    return array


def _array_of(candidate: Candidate, name: str, seed: int, *, positive: bool) -> Any:
    shape = tuple(SIZES[letter] for letter in candidate.text.split())
    rng = np.random.default_rng((seed, zlib.crc32(name.encode())))
    if candidate.kind == "labels":
        return _labels_of(shape)
    if candidate.kind == "one-hot":
        return _one_hot(shape, 0 if candidate.text.startswith("N") else 1)
    if candidate.kind == "binary":
        return (np.arange(np.prod(shape)).reshape(shape) * 3 % 4 > 1).astype(float)
    if positive:
        return rng.uniform(0.15, 0.85, shape)
    return _spread(rng, shape)


def _spread(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """Return normal numbers, none of them near 0, where many layers have a kink."""
    drawn = rng.normal(size=shape)
    return drawn + 0.1 * np.where(drawn < 0, -1, 1)


def _labels_of(shape: tuple[int, ...]) -> Any:
    """Return class labels from 0 to 2, one of them repeated, all of them used."""
    return (np.arange(np.prod(shape)) * 2 % 3).reshape(shape).astype(int)


def _one_hot(shape: tuple[int, ...], axis_of_samples: int) -> Any:
    samples = shape[axis_of_samples]
    classes = shape[1 - axis_of_samples]
    hot = np.eye(classes)[np.arange(samples) * 2 % classes]
    return hot if axis_of_samples == 0 else hot.T
