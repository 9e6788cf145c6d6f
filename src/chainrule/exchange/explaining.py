"""Worked examples of models of other libraries: PyTorch's modules, scikit-learn's estimators."""

from dataclasses import replace
from typing import Any

from chainrule.errors import InputError
from chainrule.exchange.foreign_steps import torch_step
from chainrule.exchange.pipeline_explaining import explain_row, legend
from chainrule.exchange.pipelines import features_of, network_inputs, network_step
from chainrule.exchange.sklearn_import import (
    from_sklearn,
    is_pipeline,
    is_sklearn_mlp,
    with_their_eps,
)
from chainrule.exchange.torch_modules import is_module
from chainrule.explanation import WorkedExample, explain
from chainrule.pages import Document

THEIR_EPS = (
    "scikit-learn's Adam adds eps before the correction of v; the eps here, eps / √(1 − beta2ᵏ) of "
    "the step k, gives the same update"
)


def explain_foreign(
    model: Any,
    x: Any,
    t: Any = None,
    *,
    loss: Any = None,
    optimizer: Any = None,
    row: int = 0,
    output: Any = None,
    **settings: Any,
) -> Document:
    """Explain a model of another library; `chainrule.explain` calls it.

    Parameters
    ----------
    model : torch.nn.Sequential, or MLPClassifier, MLPRegressor or Pipeline of scikit-learn
    x : array, tensor or data frame (n, inputs)
    t : array or tensor, optional
        Without targets, of a pipeline, the prediction for a row is explained.
    loss, optimizer : loss and optimizer of PyTorch, optional
        Of a module.
    row : int, default 0
    output : str, int or bool, optional
        Of a prediction, the class.
    **settings
        As in `chainrule.explain`: steps, parameter, level, notation, digits, decimals.

    Returns
    -------
    WorkedExample or Explanation

    Raises
    ------
    InputError
        If the model cannot be read; the message names the part.
    """
    if is_module(model):
        return explain_module(model, x, t, loss, optimizer, settings)
    for name, value in {"loss": loss, "optimizer": optimizer}.items():
        if value is not None:
            raise InputError(f"{name} is for PyTorch; {type(model).__name__} has its own")
    if is_pipeline(model):
        return explain_pipeline(model, x, t, row, output, settings)
    if not is_sklearn_mlp(model):
        raise InputError(
            f"cannot explain {type(model).__name__}; give an MLPClassifier or MLPRegressor, a "
            "pipeline that ends in one, or an nn.Sequential"
        )
    return explain_mlp(model, x, t, "", settings)


def explain_module(
    module: Any, x: Any, t: Any, loss: Any, optimizer: Any, settings: dict[str, Any]
) -> WorkedExample:
    """Return the worked example of a module's step."""
    if t is None:
        raise InputError("t=None: a module needs inputs and targets, explain(module, x, t, loss=…)")
    step = torch_step(module, x, t, loss, optimizer)
    starts = {"theta": step.theta} if step.rule is None else {"theta": None, "state": step.state}
    return explain(
        step.network,
        x=step.x,
        t=step.t,
        optimizer=step.rule,
        sample_weight=step.sample_weight,
        title=f"A step of {type(module).__name__} in PyTorch",
        source=sentences(step.remarks),
        **starts,
        **settings,
    )


def explain_mlp(model: Any, x: Any, t: Any, note: str, settings: dict[str, Any]) -> WorkedExample:
    """Return the worked example of the step of scikit-learn's MLP."""
    ours, remarks = from_sklearn(model), [note] if note else []
    if model.solver == "adam":
        if settings.get("steps", 1) != 1:
            raise InputError("steps: Adam's next step of scikit-learn is one; leave out steps")
        ours, remarks = with_their_eps(ours), [*remarks, THEIR_EPS]
    example = ours.explain(x, t, **settings)
    title = f"A step of scikit-learn's {type(model).__name__}"
    return replace(example, title=title, source=sentences(remarks))


def explain_pipeline(
    pipeline: Any, x: Any, t: Any, row: int, output: Any, settings: dict[str, Any]
) -> Document:
    """Return the step of a pipeline's network, or without targets the prediction for a row."""
    last = pipeline.steps[-1][1]
    estimator = network_step(pipeline)
    if t is None:
        return explain_row(pipeline, estimator, x, row, output, **settings)
    inputs, note = network_inputs(pipeline, x), legend(features_of(pipeline, x))
    if is_sklearn_mlp(last):
        return explain_mlp(last, inputs, t, note, settings)
    return replace(estimator.explain(inputs, t, **settings), source=note)


def sentences(texts: Any) -> str:
    """Return texts as sentences in one paragraph."""
    return " ".join(f"{text[:1].upper()}{text[1:]}." for text in texts)
