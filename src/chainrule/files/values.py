"""Python values as JSON and named arrays, and back.

A value that JSON does not have is an object with one key of `_Reader.FORMS`: a tuple, an array, a
NumPy number, infinity, a function by its name, or an object of a type that is named.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from chainrule.errors import DamagedFileError, InputError
from chainrule.files.container import DTYPES
from chainrule.files.json_text import Json
from chainrule.visible import visible

Array: TypeAlias = NDArray[Any]
Functions: TypeAlias = Mapping[str, Callable[..., Any]]

TYPE = "chainrule type"  # the key by which a dictionary of `to_plain` says its type
PLAIN_NUMBERS = (bool, int, float)
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
SCALARS = {dtype.name: dtype for dtype in DTYPES.values()}  # of NumPy, by name
RANDOM = "MT19937"  # the generator of a RandomState


class Writer:
    """Turns values into JSON, and collects the arrays and functions in them.

    An array that occurs twice is stored once, so that it is one array again when it is read.

    Attributes
    ----------
    arrays : dict of str to array
        By the place where they occur first, such as ``"_history.checkpoint.state.theta"``.
    functions : dict of str to callable
        By their names in the file.
    """

    def __init__(self) -> None:
        self.arrays: dict[str, Array] = {}
        self.functions: dict[str, Callable[..., Any]] = {}
        self._names: dict[int, str] = {}  # of what was stored, by id
        self._kept: list[object] = []  # what these ids are of, so that they stay unique

    def json(self, value: Any, place: str) -> Json:
        """Return a value as JSON.

        Parameters
        ----------
        value : object
            As `to_plain` returns it.
        place : str
            Where it is, for names of arrays and messages.

        Raises
        ------
        InputError
            If it cannot be saved.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        if isinstance(value, np.ndarray):
            return self._array(value, place)
        if isinstance(value, np.generic):
            return self._scalar(value, place)
        if type(value) is list:
            return self._list(value, place)
        if type(value) is tuple:
            return {"tuple": self._items(value, place)}
        if type(value) is dict:
            return self._dict(value, place)
        if isinstance(value, np.random.RandomState):
            return self._random_state(value, place)
        return {"function": self._function(value, place)}

    def _items(self, values: Sequence[Any], place: str) -> list[Json]:
        return [self.json(value, f"{place}.{i}") for i, value in enumerate(values)]

    def _dict(self, value: dict[Any, Any], place: str) -> Json:
        if any(type(key) is not str for key in value):
            keys = [self.json(key, place) for key in value]
            values = [self.json(v, f"{place}.{key}") for key, v in value.items()]
            return {"dict": [list(pair) for pair in zip(keys, values, strict=True)]}
        named = {key: self.json(v, f"{place}.{key}") for key, v in value.items() if key != TYPE}
        return {"type": value[TYPE], **named} if TYPE in value else {"named": named}

    def _list(self, value: list[Any], place: str) -> Json:
        """Return a list as JSON, one of floats as an array."""
        if not value or any(type(one) is not float for one in value):
            return self._items(value, place)
        return {"floats": self._stored(value, lambda: np.array(value), place)}

    def _stored(self, value: object, array: Callable[[], Array], place: str) -> str:
        """Return the name of an array, which is stored when its value occurs for the first time."""
        if id(value) not in self._names:
            name, count = place, 2
            while name in self.arrays:
                name, count = f"{place} {count}", count + 1
            self.arrays[name] = array()
            self._names[id(value)] = name
            self._kept.append(value)
        return self._names[id(value)]

    def _array(self, value: Array, place: str) -> Json:
        kind, dtype = value.dtype.kind, value.dtype.newbyteorder("<")
        if type(value) is not np.ndarray:
            raise unsavable(value, place)
        if kind in "Mm":
            numbers = self._stored(value, lambda: value.astype(dtype).view("<i8"), place)
            return {"times": numbers, "dtype": dtype.str}
        if kind in "US":
            texts = value if kind == "U" else np.char.decode(value, "latin-1")
            return {"texts": texts.ravel().tolist(), "dtype": dtype.str, "shape": [*value.shape]}
        if kind == "O":
            return {"objects": self._items(value.ravel().tolist(), place), "shape": [*value.shape]}
        if dtype not in DTYPES.values():
            raise unsavable(value, place)
        return {"array": self._stored(value, lambda: value, place)}

    def _scalar(self, value: np.generic, place: str) -> Json:
        name = value.dtype.name
        if name in SCALARS:
            return {"number": name, "value": self.json(value.item(), place)}
        if isinstance(value, np.str_):
            return {"number": "str", "value": str(value)}
        raise unsavable(value, place)

    def _random_state(self, value: np.random.RandomState, place: str) -> Json:
        kind, keys, *rest = value.get_state(legacy=True)
        if kind != RANDOM:
            raise unsavable(value, place)
        name = self._stored(value, lambda: np.asarray(keys), place)
        return {"random state": name, "position": [int(rest[0]), int(rest[1]), float(rest[2])]}

    def _function(self, value: Any, place: str) -> str:
        """Return the name of a function in the file; two different ones have different names."""
        if not callable(value):
            raise unsavable(value, place)
        own = str(getattr(value, "__name__", type(value).__name__))
        name, count = own, 2
        while self.functions.setdefault(name, value) is not value:
            name, count = f"{own} {count}", count + 1
        return name


def unsavable(value: object, place: str) -> InputError:
    """Return the error for a value that no file can hold."""
    return InputError(
        f"{place} is {value!r:.200}, which a file cannot hold; replace it by numbers, texts, "
        "arrays or a function before saving"
    )


# ---- reading ------------------------------------------------------------------------------------


class Reader:
    """Turns JSON and arrays into the values that `Writer` was given.

    Parameters
    ----------
    arrays : mapping of str to array
    functions : mapping of str to callable
        What the functions' names stand for.
    """

    def __init__(self, arrays: Mapping[str, Array], functions: Functions) -> None:
        self.arrays, self.functions = arrays, functions
        self.used: set[str] = set()  # names of arrays
        self._times_read: dict[tuple[str, np.dtype[Any]], Array] = {}
        self._states: dict[str, np.random.RandomState] = {}

    def value(self, content: Json) -> Any:
        """Return the value of JSON, as `from_plain` takes it.

        Raises
        ------
        DamagedFileError
            If the JSON has another form.
        """
        if isinstance(content, list):
            return [self.value(one) for one in content]
        if not isinstance(content, dict):
            return content
        forms = content.keys() & self.FORMS.keys()
        if len(forms) != 1 and "type" not in content:
            raise invalid(content)
        if "type" in content:  # whose fields may have any name
            return self._typed(content)
        method, keys = self.FORMS[forms.pop()]
        if content.keys() != keys:
            raise invalid(content)
        return method(self, content)

    def _typed(self, content: Json) -> dict[str, Any]:
        fields = {key: self.value(one) for key, one in content.items() if key != "type"}
        if not isinstance(content["type"], str) or TYPE in fields:
            raise invalid(content)
        return {TYPE: content["type"], **fields}

    def _stored(self, name: Json, kind: str) -> Array:
        """Return a stored array whose dtype has a kind in `kind`."""
        if not isinstance(name, str) or name not in self.arrays:
            raise DamagedFileError(f"array {shown(name)} is missing")
        if self.arrays[name].dtype.kind not in kind:
            raise DamagedFileError(f"array {shown(name)} has type {self.arrays[name].dtype}")
        self.used.add(name)
        return self.arrays[name]

    def _array(self, content: Json) -> Array:
        return self._stored(content["array"], "fiub")

    def _floats(self, content: Json) -> list[float]:
        array = self._stored(content["floats"], "f")
        if array.ndim != 1:
            raise invalid(content)
        return array.tolist()

    def _times(self, content: Json) -> Array:
        array, dtype = self._stored(content["times"], "i"), dtype_of(content["dtype"], "Mm")
        if array.dtype.itemsize != dtype.itemsize:
            raise invalid(content)
        return self._times_read.setdefault((content["times"], dtype), array.view(dtype))

    def _texts(self, content: Json) -> Array:
        dtype, texts = dtype_of(content["dtype"], "US"), content["texts"]
        if not isinstance(texts, list) or any(type(one) is not str for one in texts):
            raise invalid(content)
        longest = max((len(text) for text in texts), default=0)
        length = dtype.itemsize // (4 if dtype.kind == "U" else 1)
        if not longest <= length <= max(longest, 1) + 1000:  # its memory must have a use
            raise invalid(content)
        try:
            array = np.array(texts, f"<U{max(length, 1)}")
            array = array if dtype.kind == "U" else np.char.encode(array, "latin-1")
        except ValueError:
            raise invalid(content) from None
        return shaped(array.astype(dtype), content)

    def _objects(self, content: Json) -> Array:
        values = self._sequence(content["objects"], content)
        array = np.empty(len(values), object)
        for place, value in enumerate(values):  # one by one: a list would become a dimension
            array[place] = value
        return shaped(array, content)

    def _sequence(self, values: Json, content: Json) -> list[Any]:
        if not isinstance(values, list):
            raise invalid(content)
        return self.value(values)

    def _tuple(self, content: Json) -> tuple[Any, ...]:
        return tuple(self._sequence(content["tuple"], content))

    def _dict(self, content: Json) -> dict[Any, Any]:
        pairs = self._sequence(content["dict"], content)
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in pairs):
            raise invalid(content)
        try:
            result = dict(pairs)
        except TypeError:  # an unhashable key
            raise invalid(content) from None
        if len(result) != len(pairs) or TYPE in result:
            raise invalid(content)
        return result

    def _named(self, content: Json) -> dict[str, Any]:
        named = content["named"]
        if not isinstance(named, dict) or TYPE in named:
            raise invalid(content)
        return {key: self.value(one) for key, one in named.items()}

    def _float(self, content: Json) -> float:
        name = content["float"]
        if not isinstance(name, str) or name not in NOT_FINITE:
            raise invalid(content)
        return NOT_FINITE[name]

    def _number(self, content: Json) -> Any:
        name, value = content["number"], self.value(content["value"])
        if name == "str" and type(value) is str:
            return np.str_(value)
        if not isinstance(name, str) or name not in SCALARS or type(value) not in PLAIN_NUMBERS:
            raise invalid(content)
        try:
            return SCALARS[name].type(value)
        except (OverflowError, ValueError):
            raise invalid(content) from None

    def _random_state(self, content: Json) -> np.random.RandomState:
        name, place = content["random state"], content["position"]
        keys = self._stored(name, "u")
        fits = keys.dtype == np.uint32 and keys.shape == (624,) and isinstance(place, list)
        if not (fits and [type(one) for one in place] == [int, int, float]):
            raise invalid(content)
        if not (0 <= place[0] <= 624 and place[1] in (0, 1)):
            raise invalid(content)
        if name not in self._states:
            self._states[name] = np.random.RandomState()
            self._states[name].set_state((RANDOM, keys, *place))
        return self._states[name]

    def _function(self, content: Json) -> Callable[..., Any]:
        name = content["function"]
        if not isinstance(name, str) or name not in self.functions:
            raise invalid(content)  # `require_functions` has found all that are valid
        return self.functions[name]

    # By the key that says what an object stands for: how it is read, and all keys that it has.
    FORMS = {
        "array": (_array, {"array"}),
        "dict": (_dict, {"dict"}),
        "float": (_float, {"float"}),
        "floats": (_floats, {"floats"}),
        "function": (_function, {"function"}),
        "named": (_named, {"named"}),
        "number": (_number, {"number", "value"}),
        "objects": (_objects, {"objects", "shape"}),
        "random state": (_random_state, {"random state", "position"}),
        "texts": (_texts, {"texts", "dtype", "shape"}),
        "times": (_times, {"times", "dtype"}),
        "tuple": (_tuple, {"tuple"}),
    }


def require_functions(content: Json, functions: Functions) -> None:
    """Raise InputError if JSON names functions that are not given, or others are given.

    Parameters
    ----------
    content : JSON
    functions : mapping of str to callable
    """
    needed = set(function_names(content))
    lacking = sorted(needed - functions.keys())
    if lacking:
        listed = ", ".join(shown(name) for name in lacking)
        example = ", ".join(f"{shown(name)}: …" for name in lacking)
        raise InputError(
            f"it needs the functions {listed}, since files contain no code; give your own as "
            f"load(path, functions={{{example}}})"
        )
    for name, function in functions.items():
        if name not in needed:
            known = ", ".join(map(shown, sorted(needed))) or "no function"
            raise InputError(f"functions has {name!r}, but the file names {known}; leave it out")
        if not callable(function):
            raise InputError(f"functions[{name!r}] is {function!r}, give a function")


def function_names(content: Json) -> list[str]:
    """Return the names of the functions in JSON."""
    names: list[str] = []
    rest = [content]
    while rest:
        one = rest.pop()
        if isinstance(one, dict):
            if one.keys() == {"function"} and isinstance(one["function"], str):
                names.append(one["function"])
            rest.extend(one.values())
        elif isinstance(one, list):
            rest.extend(one)
    return names


def dtype_of(text: Json, kinds: str) -> np.dtype[Any]:
    """Return a dtype of text or time from its short name."""
    try:
        dtype = np.dtype(text) if isinstance(text, str) and len(text) < 30 else None
    except (TypeError, ValueError):
        dtype = None
    if dtype is None or dtype.kind not in kinds or dtype.str != text:
        raise DamagedFileError(f"the type {shown(text)} of an array is invalid")
    return dtype


def shaped(array: Array, content: Json) -> Array:
    """Return an array in its own shape."""
    shape = content["shape"]
    fits = isinstance(shape, list) and all(type(n) is int and 0 <= n < 2**40 for n in shape)
    if not fits or len(shape) > 8 or math.prod(shape) != len(array):
        raise invalid(content)
    return array.reshape(shape)


def shown(name: Json) -> str:
    """Return a name in a file for a message."""
    return visible(repr(name)[:80])


def invalid(content: Json) -> DamagedFileError:
    """Return the error for JSON that stands for no value."""
    return DamagedFileError(f"{visible(str(content))[:200]} is not a valid description")
