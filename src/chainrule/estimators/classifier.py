"""MLPClassifier: scikit-learn's, with what its users asked for and did not get.

What it shares with the regressor stands in ``base``; labels are turned into targets in ``labels``.
"""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if

from chainrule.activations import Activation
from chainrule.errors import InputError
from chainrule.estimators.base import BaseMLP, UserData, trains_by_epochs
from chainrule.estimators.hyperparameters import Activations, Callback, Layers
from chainrule.estimators.labels import Labels, labels_named, labels_of
from chainrule.estimators.networks import class_loss, class_output
from chainrule.initializers import Initializer
from chainrule.losses import Loss
from chainrule.optimizers import LBFGS, Clip, Optimizer
from chainrule.schedules import Schedule

Array: TypeAlias = NDArray[Any]


class MLPClassifier(ClassifierMixin, BaseMLP):
    """A multi-layer perceptron that classifies: scikit-learn's interface, chainrule's engine.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; ``()`` for none.
    activation : str, Activation or sequence of them, default "relu"
        Of the hidden layers: any name in `chainrule.ACTIVATIONS`, in either spelling, an object, or
        one for each hidden layer. The output's follows from the loss.
    solver : str or Optimizer, default "adam"
        ``"sgd"`` (with `momentum`, Nesterov's by default, as scikit-learn has it), ``"adam"``,
        ``"lbfgs"``, or another of `chainrule.OPTIMIZERS`; an object brings its own numbers.
    alpha : float, default 0.0001
        ½ alpha Σw² over all weights, divided by the batch's sum of sample weights, as scikit-learn
        has it. `l1` and `l2` are added to the loss as they stand.
    batch_size : int or "auto", default "auto"
        TrainingData in a batch; "auto" is ``min(200, n_samples)``. L-BFGS takes all.
    learning_rate : str or Schedule, default "constant"
        ``"constant"``, ``"invscaling"`` and ``"adaptive"`` as scikit-learn has them, for solvers of
        the family of ``"sgd"``; for every solver by name also ``"step"``, ``"exponential"`` and
        ``"inverse-scaling"``, by updates, or a schedule, such as ``CosineDecay(0.01, steps=1000)``.
    learning_rate_init : float, default 0.001
        Not for a schedule or an optimizer that is handed in.
    power_t : float, default 0.5
        The exponent of ``"invscaling"`` and ``"inverse-scaling"``.
    max_iter : int, default 200
        Epochs at most; of L-BFGS iterations.
    shuffle : bool, default True
        Whether every epoch has an order of its own.
    random_state : int, RandomState or None, default None
        Of first weights, orders, dropout masks and held-out rows. An integer is the seed that
        `chainrule.train` takes.
    tol : float, default 1e-4
        An epoch that betters the best loss or score by less is none that improves.
    verbose : bool, int or "health", default False
        A bar in a terminal or notebook, scikit-learn's lines elsewhere; ``"health"`` makes
        `health_` and prints it.
    warm_start : bool, default False
        Whether `fit` goes on where the last one ended, with the optimizer's averages, the shuffles,
        dropout masks and schedule: a fit of 5 epochs and one of 10 are a fit of 15.
    momentum : float, default 0.9
        At least 0 and below 1; for the solvers ``"sgd"``, ``"momentum"`` and ``"nesterov"``.
    nesterovs_momentum : bool, default True
        For ``"sgd"`` alone.
    early_stopping : bool, default False
        Whether validation data decide when to stop; the best weights are restored. Not for L-BFGS.
    validation_fraction : float, default 0.1
        How much of the data `early_stopping` holds out, where `fit` has no ``X_val``.
    beta_1, beta_2 : float, default 0.9 and 0.999
        Adam's and AdamW's.
    epsilon : float, default 1e-8
        Adam's, AdamW's and RMSProp's, outside the root of the corrected mean (Algorithm 1 of Kingma
        and Ba).
    n_iter_no_change : int, default 10
        Training stops after more epochs in a row that do not improve; ``np.inf`` for never.
    max_fun : int, default 15000
        Calls of the loss after which L-BFGS begins no further iteration.
    loss : str or Loss, default "log_loss"
        The cross-entropy, or another of `chainrule.LOSSES` but Poisson's, in either spelling. One
        without a link of its own sees outputs that went through the logistic function.
    class_weight : dict, "balanced" or None, default None
        What the samples of a class weigh, times their own weights; a class not named weighs 1.
        "balanced" goes by the counts in the data of each call.
    l1, l2 : float, default 0
        Added to the loss as l1 Σ|w| + l2 Σw².
    dropout : float, default 0
        The share of units left out at random behind every hidden layer.
    layer_norm : bool, default False
        Whether every hidden layer is followed by a LayerNorm.
    initializer : str, Initializer or None, default None
        How weights are drawn, with biases of 0; None draws both by scikit-learn's law.
    clip : float, ClipNorm, ClipValue or None, default None
        How gradients are clipped; a number is the largest norm.
    scoring : str, callable or None, default None
        What early stopping looks at: the estimator's score, ``"loss"``, or any scorer; weights go
        to one that takes ``sample_weight``.
    callbacks : sequence of callable, optional
        ``callback(estimator, record)`` after every epoch, the estimator as it then is; whoever
        returns True ends the fit, and from weights that it sets training goes on (not L-BFGS's).
        scikit-learn's own go to ``set_callbacks``.
    engine : {"auto", "compiled", "reference"}
        What computes, as in `chainrule.train`.

    Attributes
    ----------
    classes_ : array (classes,)
    coefs_, intercepts_ : list of array
        (inputs, units) and (units,) of each layer: views of ``theta_``, which may be written to,
        or set as a whole, also before `fit`.
    theta_ : array (parameters,)
    network_ : Network
        The network as `chainrule.explain`, `check` and `train` take it.
    loss_ : float
        Of the last epoch; the mean over its samples, penalty included.
    best_loss_ : float or None
        None with early stopping.
    loss_curve_, validation_loss_curve_ : list of float
        One number for each epoch of all fits; without validation data the second is empty. The
        validation loss has no penalty in it.
    validation_scores_ : list of float or None
    best_validation_score_ : float or None
    n_iter_ : int
        Epochs of the last fit.
    t_ : int
        TrainingData seen in all of them.
    stop_reason_ : str
        Why the last fit ended: ``"epochs"``, ``"converged"``, ``"early stopping"``,
        ``"callback"``, ``"calls"``, ``"interrupted"`` or ``"diverged"``.
    n_layers_, n_outputs_, n_features_in_ : int
    out_activation_ : str
    feature_names_in_ : array of str
        Of data frames.
    health_ : chainrule.health.Health
        Why the last fit with ``verbose="health"`` did not learn, or that nothing was found.

    See Also
    --------
    chainrule.train : the engine behind it.

    Notes
    -----
    Sparse samples are made dense, so that they have to fit into memory.

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
    _labels: Labels

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
        callbacks: Sequence[Callback] | None = None,
        engine: str = "auto",
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
        self.class_weight = class_weight

    # ---- what base asks ----

    def _learn_targets(self, y: Array, classes: ArrayLike | None) -> None:
        if classes is None or y.ndim == 2:
            self._labels = labels_of(y)
        else:
            self._labels = labels_named(classes)
        self.classes_ = self._labels.classes

    def _check_targets(self, y: Array, what: str = "y") -> None:
        self._labels.numbers(y, what)

    def _check_scored(self, y: Array) -> None:
        self._labels.check_kind(y)  # a label that was never seen is one that was not predicted

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
        return None if self._labels.kind == "multilabel" else self._labels.numbers(y)

    def _score_predictions(self, p: Array, y: Array, weight: Array | None) -> float:
        right = self._labels.predict(p) == y
        if right.ndim == 2:
            right = right.all(axis=1)
        return float(np.average(right, weights=weight))

    # ---- what it is for ----

    @available_if(trains_by_epochs)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch over these data, going on where the last call ended.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,), or (n, labels) of 0 and 1
        sample_weight : array (n,), optional
        classes : array (classes,), optional
            All of them, for the first call; not for many labels at once.
        X_val : array (m, features), optional
            Validation data. With early stopping the best weights so far predict, while training
            goes on from the last.
        y_val : array (m,) or (m, labels), optional
        sample_weight_val : array (m,), optional

        Returns
        -------
        self : estimator

        Raises
        ------
        InputError
            If something does not fit or is not finite; the estimator is then as it was before.
        DivergenceError
            If a loss, gradient or weight is not finite.
        """
        fitted = self.__sklearn_is_fitted__()
        if fitted and classes is not None:
            self._same_classes(classes)
        if not fitted and classes is None and getattr(y, "ndim", np.ndim(y)) < 2:
            raise InputError(
                "classes must be passed on the first call to partial_fit, since later data may "
                "bring others; give classes=np.unique(all of y)"
            )
        held = UserData(X_val, y_val, sample_weight_val)
        return self._fit_one_epoch(UserData(X, y, sample_weight), held, classes)

    def _same_classes(self, classes: ArrayLike) -> None:
        """Raise InputError where a later call names other classes."""
        if not np.array_equal(np.unique(np.asarray(classes)), self.classes_):
            raise InputError(
                f"`classes={classes!r}` is not the same as on last call to partial_fit, was: "
                f"{self.classes_!r}; leave it out"
            )

    def predict(self, X: Any) -> Array:
        """Return the class of each sample.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n,), or (n, labels) of 0 and 1
        """
        p = self._predictions(X)
        return self._labels.predict(p)

    def predict_proba(self, X: Any) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n, classes)
            In the order of ``classes_``; of many labels, each by itself.
        """
        p = self._predictions(X)
        return self._labels.probabilities(p, self.network_.loss)

    def predict_log_proba(self, X: Any) -> Array:
        """Return the logarithm of `predict_proba`; a probability of 0 has −inf.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n, classes)
        """
        with np.errstate(divide="ignore"):
            return np.log(self.predict_proba(X))

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return the accuracy: the share of rows that are predicted right, in all of their labels.

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
            If something does not fit or is not finite.
        """
        return self._score(X, y, sample_weight)

    def __sklearn_tags__(self) -> Any:
        """Return scikit-learn's tags."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
