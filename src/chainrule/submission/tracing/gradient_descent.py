"""A few steps of gradient descent, in place of SciPy's minimizers.

A program that leaves its updates to SciPy shows none of them. In a traced run, `install` replaces
the functions of `scipy.optimize`: they ask for the gradient as SciPy does, and subtract a multiple
of it, so that the gradient can be judged. This file is rewritten as the program itself is. A
minimizer that is given no gradient is left to SciPy.
"""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from chainrule.submission.tracing.places import DESCENT_RATE

STEPS = 4
# SciPy's older functions, and what they return after the parameters if all is asked for
OLDER = {
    "fmin_cg": ("fun", "nfev", "njev", "status"),
    "fmin_bfgs": ("fun", "jac", "hess_inv", "nfev", "njev", "status"),
    "fmin_ncg": ("fun", "nfev", "njev", "nhev", "status"),
}
WITH_COST = {"fmin_l_bfgs_b": ("fun", "details"), "fmin_tnc": ("nfev", "status")}  # always returned
SCIPY: dict[str, Callable[..., Any]] = {}  # its own functions
Function = Callable[..., Any]


def descend(
    cost: Function, gradient: Function | None, start: Any, more: Any, callback: Function | None
) -> optimize.OptimizeResult:
    """Return what a few steps lead to.

    Parameters
    ----------
    cost : callable
        Returns the cost, or the cost and its gradient if `gradient` is None.
    gradient : callable or None
    start : array-like
    more : tuple or any
        Further arguments of both.
    callback : callable or None
        Called with the parameters after each step.
    """
    more = more if isinstance(more, tuple) else (more,)
    theta = np.array(start, float).ravel()
    last: dict[str, Any] = {}
    for _ in range(STEPS):
        if gradient is None:
            value, slope = cost(theta, *more)
        else:
            value, slope = cost(theta, *more), gradient(theta, *more)
        theta = theta - DESCENT_RATE * np.asarray(slope).ravel()
        last = {"fun": value, "jac": slope, "details": {"grad": slope, "task": ""}}
        if callback is not None:
            _call_back(callback, theta, value)
    counts = dict.fromkeys(("nit", "nfev", "njev", "nhev"), STEPS)
    ended = {"status": 0, "success": True, "message": "", "hess_inv": np.eye(theta.size)}
    return _result(x=theta, **last, **counts, **ended)


def _result(**parts: Any) -> Any:
    """Return what SciPy's minimizers return."""
    made = optimize.OptimizeResult()
    made.update(parts)
    return made


def _call_back(callback: Function, theta: Any, value: Any) -> None:
    """Call what the program wants to be called after each step, as SciPy does."""
    if list(inspect.signature(callback).parameters) == ["intermediate_result"]:
        callback(intermediate_result=_result(x=theta, fun=value))
    else:
        callback(theta)


def minimize(
    fun: Function, x0: Any, args: Any = (), method: Any = None, jac: Any = None, **options: Any
) -> Any:
    """Take the place of ``scipy.optimize.minimize``."""
    if jac is True or callable(jac):
        given = None if jac is True else jac
        return descend(fun, given, x0, args, options.get("callback"))
    return SCIPY["minimize"](fun, x0, args, method, jac, **options)


def older(name: str, details: tuple[str, ...]) -> Function:
    """Return what takes the place of a function such as ``fmin_cg``."""

    def fmin(
        f: Function, x0: Any, fprime: Any = None, args: Any = (), *more: Any, **options: Any
    ) -> Any:
        if fprime is None:
            return SCIPY[name](f, x0, fprime, args, *more, **options)
        made = descend(f, fprime, x0, args, options.get("callback"))
        parts = tuple(made[key] for key in details)
        return (made.x, *parts) if options.get("full_output") else made.x

    return fmin


def with_cost(name: str, details: tuple[str, ...]) -> Function:
    """Return what takes the place of a function whose cost may return the gradient, too."""

    def fmin(
        func: Function,
        x0: Any,
        fprime: Any = None,
        args: Any = (),
        approx_grad: Any = 0,
        **options: Any,
    ) -> Any:
        if approx_grad:
            return SCIPY[name](func, x0, fprime, args, approx_grad, **options)
        made = descend(func, fprime, x0, args, options.get("callback"))
        return (made.x, *(made[key] for key in details))

    return fmin


def install() -> None:
    """Replace the functions of `scipy.optimize` in this process."""
    new = {"minimize": minimize}
    new |= {name: older(name, details) for name, details in OLDER.items()}
    new |= {name: with_cost(name, details) for name, details in WITH_COST.items()}
    SCIPY.update((name, getattr(optimize, name)) for name in new)
    for name, function in new.items():
        setattr(optimize, name, function)
