"""Backpropagation you can read, check and use.

One engine explains a network's training step number by number, checks gradients and trains. Every
public name is loaded when it is first used, so that importing the package costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.activations import (
        ACTIVATIONS,
        ELU,
        GELU,
        SELU,
        Activation,
        Custom,
        GELUTanh,
        Identity,
        LeakyReLU,
        Logistic,
        ReLU,
        SiLU,
        Softplus,
        Tanh,
    )
    from chainrule.batch import Batch
    from chainrule.derivatives import central_difference, complex_step
    from chainrule.diagnosis import MISTAKES, Diagnosis, Mistake, check
    from chainrule.equations import EquationError, Scope
    from chainrule.errors import (
        ChainruleError,
        DivergenceError,
        InputError,
        MissingPackageError,
        UnknownNameError,
    )
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.explanation import (
        NOTATIONS,
        Notation,
        WorkedExample,
        explain,
        explain_problem,
    )
    from chainrule.gradcheck import GradientReport, check_gradient
    from chainrule.initializers import (
        INITIALIZERS,
        Constant,
        Glorot,
        He,
        Initializer,
        LeCun,
        Orthogonal,
        Uniform,
    )
    from chainrule.layers import LAYERS, ActivationLayer, Dense, Dropout, Layer, LayerNorm
    from chainrule.layout import Layout
    from chainrule.loops import Batches, State
    from chainrule.losses import (
        LOSSES,
        AbsoluteError,
        CustomLoss,
        Huber,
        LogisticCrossEntropy,
        Loss,
        Poisson,
        Quantile,
        SoftmaxCrossEntropy,
        SoftmaxSquaredError,
        SquaredError,
    )
    from chainrule.multilayer import mlp
    from chainrule.network import MaskSeed, Network, Trace
    from chainrule.optimizers import (
        LBFGS,
        OPTIMIZERS,
        SGD,
        Adam,
        AdamW,
        ClipNorm,
        ClipValue,
        Momentum,
        Nesterov,
        Optimizer,
        RMSProp,
    )
    from chainrule.penalties import Penalty
    from chainrule.problems import PROBLEMS, Problem, problem, read_problem
    from chainrule.schedules import (
        SCHEDULES,
        ConstantRate,
        CosineDecay,
        ExponentialDecay,
        InverseScaling,
        Schedule,
        StepDecay,
        WarmUp,
    )
    from chainrule.training import METRICS, EarlyStopping, Record, Run, train
    from chainrule.wiring import Step, wire

__version__: str  # loaded from the installed package's metadata

__all__ = [
    "ACTIVATIONS",
    "AbsoluteError",
    "ActivationLayer",
    "Activation",
    "Adam",
    "AdamW",
    "Batch",
    "Batches",
    "ChainruleError",
    "ClipNorm",
    "ClipValue",
    "Constant",
    "ConstantRate",
    "CosineDecay",
    "Custom",
    "CustomLoss",
    "Dense",
    "Diagnosis",
    "DivergenceError",
    "MaskSeed",
    "Dropout",
    "ELU",
    "EarlyStopping",
    "EquationError",
    "ExponentialDecay",
    "GELU",
    "GELUTanh",
    "Glorot",
    "GradientReport",
    "He",
    "Huber",
    "INITIALIZERS",
    "Identity",
    "Initializer",
    "InputError",
    "InverseScaling",
    "LAYERS",
    "LBFGS",
    "LOSSES",
    "Layer",
    "LayerNorm",
    "Layout",
    "LeCun",
    "LeakyReLU",
    "Logistic",
    "LogisticCrossEntropy",
    "Loss",
    "METRICS",
    "MISTAKES",
    "MLPClassifier",
    "MLPRegressor",
    "MissingPackageError",
    "Mistake",
    "Momentum",
    "NOTATIONS",
    "Nesterov",
    "Network",
    "Notation",
    "OPTIMIZERS",
    "Optimizer",
    "Orthogonal",
    "PROBLEMS",
    "Penalty",
    "Poisson",
    "Problem",
    "Quantile",
    "RMSProp",
    "ReLU",
    "Record",
    "Run",
    "SCHEDULES",
    "SELU",
    "SGD",
    "Schedule",
    "Scope",
    "SiLU",
    "SoftmaxCrossEntropy",
    "SoftmaxSquaredError",
    "Softplus",
    "SquaredError",
    "State",
    "Step",
    "StepDecay",
    "Tanh",
    "Trace",
    "Uniform",
    "UnknownNameError",
    "WarmUp",
    "WorkedExample",
    "central_difference",
    "check",
    "check_gradient",
    "complex_step",
    "explain",
    "explain_problem",
    "mlp",
    "problem",
    "read_problem",
    "train",
    "wire",
]

_HOMES = {
    "activations": (
        "ACTIVATIONS Activation Custom ELU GELU GELUTanh Identity LeakyReLU Logistic "
        "ReLU SELU SiLU Softplus Tanh"
    ),
    "batch": "Batch",
    "derivatives": "central_difference complex_step",
    "diagnosis": "Diagnosis MISTAKES Mistake check",
    "equations": "EquationError Scope",
    "errors": "ChainruleError DivergenceError InputError MissingPackageError UnknownNameError",
    "estimators": "MLPClassifier MLPRegressor",
    "explanation": "NOTATIONS Notation WorkedExample explain explain_problem",
    "gradcheck": "GradientReport check_gradient",
    "initializers": "Constant Glorot He INITIALIZERS Initializer LeCun Orthogonal Uniform",
    "layers": "ActivationLayer Dense Dropout LAYERS Layer LayerNorm",
    "layout": "Layout",
    "loops": "Batches State",
    "losses": (
        "AbsoluteError CustomLoss Huber LOSSES LogisticCrossEntropy Loss Poisson "
        "Quantile SoftmaxCrossEntropy SoftmaxSquaredError SquaredError"
    ),
    "multilayer": "mlp",
    "network": "MaskSeed Network Trace",
    "optimizers": (
        "Adam AdamW ClipNorm ClipValue LBFGS Momentum Nesterov OPTIMIZERS Optimizer RMSProp SGD"
    ),
    "penalties": "Penalty",
    "problems": "PROBLEMS Problem problem read_problem",
    "schedules": (
        "ConstantRate CosineDecay ExponentialDecay InverseScaling SCHEDULES Schedule "
        "StepDecay WarmUp"
    ),
    "training": "EarlyStopping METRICS Record Run train",
    "wiring": "Step wire",
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    if name == "__version__":
        value = import_module("importlib.metadata").version("chainrule")
    elif name in _MODULES:
        value = getattr(import_module(f"chainrule.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    globals()[name] = value  # the next use finds it at once
    return value


def __dir__() -> list[str]:
    return __all__
