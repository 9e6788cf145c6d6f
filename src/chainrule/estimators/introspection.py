"""Activations, gradients, explanations and gradient checks of a fitted estimator."""

from typing import Any, Literal, NamedTuple, TypeAlias, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from chainrule.descriptions import check_int
from chainrule.errors import InputError
from chainrule.estimators.data import (
    check_lengths,
    checked_rows,
    checked_targets,
    checked_weights,
    without_masked,
)
from chainrule.estimators.history import TrainingData, TrainingHistory, seed_from
from chainrule.estimators.networks import Forward
from chainrule.estimators.weights import Weights, blocks
from chainrule.explanation import Notation, WorkedExample, explain
from chainrule.gradcheck import GradientReport
from chainrule.layers import Dense
from chainrule.losses import Loss
from chainrule.network import MaskSeed, Network
from chainrule.optimizers import LBFGS
from chainrule.sparse_samples import as_dense

Array: TypeAlias = NDArray[Any]

NOT_FITTED = (
    "This %(name)s instance is not fitted yet. Call 'fit' before using this method, or initialize("
    "X, y) for random weights, or %(name)s.from_weights(coefs, intercepts) for weights of yours"
)
FLOAT_TYPES = (np.float64, np.float32)


class Gradients(NamedTuple):
    """The loss over some samples and its gradient, penalty included.

    Attributes
    ----------
    loss : float
    coefs : list of array (inputs, units)
        Shaped as ``coefs_``.
    intercepts : list of array (units,)
        Shaped as ``intercepts_``.
    """

    loss: float
    coefs: list[Array]
    intercepts: list[Array]


class DropoutPrediction(NamedTuple):
    """Predictions with dropout, over several draws of its masks.

    Attributes
    ----------
    mean : array (n,), (n, outputs) or (n, classes)
        Shaped as predictions, of a classifier as probabilities.
    std : array
        The standard deviation of the draws, shaped as the mean.
    """

    mean: Array
    std: Array


class Introspection(Weights):
    """What an estimator predicts, and how it comes about."""

    _numeric = True  # whether targets are numbers
    n_features_in_: int
    _history: TrainingHistory
    _forward: Forward

    def _targets(self, y: Array, loss: Loss, what: str = "y") -> Array:
        """Return checked targets as the network takes them."""
        raise NotImplementedError  # abstract

    def _weighted(self, y: Array) -> int | None:
        """Return how many outputs may have weights of their own."""
        return None

    def _without_masked(self, y: Any, weight: Any) -> Any:
        """Return targets without those that do not count."""
        return without_masked(y, weight) if self._numeric else y

    def _weights(self, y: Array, weight: Array | None) -> Array | None:
        """Return sample weights (n,), with those of their classes."""
        return weight

    def _resumed(self, n: int) -> tuple[Network, TrainingHistory]:
        """Return the network and the course that training goes on with, on n samples."""
        raise NotImplementedError  # abstract

    def _adopt(self) -> None:
        """Become fitted by the weights and attributes that the user has set."""
        raise NotImplementedError  # abstract

    def _require_fitted(self) -> None:
        """Raise NotFittedError unless there are weights, of a fit or set by the user."""
        if self._built:
            return
        if self.__sklearn_is_fitted__():
            self._adopt()
        check_is_fitted(self, msg=NOT_FITTED)

    def _rows(self, X: Any) -> Any:
        """Return samples (n, features) to predict; plain arrays take a short way."""
        self._require_fitted()
        plain = type(X) is np.ndarray and X.dtype.type in FLOAT_TYPES and X.ndim == 2
        if plain and X.shape[1] == self.n_features_in_ and len(X) and X.dtype.isnative:
            named = "feature_names_in_" in vars(self)
            if not named and np.isfinite(X).all():
                return X
        return checked_rows(self, X, reset=False)

    def _predictions(self, X: Any) -> Array:
        """Return the network's predictions p, (n, outputs)."""
        rows = self._rows(X)
        return self._forward.predict(self._theta, rows)

    def _samples(
        self, X: Any, y: Any, weight: Any = None, *, by_class: bool = False
    ) -> TrainingData:
        """Return samples with targets, as the network takes them; X and y may be one sample.

        Each may weigh what its class does, as in training.
        """
        self._require_fitted()
        if is_single_sample(X):
            X, y = [X], [y]
        rows = self._rows(X)
        wanted = checked_targets(self._without_masked(y, weight), numeric=self._numeric)
        check_lengths(rows, wanted)
        t = self._targets(wanted, self.network_.loss)
        own = checked_weights(weight, len(rows), outputs=self._weighted(wanted))
        return TrainingData(rows, t, self._weights(wanted, own) if by_class else own)

    def activations(self, X: Any) -> list[Array]:
        """Return what every layer passes on, without dropout.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)

        Returns
        -------
        list of array (n, units)
            Of each hidden layer, behind its LayerNorm; the last is the network's prediction.
        """
        rows = self._rows(X)
        network = self._forward.network  # may have another output activation than network_
        passed = network.activations(self._theta, rows)
        dense = [place for place, one in enumerate(network.layers) if isinstance(one, Dense)]
        hidden = [passed[place - 1] for place in dense[1:]]
        return [*hidden, network.loss.predict(passed[-1])]

    @overload
    def gradients(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = ...,
        *,
        wrt: Literal["weights"] = ...,
    ) -> Gradients: ...

    @overload
    def gradients(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = ...,
        *,
        wrt: Literal["inputs"],
    ) -> Array: ...

    def gradients(
        self, X: Any, y: Any, sample_weight: ArrayLike | None = None, *, wrt: str = "weights"
    ) -> Gradients | Array:
        """Return the gradient of the loss over some samples, by weights or inputs, without dropout.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features), or (features,) for one sample
        y : array (n,) or (n, outputs), or one target
        sample_weight : array (n,), optional
        wrt : {"weights", "inputs"}
            What the gradient is taken with respect to.

        Returns
        -------
        Gradients or array
            By the weights: ``loss``, ``coefs`` and ``intercepts``, the last two shaped as the
            weights are. By the inputs: an array shaped as X. The loss is the mean over the samples,
            so each row of it is the gradient of a sample's own loss, divided by their number.

        Raises
        ------
        InputError
            If something does not fit or is not finite.
        """
        if wrt not in ("weights", "inputs"):
            raise InputError(f"wrt={wrt!r}: give 'weights' or 'inputs'")
        data = self._samples(X, y, sample_weight)
        if wrt == "inputs":
            data = data._replace(X=as_dense(data.X))  # as the gradient is
            dx: Array = self.network_.trace(self._theta, *data).grads[0].dx  # (n, features)
            return dx[0] if is_single_sample(X) else dx
        loss, flat = self.network_.loss_and_gradient(self._theta, *data)
        coefs = [block.view(flat).T for block in blocks(self.network_, "W")]
        intercepts = [block.view(flat) for block in blocks(self.network_, "b")]
        return Gradients(float(loss), coefs, intercepts)

    def predict_with_dropout(
        self, X: Any, *, draws: int = 100, random_state: Any = 0
    ) -> DropoutPrediction:
        """Return predictions with dropout: their mean and spread over draws of its masks.

        Where the network knows little, its predictions depend on which units are dropped: so the
        spread tells how certain they are (Gal and Ghahramani 2016, "Dropout as a Bayesian
        Approximation").

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features)
        draws : int, default 100
            How often all samples are predicted, from 2.
        random_state : int, RandomState or None, default 0
            Seed of the masks.

        Returns
        -------
        DropoutPrediction
            ``mean`` and ``std``; of a classifier those of the probabilities.

        Raises
        ------
        InputError
            If the estimator was fitted without dropout, or `draws` is too small.
        """
        rows, count = self._rows(X), check_int(draws, "draws", 2)
        if not self.network_.has_dropout:
            raise InputError(
                "the estimator was fitted with dropout=0, so that every draw is the same; fit with "
                "dropout above 0, such as 0.2"
            )
        seed, params = seed_from(random_state), self.network_.params(self._theta)
        x = rows.astype(self._theta.dtype, copy=False)  # (n, features)
        mean, squares = np.zeros(()), np.zeros(())
        for k in range(count):
            o = self.network_.forward(params, x, MaskSeed(seed, k))[-1].a  # (n, outputs)
            change = self._as_predicted(self.network_.loss.predict(o)) - mean
            mean = mean + change / (k + 1)
            squares = squares + change**2 * (k / (k + 1))  # Welford's update: no cancellation
        return DropoutPrediction(mean, np.sqrt(squares / count))

    def _as_predicted(self, p: Array) -> Array:
        """Return the network's predictions p, (n, outputs), as numbers or probabilities."""
        raise NotImplementedError  # abstract

    def explain(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        parameter: str | None = None,
        level: Any = None,
        notation: str | Notation = "plain",
        steps: int = 1,
        digits: int | None = None,
        decimals: int | None = None,
    ) -> WorkedExample:
        """Work out the next training step: every number, its formula, the numbers put in.

        It is the update that `partial_fit` would make of these samples as one batch: it begins at
        ``theta_`` with what the optimizer remembers, at its place of a schedule, and with
        ``class_weight``. Nothing of the estimator changes. L-BFGS remembers nothing.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features), or (features,) for one sample
        y : array (n,) or (n, outputs), or one target
        sample_weight : array (n,), optional
        parameter : str, optional
            Only the derivation of this one, such as ``"W2[0,3]"`` (to, from; counted from 0).
        level : {"scalars", "matrices", "summary"}, optional
        notation : str or Notation, default "plain"
        steps : int, default 1
            How many steps in a row, on these samples.
        digits, decimals : int, optional

        Returns
        -------
        WorkedExample

        Raises
        ------
        InputError
            If something does not fit or is not finite.

        See Also
        --------
        chainrule.explain : the same for any network.

        Notes
        -----
        After early stopping ``theta_`` is the best of the run, while `partial_fit` goes on from the
        last.
        """
        data = self._samples(X, y, sample_weight, by_class=True)
        network, history = self._resumed(len(data.X))
        state = history.state._replace(theta=self._theta)
        if isinstance(history.optimizer, LBFGS):  # starts from zero
            state = state._replace(step=0)
        return explain(
            network,
            None,
            as_dense(data.X),
            data.t,
            history.optimizer,
            state=state,
            sample_weight=data.weight,
            steps=steps,
            parameter=parameter,
            level=level,
            notation=notation,
            digits=digits,
            decimals=decimals,
            title=f"A step of {type(self).__name__}",
        )

    def check_gradient(
        self,
        X: Any,
        y: Any,
        sample_weight: ArrayLike | None = None,
        *,
        entries: int | None = None,
        rows: int = 32,
    ) -> GradientReport:
        """Check the gradient by which this estimator trains against numerical derivatives.

        Parameters
        ----------
        X : array, sparse matrix or data frame (n, features), or (features,) for one sample
        y : array (n,) or (n, outputs), or one target
        sample_weight : array (n,), optional
        entries : int, optional
            How many of each array of weights; by default all of small networks, else 24.
        rows : int, default 32
            The first so many samples are used.

        Returns
        -------
        GradientReport
            True where the gradient is right.

        Raises
        ------
        InputError
            If something does not fit or is not finite.
        """
        data = self._samples(X, y, sample_weight)
        return self.network_.check_gradient(self._theta, *data, entries=entries, rows=rows)


def is_single_sample(X: Any) -> bool:
    """Return whether this is one sample, and not rows of them."""
    try:
        return np.ndim(X) == 1
    except ValueError:  # rows of several lengths
        return False
