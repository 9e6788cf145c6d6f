"""MLPClassifier: scikit-learn's interface to networks that classify."""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from chainrule.activations import Activation
from chainrule.distributed import Communicator, DataParallel
from chainrule.errors import InputError
from chainrule.estimators.base import BaseMLP, UserData, trains_by_epochs
from chainrule.estimators.columns import ColumnLabels, classes_of
from chainrule.estimators.growing import is_larger, with_more_outputs
from chainrule.estimators.hyperparameters import Activations, Callback, Layers
from chainrule.estimators.labels import Labels, labels_named, labels_of_outputs
from chainrule.estimators.networks import class_loss, class_output
from chainrule.estimators.progress import warn
from chainrule.estimators.rebuilding import widths_of
from chainrule.estimators.rollback import rollback_on_error
from chainrule.files import Checkpoints
from chainrule.initializers import Initializer
from chainrule.layers import Dense
from chainrule.losses import Loss
from chainrule.optimizers import LBFGS, Clip, Optimizer
from chainrule.schedules import Schedule

Array: TypeAlias = NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """Multi-layer perceptron classifier with scikit-learn's interface and chainrule's engine.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; ``()`` for none.
    activation : str, Activation or sequence of them, default "relu"
        Activation of the hidden layers: a name in `chainrule.ACTIVATIONS`, with ``-`` or ``_``, an
        object, or a sequence with one for each hidden layer. That of the output layer follows from
        the loss.
    solver : str or Optimizer, default "adam"
        ``"sgd"`` (with `momentum`, by default Nesterov's, as in scikit-learn), ``"adam"``,
        ``"lbfgs"``, or another of `chainrule.OPTIMIZERS`; an object has its own parameters.
    alpha : float, default 0.0001
        Strength of the L2 penalty, as in scikit-learn: ½ alpha Σw² over all weights, divided by the
        batch's sum of sample weights. See `l1` and `l2` for penalties that are not divided.
    batch_size : int or "auto", default "auto"
        Number of samples in a batch; "auto" is ``min(200, n_samples)``. L-BFGS uses all samples.
    learning_rate : str or Schedule, default "constant"
        ``"constant"``, ``"invscaling"`` and ``"adaptive"`` as in scikit-learn, for ``"sgd"``,
        ``"momentum"`` and ``"nesterov"``; for every named solver also ``"step"``,
        ``"exponential"`` and ``"inverse-scaling"``, which count updates, or a schedule object, such
        as ``CosineDecay(0.01, steps=1000)``.
    learning_rate_init : float, default 0.001
        Initial learning rate; unused with a schedule object or an optimizer object.
    power_t : float, default 0.5
        The exponent of ``"invscaling"`` and ``"inverse-scaling"``.
    max_iter : int, default 200
        Maximum number of epochs, or of iterations of L-BFGS.
    shuffle : bool, default True
        Whether to shuffle the samples in each epoch.
    random_state : int, RandomState or None, default None
        Seed of initial weights, shuffling, dropout masks and held-out rows. An integer is the
        `seed` of `chainrule.train`.
    tol : float, default 1e-4
        Minimum improvement of the best loss or score by an epoch; see `n_iter_no_change`.
    verbose : bool, int or "health", default False
        Whether to show a progress bar in a terminal or notebook, and scikit-learn's lines
        elsewhere; ``"health"`` sets `health_` and prints it.
    warm_start : bool, default False
        Whether `fit` resumes from where the last one ended, including the state of the optimizer,
        shuffling, dropout masks and schedule: 5 epochs and then 10 equal one fit of 15.
    momentum : float, default 0.9
        At least 0 and below 1; for the solvers ``"sgd"``, ``"momentum"`` and ``"nesterov"``.
    nesterovs_momentum : bool, default True
        Only for ``"sgd"``.
    early_stopping : bool, default False
        Whether to stop when the validation score no longer improves, and to restore the best
        weights. Not for L-BFGS.
    validation_fraction : float, default 0.1
        Share of the training data that `early_stopping` holds out if `fit` has no ``X_val``.
    validation_split : {"random", "last"}
        Which rows `early_stopping` holds out: some at random, or the last ones, as for data in the
        order of time. With ``groups`` in `fit`, whole groups are held out.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Decay rates of the moment estimates of Adam and AdamW.
    epsilon : float, default 1e-8
        Numerical stability in Adam, AdamW and RMSProp; added outside of the square root, as in
        Algorithm 1 of Kingma and Ba.
    n_iter_no_change : int, default 10
        Training stops after more than this number of consecutive epochs without an improvement of
        at least `tol`; ``np.inf`` disables it.
    max_fun : int, default 15000
        L-BFGS stops after the iteration in which this number of calls of the loss is exceeded.
    loss : str or Loss, default "log_loss"
        The cross-entropy, or another of `chainrule.LOSSES` except Poisson's, with ``-`` or ``_``. A
        loss without its own link function is applied to the outputs of a logistic activation.
    class_weight : dict, "balanced" or None, default None
        Weights of the classes, multiplied with the sample weights; 1 for classes that are not
        listed. "balanced" uses the class frequencies in the data of each call.
    l1, l2 : float, default 0
        Penalties added to the loss, l1 Σ|w| + l2 Σw².
    dropout : float, default 0
        Share of units that are dropped at random after each hidden layer.
    layer_norm : bool, default False
        Whether to add a LayerNorm after each hidden layer.
    initializer : str, Initializer or None, default None
        Initializer of the weights, with biases of 0; None initializes both as scikit-learn does.
    clip : float, ClipNorm, ClipValue or None, default None
        Gradient clipping; a number is the maximum norm.
    scoring : str, callable or None, default None
        Score for early stopping: by default the estimator's own, ``"loss"``, or any scorer. A
        scorer that accepts ``sample_weight`` gets the validation weights.
    callbacks : sequence of callable, optional
        Functions ``callback(estimator, record)``, called after each epoch. If one returns True, the
        fit ends; if one sets weights, training continues from them (except with L-BFGS).
        `Checkpoints` among them saves the fit, which then continues after it was killed.
        scikit-learn's own callbacks are set by ``set_callbacks``.
    engine : {"auto", "compiled", "reference"}
        The engine that computes, as in `chainrule.train`.
    communicator : Communicator or DataParallel, optional
        Of several processes that call `fit` with the same data, such as
        ``chainrule.distributed.MPI()``, as in `chainrule.train`. It is not saved.

    Attributes
    ----------
    classes_ : array (classes,)
        A list of them for several columns of labels, each with classes of its own.
    coefs_, intercepts_ : list of array
        Weights (inputs, units) and biases (units,) of each layer: views of ``theta_`` that can be
        modified, and that can be assigned, even before `fit`.
    theta_ : array (parameters,)
    network_ : Network
        The network, for `chainrule.explain`, `check` and `train`.
    loss_ : float
        Training loss of the last epoch, the mean over its samples, with the penalty.
    best_loss_ : float or None
        Smallest training loss; None with early stopping.
    loss_curve_, validation_loss_curve_ : list of float
        Losses of each epoch of all fits; the second is empty without validation data, and does not
        contain the penalty.
    validation_scores_ : list of float or None
    best_validation_score_ : float or None
    n_iter_ : int
        Number of epochs of the last fit.
    t_ : int
        Number of training samples seen in all fits.
    stop_reason_ : str
        Why the last fit ended: ``"epochs"``, ``"converged"``, ``"early stopping"``,
        ``"callback"``, ``"calls"``, ``"interrupted"`` or ``"diverged"``.
    n_layers_, n_outputs_, n_features_in_ : int
    out_activation_ : str
    feature_names_in_ : array of str
        Column names, if X is a data frame.
    health_ : chainrule.health.Health
        Report of the last fit with ``verbose="health"``: why it did not learn, if it did not.

    See Also
    --------
    chainrule.train : train any network.

    Notes
    -----
    Sparse samples stay sparse: only stored entries are multiplied. The updates are those
    of dense samples, of all weights, so the numbers are the same up to rounding.

    Examples
    --------
    >>> from chainrule import MLPClassifier
    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
    >>> xor = MLPClassifier((8,), "tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> xor.predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    >>> bool(xor.check_gradient(X, y))
    True
    """

    _numeric = False
    _labels: Labels | ColumnLabels
    classes_: Any

    def __init__(  # noqa: PLR0913 (scikit-learn's conventions: every choice by name)
        self,
        hidden_layer_sizes: Layers = (100,),
        activation: Activations = "relu",
        *,
        solver: str | Optimizer | LBFGS = "adam",
        alpha: float = 0.0001,
        batch_size: int | str = "auto",
        learning_rate: str | Schedule = "constant",
        learning_rate_init: float = 0.001,
        power_t: float = 0.5,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool | int | str = False,
        warm_start: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        validation_split: str = "random",
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: float = 15000,
        loss: str | Loss = "log_loss",
        class_weight: Any = None,
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        layer_norm: bool = False,
        initializer: str | Initializer | None = None,
        clip: float | Clip | None = None,
        scoring: Any = None,
        callbacks: Sequence[Callback | Checkpoints] | None = None,
        engine: str = "auto",
        communicator: Communicator | DataParallel | None = None,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.warm_start = warm_start
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.validation_split = validation_split
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.n_iter_no_change = n_iter_no_change
        self.max_fun = max_fun
        self.loss = loss
        self.l1 = l1
        self.l2 = l2
        self.dropout = dropout
        self.layer_norm = layer_norm
        self.initializer = initializer
        self.clip = clip
        self.scoring = scoring
        self.callbacks = callbacks
        self.engine = engine
        self.communicator = communicator
        self.class_weight = class_weight

    # ---- methods that the base class calls ----

    def _learn_targets(self, y: Array, classes: ArrayLike | None) -> None:
        self._labels = classes_of(y, classes)
        self.classes_ = self._labels.classes

    def _learn_outputs(self, outputs: int) -> None:
        several = vars(self).get("_set_activation") == "logistic" and outputs > 1
        known = vars(self).get("classes_")
        self._labels = labels_of_outputs(known, outputs, multilabel=several)
        self.classes_ = self._labels.classes

    @property
    def _label_binarizer(self) -> Any:
        """scikit-learn's private LabelBinarizer of the classes."""
        from sklearn.preprocessing import LabelBinarizer  # loaded on first use

        self._require("_label_binarizer")
        if self._labels.kind == "multioutput":
            raise AttributeError("a LabelBinarizer is for one column of labels; use classes_")
        several = self._labels.kind == "multilabel"
        return LabelBinarizer().fit(np.eye(len(self.classes_)) if several else self.classes_)

    @_label_binarizer.setter
    def _label_binarizer(self, binarizer: Any) -> None:
        if self._built:
            warn("_label_binarizer was set after fit, which has no effect; fit with other targets")
        else:
            self.classes_ = binarizer.classes_

    def _check_targets(self, y: Array, what: str = "y") -> None:
        self._labels.numbers(y, what)

    def _check_warm_start(self, y: Array) -> None:
        self._labels.check_kind(y)
        if y.ndim == 2:
            return
        classes = np.unique(y)
        if not np.isin(classes, self.classes_).all():
            raise InputError(
                "warm_start can only be used where `y` has the same classes as in the previous "
                f"call to fit. Previously got {self.classes_}, `y` has {classes}; set "
                "warm_start=False, or leave the rows of new classes out"
            )

    def _check_scored(self, y: Array) -> None:
        self._labels.check_kind(y)  # unseen labels count as wrong predictions

    def _plan(self) -> tuple[int, Loss, Activation | None]:
        loss = class_loss(self.loss, one_of_many=self._labels.kind == "multiclass")
        return self._labels.outputs(loss), loss, class_output(loss)

    def _targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        return self._labels.targets(y, loss, what)

    def _weights(self, y: Array, weight: Array | None) -> Array | None:
        by_class = self._labels.weights(y, self.class_weight)
        if by_class is None:
            return weight
        product = by_class if weight is None else weight * by_class
        if not product.any():
            raise InputError(
                f"class_weight={self.class_weight!r} leaves every sample a weight of 0; give at "
                "least one class that is there a weight above zero"
            )
        return product

    def _labels_to_stratify(self, y: Array) -> Array | None:
        return None if y.ndim == 2 else self._labels.numbers(y)

    def _output_labels(self) -> Labels:
        if isinstance(self._labels, ColumnLabels):
            raise InputError(
                "several columns of labels cannot be converted to ONNX; fit a classifier for each"
            )
        return self._labels

    def _as_predicted(self, p: Array) -> Array:
        found = self._labels.probabilities(p, self.network_.loss)
        return np.hstack(found) if isinstance(found, list) else found

    def _score_predictions(self, p: Array, y: Array, weight: Array | None) -> float:
        right = self._labels.predict(p) == y
        if right.ndim == 2:
            right = right.all(axis=1)
        return float(np.average(right, weights=weight))

    # ---- public methods ----

    @classmethod
    def from_weights(
        cls,
        coefs: Sequence[ArrayLike],
        intercepts: Sequence[ArrayLike],
        *,
        classes: ArrayLike | None = None,
        multilabel: bool = False,
        **params: Any,
    ) -> Self:
        """Return a classifier with given weights, which can predict and be trained further.

        Parameters
        ----------
        coefs : sequence of array (inputs, units)
            The weights into each layer, as in ``coefs_``; they determine ``hidden_layer_sizes``.
        intercepts : sequence of array (units,)
            The biases of each layer, as in ``intercepts_``.
        classes : array (classes,), optional
            In the order of the outputs; two for one output. Numbers from 0 by default.
        multilabel : bool, default False
            Whether each output is a label of its own, of which a sample may have several.
        **params
            The constructor's other parameters, such as ``activation="tanh"``.

        Returns
        -------
        MLPClassifier

        Raises
        ------
        InputError
            If the arrays do not fit each other, the classes or the loss.

        Examples
        --------
        >>> from chainrule import MLPClassifier
        >>> either = MLPClassifier.from_weights([[[1.0], [1.0]]], [[-0.5]], classes=["no", "yes"])
        >>> either.predict([[0, 0], [0, 1]]).tolist()
        ['no', 'yes']
        """
        outputs = widths_of(coefs, intercepts)[-1]
        if multilabel and outputs < 2:
            raise InputError(
                "multilabel=True needs an output for each label, but there is one output; give "
                "classes=[…] with two classes, or more outputs"
            )
        several = {"_set_activation": "logistic"} if multilabel else {}
        known = np.arange(max(outputs, 2)) if classes is None else np.asarray(classes)
        return cls._made_from(coefs, intercepts, params, {"classes_": known, **several})

    @available_if(trains_by_epochs)
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train for one epoch on these data, from where the last call ended.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features), or chunks
            Chunks are as in `fit`, or an iterator of pairs (X, y), which is read once.
        y : array (n,), or (n, labels) of 0 and 1, or (n, columns) of labels, optional
        sample_weight : array (n,), optional
        classes : array (classes,), optional
            All classes, required in the first call, except for multilabel targets; of several
            columns of labels a list of them. A later call
            may name more: the network gets outputs for them, and keeps its other weights.
        X_val : array (m, features), optional
            Validation data. With early stopping, the estimator predicts with the best weights so
            far, while training is resumed from the last ones.
        y_val : array (m,) or (m, labels), optional
        sample_weight_val : array (m,), optional

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If data or parameters are invalid; the estimator is then unchanged.
        DivergenceError
            If a loss, gradient or weight is not finite.
        """
        fitted = self._built
        if y is None and classes is None and not fitted:
            classes = getattr(X, "classes", None)  # a stream of chunks knows them
        added = None if classes is None or not fitted else self._added_classes(classes)
        if not fitted and classes is None and (y is None or getattr(y, "ndim", np.ndim(y)) < 2):
            raise InputError(
                "classes must be passed on the first call to partial_fit, since later data may "
                "bring others; give classes=np.unique(all of y)"
            )
        held = UserData(X_val, y_val, sample_weight_val)
        with rollback_on_error(self):
            if added is not None:
                self._add_classes(added)
            return self._fit_one_epoch(UserData(X, y, sample_weight), held, classes)

    def _added_classes(self, classes: ArrayLike) -> Labels | None:
        """Return all classes if a later call adds some; raise InputError if it leaves some out."""
        if isinstance(self._labels, ColumnLabels):
            return self._check_columns(classes)
        given = np.unique(np.asarray(classes))
        if np.array_equal(given, self.classes_):
            return None
        if self._labels.kind != "multilabel" and is_larger(given, self.classes_):
            return labels_named(given)
        raise InputError(
            f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
            f"{self.classes_!r}; leave it out, or name these and more"
        )

    def _check_columns(self, classes: Any) -> None:
        """Raise InputError unless the classes of each column are those of the first call."""
        pairs = zip(self.classes_, classes, strict=False)
        same = len(classes) == len(self.classes_) and all(
            np.array_equal(known, np.unique(given)) for known, given in pairs
        )
        if not same:
            raise InputError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}; leave it out"
            )

    def _add_classes(self, labels: Labels) -> None:
        """Give the network an output for each class; the optimizer's averages begin anew."""
        network, theta, before, known = self.network_, self._theta, self._history, self._labels
        if isinstance(known, ColumnLabels):  # refused before
            return
        self._labels, self.classes_ = labels, labels.classes
        units = [layer.units for layer in network.layers if isinstance(layer, Dense)]
        self._make_network(fresh=True, hidden=tuple(units[:-1]))
        drawn = self._first_theta(self.network_, before.state.seed, theta.dtype)
        theta = with_more_outputs(network, theta, known, self.network_, drawn, labels)
        self._restart(before, theta)

    def predict(self, X: Any) -> Array:
        """Return the class of each sample.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n,), or (n, labels) of 0 and 1, or (n, columns)
        """
        p = self._predictions(X)
        return self._labels.predict(p)

    def predict_proba(self, X: Any) -> Array | list[Array]:
        """Return the probability of each class.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n, classes)
            In the order of ``classes_``; for multilabel targets, of each label independently. A
            list of them for several columns of labels, one for each.
        """
        p = self._predictions(X)
        return self._labels.probabilities(p, self.network_.loss)

    def predict_log_proba(self, X: Any) -> Array | list[Array]:
        """Return the logarithm of `predict_proba`; −inf for a probability of 0.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n, classes)
        """
        found = self.predict_proba(X)
        with np.errstate(divide="ignore"):
            return list(map(np.log, found)) if isinstance(found, list) else np.log(found)

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the share of samples whose labels are all predicted correctly.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,), or (n, labels) of 0 and 1
        sample_weight : array (n,), optional

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the data are invalid.
        """
        return self._score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
