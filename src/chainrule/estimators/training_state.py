"""Sets the state from which an estimator's training continues, such as another library's."""

from typing import Any, TypeAlias, TypeVar

from numpy.typing import NDArray

from chainrule.estimators.base import BaseMLP

Array: TypeAlias = NDArray[Any]
T = TypeVar("T", bound=BaseMLP)


def with_training_state(
    estimator: T, step: int, averages: tuple[Array, ...], rate: float | None, samples: int
) -> T:
    """Return a fitted estimator after its training state has been set.

    Parameters
    ----------
    estimator : MLPClassifier or MLPRegressor
    step : int
        The number of updates made.
    averages : tuple of array (parameters,)
        The optimizer's averages, in the order of its rule; may be empty.
    rate : float or None
        What an adaptive learning rate has fallen to.
    samples : int
        Samples seen.
    """
    history = estimator._history  # noqa: SLF001 (of this package)
    state = history.state._replace(step=step)
    if averages:
        state = state._replace(slots=averages)
    history.checkpoint = history.checkpoint._replace(state=state, samples=samples)
    history.learning_rate = rate
    return estimator
