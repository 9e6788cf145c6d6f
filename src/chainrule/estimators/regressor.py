"""MLPRegressor: scikit-learn's, with what its users asked for and did not get.

What it shares with the classifier stands in ``base``.
"""

from collections.abc import Sequence
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if

from chainrule.activations import Activation, Identity
from chainrule.errors import InputError
from chainrule.estimators.base import BaseMLP, UserData, trains_by_epochs
from chainrule.estimators.data import short
from chainrule.estimators.hyperparameters import Activations, Callback, Layers
from chainrule.estimators.networks import find_loss
from chainrule.initializers import Initializer
from chainrule.losses import Loss
from chainrule.optimizers import LBFGS, Clip, Optimizer
from chainrule.schedules import Schedule

Array: TypeAlias = NDArray[Any]


class MLPRegressor(RegressorMixin, BaseMLP):
    """A multi-layer perceptron that predicts numbers: scikit-learn's interface, chainrule's engine.

    Parameters
    ----------
    loss : str or Loss, default "squared_error"
        Any of `chainrule.LOSSES`, in either spelling. That of several outputs is summed over them,
        in value and gradient alike.
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
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        n_iter_no_change: float = 10,
        max_fun: float = 15000,
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

    # ---- what base asks ----

    def _learn_targets(self, y: Array, classes: ArrayLike | None) -> None:
        self._width = 1 if y.ndim == 1 else y.shape[1]
        self._check_targets(y)

    def _check_targets(self, y: Array, what: str = "y") -> None:
        if y.dtype.kind not in "buif":
            raise InputError(
                f"{what} holds {short(y.flat[0])}, which is no number; give numbers, or use "
                "MLPClassifier"
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
                f"loss={self.loss!r} is no loss; it comes before hidden_layer_sizes, as in "
                "scikit-learn since 1.7: name hidden_layer_sizes=…"
            )
        loss = find_loss(self.loss)
        return self._width, loss, None if loss.owns_link else Identity()

    def _targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        self._check_targets(y, what)
        return y

    def _score_predictions(self, p: Array, y: Array, weight: Array | None) -> float:
        if not np.isfinite(p).all():
            return np.nan
        return float(r2_score(y, p, sample_weight=weight))

    # ---- what it is for ----

    @available_if(trains_by_epochs)
    def partial_fit(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: Any = None,
        y_val: Any = None,
        sample_weight_val: ArrayLike | None = None,
    ) -> Self:
        """Train one epoch over these data, going on where the last call ended.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,) or (n, outputs)
        sample_weight : array (n,), optional
        X_val : array (m, features), optional
            Validation data. With early stopping the best weights so far predict, while training
            goes on from the last.
        y_val : array (m,) or (m, outputs), optional
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
        held = UserData(X_val, y_val, sample_weight_val)
        return self._fit_one_epoch(UserData(X, y, sample_weight), held)

    def predict(self, X: Any) -> Array:
        """Return the number predicted for each sample.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        array (n,), or (n, outputs)
        """
        p = self._predictions(X)
        return p[:, 0] if p.shape[1] == 1 else p

    def score(self, X: Any, y: Any, sample_weight: ArrayLike | None = None) -> float:
        """Return R²: 1 less the share of the variance that is left as error, the mean over outputs.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        y : array (n,) or (n, outputs)
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
