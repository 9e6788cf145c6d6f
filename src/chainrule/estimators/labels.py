"""Class labels as targets of a network, and predictions as class labels."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.multiclass import type_of_target

from chainrule.descriptions import NUMBER
from chainrule.errors import InputError
from chainrule.estimators.data import short
from chainrule.estimators.progress import warn
from chainrule.losses import Loss

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Labels:
    """The classes of a classifier.

    Parameters
    ----------
    kind : {"binary", "multiclass", "multilabel"}
    classes : array (classes,)
        Sorted; of many labels at once the numbers of the columns. A single class is of the kind
        "binary", and the one that an output of 0 stands for, as in scikit-learn.
    """

    kind: str
    classes: Array

    def outputs(self, loss: Loss) -> int:
        """Return how many outputs the network needs; one is enough for two classes."""
        return 1 if self.kind == "binary" and not loss.classes else max(2, len(self.classes))

    def numbers(self, y: Array, what: str = "y") -> Array:
        """Return class numbers (n,), or rows (n, labels) of 0 and 1.

        Raises
        ------
        InputError
            If a label is unknown, or y is of another kind.
        """
        self.check_kind(y, what)
        if self.kind == "multilabel":
            return y
        places = np.searchsorted(self.classes, y).clip(max=len(self.classes) - 1)
        strange = np.flatnonzero(self.classes[places] != y)
        if len(strange):
            raise InputError(
                f"`{what}` has classes not in `self.classes_`: row {strange[0]} is "
                f"{short(y[strange[0]])}, `self.classes_` has {self.classes}; fit with all "
                "classes, add them with partial_fit(…, classes=…), or leave those rows out"
            )
        return places

    def check_kind(self, y: Array, what: str = "y") -> None:
        """Raise InputError if targets are not labels of the same kind; new labels are allowed."""
        if self.kind == "multilabel":
            self._check_rows(y, what)
        elif y.ndim != 1:
            raise InputError(
                f"{what} has shape {y.shape}, but this classifier has one label a sample; give (n,)"
            )
        elif kind_of(y) is not kind_of(self.classes):
            raise InputError(
                f"{what} holds labels like {short(y[0])}, but the classes are {self.classes}; "
                "give labels of one kind"
            )

    def _check_rows(self, y: Array, what: str) -> None:
        """Raise InputError if targets are not rows of 0 and 1 with the right width."""
        if y.ndim != 2 or y.shape[1] != len(self.classes):
            raise InputError(
                f"{what} has shape {y.shape}, but this classifier has {len(self.classes)} labels; "
                "give a column of 0 and 1 for each"
            )
        strange = np.argwhere(~np.isin(y, (0, 1)))
        if len(strange):
            row, column = strange[0]
            raise InputError(
                f"{what}, column {column}, row {row}, is {short(y[row, column])}; of many labels "
                "at once each is 0 or 1"
            )

    def targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        """Return targets for the network: class numbers (n,), or rows of 0 and 1 (n, outputs)."""
        numbers = self.numbers(y, what)
        if self.kind == "multilabel":
            if loss.classes:
                raise InputError(
                    f"loss={loss.name!r} chooses one of many classes, but {what} has many labels "
                    "at once; choose 'log_loss'"
                )
            return numbers
        if loss.classes:
            return numbers
        if self.kind == "binary":
            return numbers[:, None]
        return (numbers[:, None] == np.arange(len(self.classes))).astype(np.float32)

    def predict(self, p: Array) -> Array:
        """Return labels (n,), or rows (n, labels) of 0 and 1, of predictions (n, outputs)."""
        if self.kind == "multilabel":
            return (p > 0.5).astype(int)
        if len(self.classes) == 1:
            return np.repeat(self.classes, len(p))
        if p.shape[1] == 1:
            return self.classes[(p[:, 0] > 0.5).astype(np.intp)]
        return self.classes[p.argmax(axis=1)]

    def probabilities(self, p: Array, loss: Loss) -> Array:
        """Return a probability for each class, (n, classes)."""
        if p.shape[1] == 1 and self.kind == "binary":
            return np.hstack([1 - p, p])
        if self.kind == "multilabel" or loss.classes:
            return p
        sums = p.sum(axis=1, keepdims=True)  # (n, 1): of outputs that are each by itself
        return np.where(sums > 0, p / np.where(sums > 0, sums, 1), 1 / p.shape[1]).astype(p.dtype)

    def weights(self, y: Array, choice: Any) -> Array | None:
        """Return what each sample weighs by its class, (n,).

        Raises
        ------
        InputError
            If the choice is not a mapping of classes to weights, or y is multilabel.
        """
        if choice is None:
            return None
        if self.kind == "multilabel":
            raise InputError(
                f"class_weight={choice!r} is for one class a sample; give sample_weight instead"
            )
        numbers = self.numbers(y)
        if isinstance(choice, str) and choice == "balanced":
            counts = np.bincount(numbers, minlength=len(self.classes))
            return (len(numbers) / (np.count_nonzero(counts) * counts.clip(min=1)))[numbers]
        if not isinstance(choice, Mapping):
            raise InputError(f"class_weight={choice!r}: give 'balanced', a dict or None")
        return self._by_class(choice)[numbers]

    def _by_class(self, choice: Mapping[Any, float]) -> Array:
        """Return a weight for each class; one that is not named weighs 1."""
        known = self.classes.tolist()
        for label, weight in choice.items():
            if label not in known:
                raise InputError(f"class_weight names {label!r}, but the classes are {known}")
            if not (isinstance(weight, NUMBER) and 0 <= weight < np.inf):
                raise InputError(f"class_weight of {label!r} is {weight!r}; give a number from 0")
        return np.array([float(choice.get(label, 1.0)) for label in known])

    def same(self, other: "Labels") -> bool:
        """Return whether the classes are the same."""
        return self.kind == other.kind and np.array_equal(self.classes, other.classes)


def kind_of(labels: Array) -> type:
    """Return what labels are: text, bytes, times or numbers."""
    first = labels[0]
    kinds = (str, bytes, np.datetime64)
    return next((kind for kind in kinds if isinstance(first, kind)), float)


def labels_of(y: Array) -> Labels:
    """Return the classes that are in y.

    Raises
    ------
    InputError
        If y does not hold class labels.
    """
    kind = type_of_target(y, input_name="y")
    if kind == "multilabel-indicator":
        return Labels("multilabel", np.arange(y.shape[1]))
    if kind not in ("binary", "multiclass"):
        raise strange_kind(y, kind)
    return labels_named(y)


def labels_named(classes: Any) -> Labels:
    """Return the classes of a list; warn if there is one only."""
    try:
        known = np.unique(np.asarray(classes))
    except TypeError as error:
        raise InputError(f"classes={classes!r}: {error}; give labels of one kind") from None
    if not len(known):
        raise InputError("classes is empty; give the labels of all classes")
    if len(known) == 1:
        warn(
            f"there is one class only, {known.tolist()}, which is predicted for every sample; add "
            "samples of another class, or name all with partial_fit(…, classes=…)"
        )
    return Labels("binary" if len(known) <= 2 else "multiclass", known)


def labels_of_outputs(classes: Any, outputs: int, *, multilabel: bool = False) -> Labels:
    """Return the classes of a network's outputs, in their order.

    Raises
    ------
    InputError
        If there are no classes, their number is not that of the outputs, or they are not sorted.
    """
    if multilabel:
        return Labels("multilabel", np.arange(outputs))
    if classes is None:
        raise InputError(
            "coefs_ and intercepts_ were set, but not classes_; set classes_, or make the "
            "classifier with from_weights(coefs, intercepts, classes=…)"
        )
    labels = labels_named(classes)
    if not np.array_equal(labels.classes, classes):
        raise InputError(
            f"classes={np.asarray(classes).tolist()} are not sorted; sort them, and the columns of "
            "the last layer's weights and biases with them"
        )
    if outputs != len(labels.classes) and not (outputs == 1 and len(labels.classes) == 2):
        raise InputError(
            f"there are {len(labels.classes)} classes, but the weights have {outputs} outputs; "
            "give a class for each output, or two for one output"
        )
    return labels


def strange_kind(y: Array, kind: str) -> InputError:
    """Return the error for targets that are not labels, with the first invalid one."""
    remedy = "give class labels, or use MLPRegressor"
    if kind == "continuous":
        row = int(np.flatnonzero(y != np.floor(y))[0])
        return InputError(
            f"Unknown label type: continuous; y, row {row}, is {short(y[row])}; {remedy}"
        )
    return InputError(f"Unknown label type: {kind}, of shape {y.shape}; {remedy}")
