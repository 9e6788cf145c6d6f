"""Callbacks: scikit-learn's protocol, which it has since 1.9, and plain functions.

Nothing else here knows that protocol; with an older scikit-learn only plain functions are called.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from chainrule.estimators.choices import Callback
from chainrule.training import Record

if TYPE_CHECKING:

    class CallbackSupportMixin:
        """What scikit-learn adds to an estimator that has callbacks."""

    def with_callbacks(method: Any) -> Any:
        """Return a method at whose end callbacks are torn down."""
        return method

    SUPPORTED = True
else:
    try:
        from sklearn.callback import CallbackSupportMixin, with_callbacks

        SUPPORTED = True
    except ImportError:  # before 1.9

        class CallbackSupportMixin:
            """An estimator without scikit-learn's callbacks, which this version has not."""

        def with_callbacks(method: Any) -> Any:
            """Return the method as it is."""
            return method

        SUPPORTED = False

__all__ = ["SUPPORTED", "CallbackSupportMixin", "Watch", "with_callbacks"]


class Watch:
    """Those who look on while an estimator is fitted.

    Parameters
    ----------
    estimator : estimator
    functions : sequence of callable
        ``callback(estimator, record)``, after every epoch; whoever returns True ends the fit.
    given : mapping
        X, y and metadata of the fit, as they were handed in.
    rebuilt : callable
        Returns the attributes that a copy of the estimator needs to predict as it would now.
    """

    def __init__(
        self,
        estimator: Any,
        functions: list[Callback],
        given: Mapping[str, Any],
        rebuilt: Callable[[], dict[str, Any]],
    ) -> None:
        self.estimator, self.functions = estimator, functions
        self.given, self.rebuilt = dict(given), rebuilt
        self._fit: Any = None
        self._epoch: Any = None

    @property
    def looks(self) -> bool:
        """Whether anybody wants to see every epoch, once the fit has begun."""
        told = self._fit is not None and getattr(self.estimator, "_skl_callbacks", ())
        return bool(self.functions or told)

    def begin_fit(self, epochs: int) -> None:
        """Say that a fit of so many epochs begins."""
        if SUPPORTED:
            context = self.estimator._init_callback_context(max_subtasks=epochs)  # noqa: SLF001 (the protocol's own name)
            self._fit = context.call_on_fit_task_begin(estimator=self.estimator, **self.given)

    def begin_epoch(self) -> None:
        """Say that an epoch begins."""
        if self._fit is not None:
            self._epoch = self._fit.subcontext(task_name="epoch").call_on_fit_task_begin(
                estimator=self.estimator, **self.given, reconstruction_attributes=self.rebuilt
            )

    def end_epoch(self, record: Record | None) -> bool:
        """Say that an epoch has ended, None if there was none; return whether to stop."""
        asked = [bool(f(self.estimator, record)) for f in self.functions if record is not None]
        if self._epoch is not None:
            asked.append(self._end(self._epoch))
        self._epoch = None
        return any(asked)

    def end_fit(self) -> None:
        """Say that the fit has ended."""
        if self._fit is not None:
            self._end(self._fit)
        self._fit = None

    def _end(self, context: Any) -> bool:
        return bool(
            context.call_on_fit_task_end(
                estimator=self.estimator, **self.given, reconstruction_attributes=self.rebuilt
            )
        )
