"""Callbacks of a fit: plain functions, and scikit-learn's callback protocol.

scikit-learn has the protocol since 1.9; with an older version only plain functions are called.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.estimators.hyperparameters import Callback
from chainrule.training import Record

if TYPE_CHECKING:

    class CallbackSupportMixin:
        """What scikit-learn adds to an estimator that supports callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return a method that tears down callbacks when it ends."""
        return method

    SUPPORTED = True
else:
    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks

        SUPPORTED = True
    except ImportError:  # before 1.9

        class CallbackSupportMixin:
            """An estimator without scikit-learn's callbacks, which this version does not have."""

        def with_callbacks(method: Any) -> Any:
            """Return the method unchanged."""
            return method

        SUPPORTED = False

__all__ = ["SUPPORTED", "CallbackSupportMixin", "Callbacks", "with_callbacks"]


class Callbacks:
    """The callbacks of one fit, both functions and scikit-learn's.

    Parameters
    ----------
    estimator : estimator
    functions : sequence of callable
        ``callback(estimator, record)``, called after every epoch; the fit ends if one returns True.
    arguments : mapping
        X, y and metadata of the fit, as the user gave them.
    attributes : callable
        Returns the attributes that a copy of the estimator needs to make predictions now.
    """

    def __init__(
        self,
        estimator: Any,
        functions: list[Callback],
        arguments: Mapping[str, Any],
        attributes: Callable[[], dict[str, Any]],
    ) -> None:
        self.estimator, self.functions = estimator, functions
        self.arguments, self.attributes = dict(arguments), attributes
        self._fit: Any = None
        self._epoch: Any = None

    @property
    def active(self) -> bool:
        """Whether any callback has to see every epoch, once the fit has begun."""
        sklearn_callbacks = self._fit is not None and getattr(self.estimator, "_skl_callbacks", ())
        return bool(self.functions or sklearn_callbacks)

    def begin_fit(self, epochs: int) -> None:
        """Announce a fit of at most this many epochs."""
        if SUPPORTED:
            context = self.estimator._init_callback_context(max_subtasks=epochs)  # noqa: SLF001 (the protocol's own name)
            self._fit = context.call_on_fit_task_begin(estimator=self.estimator, **self.arguments)

    def begin_epoch(self) -> None:
        """Announce an epoch."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch").call_on_fit_task_begin(
                estimator=self.estimator,
                **self.arguments,
                reconstruction_attributes=self.attributes,
            )

    def end_epoch(self, record: Record | None) -> bool:
        """Call the callbacks after an epoch, None if there was none; return whether to stop."""
        stops = [bool(f(self.estimator, record)) for f in self.functions if record is not None]
        if self._epoch is not None:
            stops.append(self._end(self._epoch))
        self._epoch = None
        return any(stops)

    def end_fit(self) -> None:
        """Announce the end of the fit."""
        if self._fit is not None:
            self._end(self._fit)
        self._fit = None

    def _end(self, context: Any) -> bool:
        return bool(
            context.call_on_fit_task_end(
                estimator=self.estimator,
                **self.arguments,
                reconstruction_attributes=self.attributes,
            )
        )
