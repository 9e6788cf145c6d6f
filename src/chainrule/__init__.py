"""Backpropagation you can read, check and use.

One engine explains a network's training step number by number, checks gradients and trains. Every
public name is loaded when it is first used, so that importing the package takes almost no time; the
names of the engine's parts are in `chainrule.engine`.
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
    from chainrule.derivatives import central_difference, complex_step
    from chainrule.diagnosis import MISTAKES, Diagnosis, Mistake, check
    from chainrule.equations import EquationError
    from chainrule.errors import (
        ChainruleError,
        DivergenceError,
        FileError,
        InputError,
        MissingPackageError,
        UnknownNameError,
    )
    from chainrule.estimators import MLPClassifier, MLPRegressor
    from chainrule.exchange import export, from_onnx, from_sklearn, from_torch, to_sklearn
    from chainrule.explanation import (
        NOTATIONS,
        Notation,
        WorkedExample,
        explain,
        explain_problem,
    )
    from chainrule.explorer import explore
    from chainrule.files import Checkpoints, TrainedNetwork
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
    from chainrule.loops import State
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
    from chainrule.metrics import METRICS
    from chainrule.models import TableModel, load, save
    from chainrule.multilayer import mlp
    from chainrule.network import Network
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
    from chainrule.pages import LivePage
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
    from chainrule.training import EarlyStopping, Record, Run, train

__version__: str  # loaded from the installed package's metadata

__all__ = [
    "ACTIVATIONS",
    "AbsoluteError",
    "Activation",
    "ActivationLayer",
    "Adam",
    "AdamW",
    "ChainruleError",
    "Checkpoints",
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
    "Dropout",
    "ELU",
    "EarlyStopping",
    "EquationError",
    "ExponentialDecay",
    "FileError",
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
    "LeCun",
    "LeakyReLU",
    "LivePage",
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
    "SiLU",
    "SoftmaxCrossEntropy",
    "SoftmaxSquaredError",
    "Softplus",
    "SquaredError",
    "State",
    "StepDecay",
    "TableModel",
    "Tanh",
    "TrainedNetwork",
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
    "explore",
    "export",
    "from_onnx",
    "from_sklearn",
    "from_torch",
    "load",
    "mlp",
    "problem",
    "read_problem",
    "save",
    "to_sklearn",
    "train",
]

_NAMES_BY_MODULE = {
    "activations": (
        "ACTIVATIONS Activation Custom ELU GELU GELUTanh Identity LeakyReLU Logistic "
        "ReLU SELU SiLU Softplus Tanh"
    ),
    "derivatives": "central_difference complex_step",
    "diagnosis": "Diagnosis MISTAKES Mistake check",
    "equations": "EquationError",
    "errors": (
        "ChainruleError DivergenceError FileError InputError MissingPackageError UnknownNameError"
    ),
    "estimators": "MLPClassifier MLPRegressor",
    "exchange": "export from_onnx from_sklearn from_torch to_sklearn",
    "explanation": "NOTATIONS Notation WorkedExample explain explain_problem",
    "explorer": "explore",
    "files": "Checkpoints TrainedNetwork",
    "gradcheck": "GradientReport check_gradient",
    "initializers": "Constant Glorot He INITIALIZERS Initializer LeCun Orthogonal Uniform",
    "layers": "ActivationLayer Dense Dropout LAYERS Layer LayerNorm",
    "loops": "State",
    "losses": (
        "AbsoluteError CustomLoss Huber LOSSES LogisticCrossEntropy Loss Poisson "
        "Quantile SoftmaxCrossEntropy SoftmaxSquaredError SquaredError"
    ),
    "metrics": "METRICS",
    "models": "TableModel load save",
    "multilayer": "mlp",
    "network": "Network",
    "optimizers": (
        "Adam AdamW ClipNorm ClipValue LBFGS Momentum Nesterov OPTIMIZERS Optimizer RMSProp SGD"
    ),
    "pages": "LivePage",
    "penalties": "Penalty",
    "problems": "PROBLEMS Problem problem read_problem",
    "schedules": (
        "ConstantRate CosineDecay ExponentialDecay InverseScaling SCHEDULES Schedule "
        "StepDecay WarmUp"
    ),
    "training": "EarlyStopping Record Run train",
}
_MODULES = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}


def __getattr__(name: str) -> object:
    """Load a public name when it is first used (PEP 562)."""
    if name == "__version__":
        value = import_module("importlib.metadata").version("chainrule")
    elif name in _MODULES:
        value = getattr(import_module(f"chainrule.{_MODULES[name]}"), name)
    else:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    globals()[name] = value  # found without this function from now on
    return value


def __dir__() -> list[str]:
    return __all__
