"""MLPRegressor: scikit-learn's interface to networks that predict numbers."""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from chainrule.activations import Activation, Identity
from chainrule.distributed import Communicator, DataParallel
from chainrule.errors import InputError
from chainrule.estimators.base import BaseMLP, UserData, trains_by_epochs
from chainrule.estimators.data import first_word, short
from chainrule.estimators.hyperparameters import Activations, Callback, Layers
from chainrule.estimators.networks import LINKS, find_activation, find_loss
from chainrule.files import Checkpoints
from chainrule.initializers import Initializer
from chainrule.losses import Loss
from chainrule.optimizers import LBFGS, Clip, Optimizer
from chainrule.schedules import Schedule

Array: TypeAlias = NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):
    """Multi-layer perceptron regressor with scikit-learn's interface and chainrule's engine.

    Parameters
    ----------
    loss : str or Loss, default "squared_error"
        A name in `chainrule.LOSSES`, with ``-`` or ``_``, or an object. The loss is summed over
        several outputs, and so is its gradient.
    hidden_layer_sizes : int or sequence of int, default (100,)
        Units of each hidden layer; ``()`` for none.
    activation : str, Activation or sequence of them, default "relu"
        Activation of the hidden layers: a name in `chainrule.ACTIVATIONS`, with ``-`` or ``_``, an
        object, or a sequence with one for each hidden layer. For the output layer see
        `output_activation`.
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
    l1, l2 : float, default 0
        Penalties added to the loss, l1 Σ|w| + l2 Σw².
    dropout : float, default 0
        Share of units that are dropped at random after each hidden layer.
    layer_norm : bool, default False
        Whether to add a LayerNorm after each hidden layer.
    output_activation : str, Activation or None, default None
        Activation of the output layer, which bounds the predictions: ``"logistic"`` to numbers
        from 0 to 1, ``"tanh"`` from −1 to 1, ``"softplus"`` above 0. None is the identity, or for
        Poisson's loss the exponential function, which belongs to it.
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
    >>> from chainrule import MLPRegressor
    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], [0.0, 1.0, 4.0, 9.0]
    >>> curve = MLPRegressor("huber", (8,), "tanh", solver="lbfgs", random_state=0).fit(X, y)
    >>> curve.score(X, y) > 0.99
    True
    """

    def __init__(  # noqa: PLR0913 (scikit-learn's conventions: every choice by name)
        self,
        loss: str | Loss = "squared_error",
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
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        layer_norm: bool = False,
        output_activation: str | Activation | None = None,
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
        self.output_activation = output_activation
        self.initializer = initializer
        self.clip = clip
        self.scoring = scoring
        self.callbacks = callbacks
        self.engine = engine
        self.communicator = communicator

    # ---- methods that the base class calls ----

    def _learn_targets(self, y: Array, classes: ArrayLike | None) -> None:
        self._width = 1 if y.ndim == 1 else y.shape[1]
        self._check_targets(y)

    def _learn_outputs(self, outputs: int) -> None:
        self._width = outputs

    def _check_targets(self, y: Array, what: str = "y") -> None:
        if y.dtype.kind not in "buif":
            place = first_word(y)
            column = f"column {place[1]}, " if y.ndim == 2 else ""
            raise InputError(
                f"{what}, {column}row {place[0]}, is {short(y[place])}, which is not a number; "
                "give numbers, or use MLPClassifier"
            )
        width = 1 if y.ndim == 1 else y.shape[1]
        if width != self._width:
            raise InputError(
                f"{what} has shape {y.shape}, but this regressor was fitted to (n, {self._width}); "
                "give as many columns"
            )

    def _plan(self) -> tuple[int, Loss, Activation | None]:
        if not isinstance(self.loss, str | Loss):
            raise InputError(
                f"loss={self.loss!r} is not a loss; it comes before hidden_layer_sizes, as in "
                "scikit-learn since 1.7: name hidden_layer_sizes=…"
            )
        loss = find_loss(self.loss)
        return self._width, loss, self._output(loss)

    def _output(self, loss: Loss) -> Activation | None:
        """Return the output activation; None if the loss owns its link."""
        if self.output_activation is None:
            return None if loss.owns_link else Identity()
        if loss.owns_link:
            raise InputError(
                f"output_activation={self.output_activation!r}: the loss {loss.name!r} has an "
                f"output activation of its own, {LINKS[loss.name]}; leave output_activation out, "
                "or choose another loss"
            )
        return find_activation(self.output_activation)

    def _weighted(self, y: Array) -> int | None:
        return None if y.ndim == 1 else y.shape[1]

    def _targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        self._check_targets(y, what)
        return y

    def _as_predicted(self, p: Array) -> Array:
        return p[:, 0] if p.shape[1] == 1 else p

    def _score_predictions(self, p: Array, y: Array, weight: Array | None) -> float:
        if not np.isfinite(p).all():
            return np.nan
        if weight is None or weight.ndim == 1:
            return float(r2_score(y, p, sample_weight=weight))
        columns = zip(y.T, p.T, weight.T, strict=True)
        return float(np.mean([r2_score(t, o, sample_weight=w) for t, o, w in columns]))

    # ---- public methods ----

    @classmethod
    def from_weights(
        cls, coefs: Sequence[ArrayLike], intercepts: Sequence[ArrayLike], **params: Any
    ) -> Self:
        """Return a regressor with given weights, which can predict and be trained further.

        Parameters
        ----------
        coefs : sequence of array (inputs, units)
            The weights into each layer, as in ``coefs_``; they determine ``hidden_layer_sizes``.
        intercepts : sequence of array (units,)
            The biases of each layer, as in ``intercepts_``.
        **params
            The constructor's other parameters, such as ``activation="tanh"``.

        Returns
        -------
        MLPRegressor

        Raises
        ------
        InputError
            If the arrays do not fit each other.

        Examples
        --------
        >>> from chainrule import MLPRegressor
        >>> line = MLPRegressor.from_weights([[[2.0]]], [[1.0]])
        >>> line.predict([[0.0], [1.0]]).tolist()
        [1.0, 3.0]
        """
        return cls._made_from(coefs, intercepts, params, {})

    @available_if(trains_by_epochs)
    def partial_fit(
        self,
        X: Any,
        y: Any = None,
        sample_weight: ArrayLike | None = None,
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
        y : array (n,) or (n, outputs), optional
        sample_weight : array (n,) or (n, outputs), optional
            Weights of rows, or of each target. A target with a weight of 0 may be NaN.
        X_val : array (m, features), optional
            Validation data. With early stopping, the estimator predicts with the best weights so
            far, while training is resumed from the last ones.
        y_val : array (m,) or (m, outputs), optional
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
        held = UserData(X_val, y_val, sample_weight_val)
        return self._fit_one_epoch(UserData(X, y, sample_weight), held)

    def predict(self, X: Any) -> Array:
        """Return the prediction for each sample.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n,), or (n, outputs)
        """
        return self._as_predicted(self._predictions(X))

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return R², the coefficient of determination, the mean over outputs.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,) or (n, outputs)
        sample_weight : array (n,) or (n, outputs), optional

        Returns
        -------
        float

        Raises
        ------
        InputError
            If the data are invalid.
        """
        return self._score(X, y, sample_weight)
