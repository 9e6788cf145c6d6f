"""The catalogue: classic mistakes of backpropagation, each as the equations that make it.

An entry is data: what is wrong, why it happens, how to mend it, and forms that replace equations of
the engine. What cannot be told from numbers is listed in `UNSEEN`; nothing is computed here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Equations: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Form:
    """One way of making a mistake: equations in place of right ones.

    Parameters
    ----------
    where : str
        Which layers: ``"all"``, ``"hidden"``, ``"output"``, ``"not-first"``, ``"first"``; with a
        star also each of them alone, and of ``"all*"`` the hidden ones and the output.
    layer, above, loss, weights, biases : mapping of str to str
        Equations of those layers, of the layer above each, of the loss, of the layers' W and b in
        the optimizer's scope.
    activation, objective, optimizer : str
        The names, between spaces, that it is about: of layers, the loss, the optimizer.
    step : bool
        Whether it takes an update to show.
    state : bool
        Whether it shows only from the second call on.
    after : bool
        Whether the loss is that after the update.
    about : str
        What this form says of itself where the entry's title is not enough.
    """

    where: str = ""
    layer: Equations = field(default_factory=dict[str, str])
    above: Equations = field(default_factory=dict[str, str])
    loss: Equations = field(default_factory=dict[str, str])
    weights: Equations = field(default_factory=dict[str, str])
    biases: Equations = field(default_factory=dict[str, str])
    activation: str = ""
    objective: str = ""
    optimizer: str = ""
    step: bool = False
    state: bool = False
    after: bool = False
    about: str = ""


@dataclass(frozen=True)
class Mistake:
    """A classic mistake.

    Parameters
    ----------
    id : str
        Stable, such as ``"updated-weights"``.
    number : int
        The entry in the catalogue, 1 to 48.
    stage : str
        Where it sits: forward, loss, delta, gradient, update, training.
    title : str
        The mistake in half a sentence, to follow "is that": "the hidden deltas use …".
    wrong, right : str
        Formulas, in plain text.
    why : str
        Why it happens.
    repair : str
        What to change.
    forms : tuple of Form
        The ways of making it; none where it is recognized by how a program behaves.
    """

    id: str
    number: int
    stage: str
    title: str
    wrong: str
    right: str
    why: str
    repair: str
    forms: tuple[Form, ...] = ()


def layers(where: str, activation: str = "", about: str = "", **equations: str) -> Form:
    """Return a form that replaces equations of layers."""
    return Form(where, layer=equations, activation=activation, about=about)


def of_loss(objective: str = "", about: str = "", **equations: str) -> Form:
    """Return a form that replaces equations of the loss."""
    return Form(loss=equations, objective=objective, about=about)


def of_softmax(about: str = "", **equations: str) -> tuple[Form, ...]:
    """Return forms of another softmax, for each loss that has one."""
    terms = {"softmax-cross-entropy": "-t * log(p)", "softmax-squared-error": "(p - t)**2 / 2"}
    return tuple(of_loss(name, about, **equations, terms=text) for name, text in terms.items())


def arrays(where: str, about: str = "", *, step: bool = True, **equations: str) -> Form:
    """Return a form that replaces equations of weights and biases alike."""
    return Form(where, weights=equations, biases=equations, step=step, about=about)


def of_optimizer(names: str, *, state: bool = False, **equations: str) -> Form:
    """Return a form that replaces equations of the optimizers named."""
    return Form("all", weights=equations, biases=equations, optimizer=names, step=True, state=state)


CROSS_ENTROPIES = "logistic-cross-entropy softmax-cross-entropy"
ADAMS = "adam adamw"
E, MINUS_E = "(a - loss.t)", "(loss.t - a)"  # the raw error of the output, and its negative

FIRST = "where(k > 1, first, {})"  # of the first call, from then on
TABLES = ("sum(p - t.T, axis=1, keepdims=True)", "sum(p - t.T, axis=0)[:, None]")
TABLE_MEANS = ("(2 * n)", "(2 * n * n)")

# Two and k are factors of losses, n of means over samples, the rate of updates.
FACTORS = {
    "sum-for-mean": "n",
    "mean-twice": "1 / n",
    "sign": "-1",
    "factor": "2 | 0.5 | outputs | 1 / outputs",
}


def scaled(factors: str, where: str = "hidden*") -> tuple[Form, ...]:
    """Return the forms in which a factor is on some gradients and not on others."""
    forms: list[Form] = []
    for factor in factors.split(" | "):
        times = f"({factor})"
        gradients = {"dW": f"{times} * delta.T @ x", "db": f"{times} * sum(delta, axis=0)"}
        forms += [
            Form("not-first*", layer={"dx": f"{times} * delta @ W"}),
            Form(where, layer=gradients),
            Form("output", layer=gradients),
            Form("all*", layer={"db": gradients["db"]}, about="in the biases"),
            Form("all*", layer={"dW": gradients["dW"]}, about="in the weights"),
        ]
    return tuple(forms)


FORWARD = (
    Mistake(
        "shared-bias",
        3,
        "forward",
        "a layer has one bias for all its units",
        "z = x @ W.T + b[0]",
        "z = x @ W.T + b",
        "The pictures of the tutorials draw one bias node a layer, and it is taken for one number.",
        "Give every unit a bias of its own: b has as many entries as the layer has units.",
        (
            layers("all*", z="x @ W.T + b[0]", about="its gradient goes to every entry"),
            layers("all*", z="x @ W.T + b[0]", db="0 * b + sum(delta, axis=None)"),
            layers("all*", z="x @ W.T + b[-1]"),
            layers("all*", db="0 * b + sum(delta, axis=None)", about="in the gradient alone"),
            layers(
                "all*", db="0 * b + sum(delta, axis=None) / shape", shape="sum(1 + 0 * b, axis=0)"
            ),
        ),
    ),
    Mistake(
        "missing-bias",
        3,
        "forward",
        "the bias is left out of a layer's net input",
        "z = x @ W.T",
        "z = x @ W.T + b",
        "The product with the weights was written first, and the bias forgotten in that layer.",
        "Add b to the net input of every layer.",
        (
            layers("all*", z="x @ W.T"),
            layers("all*", z="x @ W.T", db="0 * b"),
            layers("all*", z="x @ W.T - b", about="it is subtracted"),
            layers("all*", z="x @ W.T + 2 * b", about="it is added twice"),
        ),
    ),
    Mistake(
        "lost-sign-in-sigmoid",
        45,
        "forward",
        "the logistic function has lost the minus sign of its exponent",
        "1 / (1 + exp(z))",
        "1 / (1 + exp(-z))",
        "exp(z) looks as good as exp(-z), and the output still lies between 0 and 1.",
        "Write 1 / (1 + exp(-z)).",
        (
            layers("all*", "logistic", a="f(-z)"),
            layers(
                "all*",
                "logistic",
                a="f(-z)",
                delta="-da * a * (1 - a)",
                about="with the derivative of what is computed",
            ),
            of_loss(
                "logistic-cross-entropy",
                p="logistic(-o)",
                terms="t * softplus(o) + (1 - t) * softplus(-o)",
            ),
        ),
    ),
    Mistake(
        "softmax-over-the-wrong-axis",
        27,
        "forward",
        "softmax is normalized over the samples instead of over the classes",
        "p = e / sum(e, axis=0)",
        "p = e / sum(e, axis=1, keepdims=True)",
        "np.sum(e) without an axis, or with the other one, is right for a single sample.",
        "Sum each row by itself: np.sum(e, axis=1, keepdims=True) for samples in rows.",
        (
            *of_softmax(p="e / sum(e, axis=0, keepdims=True)"),
            *of_softmax(p="e / sum(e, axis=None)", s="o - max(o, axis=None)"),
            *of_softmax(
                p="e / sum(e, axis=0, keepdims=True)", s="o - max(o, axis=0, keepdims=True)"
            ),
            *of_softmax(p="e / sum(e, axis=0, keepdims=True)", s="o - max(o, axis=None)"),
            *of_softmax(
                p="e / sum(e, axis=1, keepdims=True)", s="o - max(o, axis=0, keepdims=True)"
            ),
            *of_softmax(
                p="e / sum(e, axis=1, keepdims=True)",
                s="o - max(o, axis=0)",
                about="the maximum alone",
            ),
            *of_softmax(
                p="e / sum(e, axis=None)",
                s="o - max(o, axis=1, keepdims=True)",
                about="the sum is over the whole batch",
            ),
        ),
    ),
    Mistake(
        "softmax-twice",
        28,
        "forward",
        "softmax is applied twice",
        "p = softmax(softmax(o))",
        "p = softmax(o)",
        "The last layer applies softmax, and the loss or the prediction applies it again.",
        "Apply softmax once: either in the layer or in the loss.",
        (
            *of_softmax(
                q="e / sum(e, axis=1, keepdims=True)",
                p="exp(q) / sum(exp(q), axis=1, keepdims=True)",
            ),
            of_loss(
                "softmax-cross-entropy",
                terms="-t * log(p)",
                q="e / sum(e, axis=1, keepdims=True)",
                p="exp(q) / sum(exp(q), axis=1, keepdims=True)",
                do="q * ((p - t) - sum(q * (p - t), axis=1, keepdims=True)) / n",
                about="with the derivative of both",
            ),
            of_loss(
                "softmax-cross-entropy",
                q="exp(p) / sum(exp(p), axis=1, keepdims=True)",
                terms="-t * log(q)",
                do="(q - t) / n",
                about="the loss applies it again",
            ),
        ),
    ),
    Mistake(
        "overflow",
        29,
        "forward",
        "a number has overflowed to infinity or become NaN",
        "exp(z) with a large z; log(0)",
        "exp(z - max(z)); 1 / (1 + exp(-z)) by cases",
        "The exponential overflows above 709 in double precision, and log(0) is minus infinity.",
        "Subtract the row's maximum before exp, and take the loss from the raw outputs.",
    ),
    Mistake(
        "changed-in-place",
        30,
        "forward",
        "a function changes the array it is handed, so that a later line uses the changed one",
        "def d(a): a *= 1 - a; return a",
        "def d(a): return a * (1 - a)",
        "`*=` and `a[...] =` write into the caller's array; a cached z or a is then another.",
        "Return a new array, or copy before writing into one.",
        (
            Form(
                "hidden*",
                layer={"edited": "df(z, a)"},
                above={"dW": "delta.T @ below.edited"},
                about="the derivative overwrites a, and the next layer's dW uses it",
            ),
            Form(
                "hidden*",
                layer={"edited": "df(z, a)", "delta": "da * df(edited, edited)"},
                about="the derivative is taken twice, of what the first left behind",
            ),
            layers("all*", delta="da * df(a, f(a))", about="the activation overwrites z"),
        ),
    ),
    Mistake(
        "shared-lists",
        46,
        "forward",
        "lists are shared by all instances, or grow call after call, so that old values stay",
        "class Layer: outputs = []",
        "def __init__(self): self.outputs = []",
        "A list written in the class body belongs to the class; append adds to what is there.",
        "Make the lists in __init__, and empty them at the start of every pass.",
    ),
    Mistake(
        "stale-values",
        46,
        "training",
        "values of an earlier call are used again",
        "dW from the first call's activations",
        "dW from this call's activations",
        "Something is computed or appended once and never renewed, so index 0 stays the oldest.",
        "Compute every intermediate afresh in every call.",
        (
            Form(
                "hidden",
                state=True,
                layer={
                    "first_new": FIRST.format("a"),
                    "second_new": "where(k > 1, second, x)",
                    "delta": "da * df(z, first_new)",
                    "dW": "delta.T @ second_new",
                },
                above={"dW": "delta.T @ below.first_new"},
                about="every activation but the output",
            ),
            Form(
                "all*",
                state=True,
                layer={"first_new": FIRST.format("f(z)"), "a": "first_new"},
                about="a layer's output",
            ),
            Form(
                "all*",
                state=True,
                layer={"first_new": FIRST.format("x"), "dW": "delta.T @ first_new"},
                about="the inputs of dW",
            ),
            Form(
                "all*",
                state=True,
                layer={"first_new": FIRST.format("a"), "delta": "da * df(z, first_new)"},
                about="the activations in the derivative",
            ),
            Form(
                "all*",
                state=True,
                layer={"first_new": FIRST.format("da * df(z, a)"), "delta": "first_new"},
                about="the deltas",
            ),
            Form(
                "all*",
                state=True,
                layer={
                    "first_new": FIRST.format("delta.T @ x"),
                    "dW": "first_new",
                    "second_new": "where(k > 1, second, sum(delta, axis=0))",
                    "db": "second_new",
                },
                about="the gradients",
            ),
        ),
    ),
)

LOSS = (
    Mistake(
        "extra-output-factor",
        24,
        "loss",
        "the derivative of the squared error has an extra factor o",
        "dC/do = (o - t) * o",
        "dC/do = o - t",
        "The power rule is applied to o * (o - t), or the factor of the next link is put in twice.",
        "The derivative of ½ (o - t)² by o is o - t, nothing more.",
        (
            of_loss("squared-error softmax-squared-error", do="(p - t) * p / n"),
            of_loss("squared-error", do="(p - t) * t / n", about="a factor t"),
            layers("output", delta="da * df(z, a) * a"),
        ),
    ),
    Mistake(
        "lost-factor",
        23,
        "loss",
        "a factor of the loss is lost in its gradient, or is on some gradients and not on others",
        "C = Σ(o - t)², dC/do = o - t",
        "C = Σ(o - t)², dC/do = 2 (o - t)",
        "The ½ that cancels the 2 belongs to one convention; it is dropped in one place and kept "
        "in another.",
        "Choose one loss, and take every gradient from it.",
        scaled(FACTORS["factor"]),
    ),
    Mistake(
        "loss-table",
        36,
        "loss",
        "the loss sums a whole table of samples by samples",
        "sum(e @ e.T) / 2n",
        "sum(e * e) / 2n",
        "A product of two-dimensional arrays is a table of every sample with every other.",
        "Multiply elementwise, then sum; or take the trace of the product.",
        (
            of_loss(
                "squared-error softmax-squared-error",
                value="sum((p - t) @ (p - t).T, axis=None) / 2 / n",
            ),
            of_loss(
                "squared-error softmax-squared-error",
                value="sum((p - t).T @ (p - t), axis=None) / 2 / n",
            ),
            of_loss("softmax-cross-entropy", value="-sum(t @ log(p).T, axis=None) / n"),
            of_loss("softmax-cross-entropy", value="-sum(t.T @ log(p), axis=None) / n"),
            of_loss(
                "logistic-cross-entropy",
                value="-sum(t @ log(p).T + (1 - t) @ log(1 - p).T, axis=None) / n",
            ),
        ),
    ),
    Mistake(
        "silent-broadcasting",
        37,
        "loss",
        "outputs (n, 1) and targets (n,) are subtracted, which makes a table of n by n",
        "o[n, 1] - t[n] -> (n, n)",
        "o[n, 1] - t[n, 1] -> (n, 1)",
        "NumPy stretches (n,) against (n, 1) without a word.",
        "Bring both to one shape first: t.reshape(-1, 1).",
        (
            *(
                of_loss("squared-error", value=f"sum((p - t.T)**2, axis=None) / {by}")
                for by in TABLE_MEANS
            ),
            *(
                of_loss("squared-error logistic-cross-entropy", do=f"{table} / {by}")
                for table in TABLES
                for by in ("n", "(n * n)")
            ),
            *(
                of_loss(
                    "squared-error",
                    do=f"{table} / {by}",
                    value=f"sum((p - t.T)**2, axis=None) / {mean}",
                )
                for table in TABLES
                for by in ("n", "(n * n)")
                for mean in TABLE_MEANS
            ),
        ),
    ),
    Mistake(
        "sum-for-mean",
        19,
        "loss",
        "a sum over the batch stands where a mean is meant, or in some gradients only",
        "dW = Σ over samples",
        "dW = (1/n) Σ over samples",
        "The division by the number of samples is in the loss, or in one gradient, and not in the "
        "other.",
        "Divide every gradient by the number of samples, or none and the loss neither.",
        scaled(FACTORS["sum-for-mean"]),
    ),
    Mistake(
        "mean-twice",
        20,
        "loss",
        "the mean over the batch is taken twice, everywhere or in some gradients",
        "dW = (delta / n).T @ x / n",
        "dW = (delta / n).T @ x",
        "The loss's gradient has its 1/n already, and the weights' gradient gets another.",
        "Divide once: either in delta or in dW and db.",
        scaled(FACTORS["mean-twice"]),
    ),
    Mistake(
        "cross-entropy-delta",
        26,
        "loss",
        "the output's delta is p - t although the loss is the squared error",
        "delta = p - t",
        "delta = (p - t) * f'(z)",
        "p - t is the delta of cross-entropy with its own link; there the derivative cancels.",
        "With the squared error multiply by the derivative of the output's activation.",
        (
            Form("output", layer={"delta": "da"}, objective="squared-error"),
            of_loss("softmax-squared-error", do="(p - t) / n"),
        ),
    ),
    Mistake(
        "extra-output-slope",
        26,
        "loss",
        "the output's delta has an extra derivative, which cross-entropy cancels",
        "delta = (p - t) * p * (1 - p)",
        "delta = p - t",
        "The output's delta of the squared error is used although the loss is cross-entropy.",
        "With cross-entropy and its own link the output's delta is p - t.",
        (of_loss(CROSS_ENTROPIES, do="(p - t) * p * (1 - p) / n"),),
    ),
    Mistake(
        "softmax-diagonal",
        25,
        "delta",
        "the derivative of softmax is taken as s (1 - s), its diagonal alone",
        "delta = dC/dp * p * (1 - p)",
        "delta_i = Σ_j dC/dp_j p_j ((i = j) - p_i)",
        "Softmax is treated like the logistic function, but every output depends on every net "
        "input.",
        "Use the whole Jacobian, or p - t with cross-entropy.",
        (
            of_loss("softmax-squared-error", do="(p - t) * p * (1 - p) / n"),
            of_loss("softmax-cross-entropy", do="-t / p * p * (1 - p) / n"),
            of_loss("softmax-cross-entropy", do="(p - t) * p * (1 - p) / n"),
        ),
    ),
    Mistake(
        "loss-off-by-one-step",
        44,
        "training",
        "the loss reported is that after the update, not this step's",
        "loss(W_new)",
        "loss(W)",
        "The forward pass is run again after the update.",
        "Report the loss of the same forward pass whose gradient is used.",
        (Form(after=True, step=True),),
    ),
)

DELTAS = (
    Mistake(
        "updated-weights",
        1,
        "delta",
        "the hidden deltas use the output weights after their update",
        "delta_h = (delta_o @ W_new) * f'(z_h)",
        "delta_h = (delta_o @ W) * f'(z_h)",
        "The output layer is updated first, and its weights are then overwritten when the hidden "
        "layer needs them.",
        "Compute all deltas with the old weights, then update all layers.",
        (Form("not-first*", layer={"dx": "delta @ W_new"}, step=True),),
    ),
    Mistake(
        "slope-of-activation",
        4,
        "delta",
        "the derivative is fed with the activation instead of the net input",
        "f'(a)",
        "f'(z)",
        "The derivative computes the activation inside, but is handed the activated value.",
        "Hand z to a derivative that computes f inside, or use a (1 - a) with a.",
        (layers("all*", delta="da * df(a, f(a))"),),
    ),
    Mistake(
        "slope-form-fed-z",
        5,
        "delta",
        "the form a (1 - a) is fed with z",
        "z * (1 - z)",
        "a * (1 - a)",
        "The short form of the derivative is in terms of the activation, and got the net input.",
        "Hand it the activation a.",
        (layers("all*", delta="da * df(z, z)"),),
    ),
    Mistake(
        "output-slope-missing",
        6,
        "delta",
        "the derivative of the activation is missing at the output layer",
        "delta_o = o - t",
        "delta_o = (o - t) * f'(z_o)",
        "The error is taken for the delta, as it is with cross-entropy.",
        "Multiply the output's error by the derivative of its activation.",
        (layers("output", delta="da"),),
    ),
    Mistake(
        "hidden-slope-missing",
        7,
        "delta",
        "the derivative of the activation is missing in the deltas sent back",
        "delta_h = delta_o @ W",
        "delta_h = (delta_o @ W) * f'(z_h)",
        "The error is carried through the weights, and the activation on the way is forgotten.",
        "Multiply what comes back by the derivative of the hidden activation.",
        (layers("hidden*", delta="da"), layers("all", delta="da", about="in every layer")),
    ),
    Mistake(
        "activation-for-slope",
        7,
        "delta",
        "the activation itself stands in place of its derivative",
        "delta = da * a",
        "delta = da * f'(z)",
        "f is called where f' is meant.",
        "Call the derivative.",
        (
            layers("all*", delta="da * a"),
            layers("all*", delta="da * f(a)", about="applied to the activation"),
        ),
    ),
    Mistake(
        "slope-of-error",
        8,
        "delta",
        "the activation's derivative is taken at the error",
        "delta = e * e * (1 - e)",
        "delta = e * f'(z)",
        "The derivative function is handed the error instead of the output.",
        "Hand it the layer's own output (or net input).",
        (
            layers("output", "logistic", delta=f"da * {E} * (1 - {E})"),
            layers("output", "logistic", delta=f"da * {MINUS_E} * (1 - {MINUS_E})"),
            layers("output", "logistic", delta=f"{E} * (1 - {E}) / raw", about="and nothing else"),
            layers(
                "output",
                "logistic",
                delta=f"-{MINUS_E} * (1 - {MINUS_E}) / raw",
                about="and nothing else",
            ),
            layers("output", "tanh", delta=f"da * (1 - {E} * {E})"),
            layers("output", delta=f"da * df({E}, {E})"),
            layers("output", delta=f"da * df({E}, f({E}))"),
            layers("output", delta=f"da * df({MINUS_E}, f({MINUS_E}))"),
            layers("hidden*", delta="da * df(raw * da, raw * da)"),
            layers("hidden*", delta="da * df(-raw * da, -raw * da)"),
            layers("hidden*", delta="da * df(raw * da, f(raw * da))"),
            layers("hidden*", delta="da * df(-raw * da, f(-raw * da))"),
            layers("hidden*", delta="df(raw * da, raw * da) / raw", about="and nothing else"),
            layers("hidden*", delta="-df(-raw * da, -raw * da) / raw", about="and nothing else"),
            layers("all", delta="da * df(raw * da, raw * da)"),
            layers("all", delta="da * df(-raw * da, -raw * da)"),
            layers("all", delta="da * df(raw * da, f(raw * da))"),
            layers("all", delta="da * df(-raw * da, f(-raw * da))"),
            layers("all", delta="df(raw * da, raw * da) / raw"),
            layers("all", delta="-df(-raw * da, -raw * da) / raw"),
        ),
    ),
    Mistake(
        "raw-error-back",
        9,
        "delta",
        "the raw error is sent back instead of the delta",
        "delta_h = ((o - t) @ W) * f'(z_h)",
        "delta_h = (delta_o @ W) * f'(z_h)",
        "Error and delta have the same shape, and the variable with the error is at hand.",
        "Send the delta back: the error times the derivative.",
        (layers("not-first*", dx="da @ W"),),
    ),
    Mistake(
        "hidden-from-output-error",
        10,
        "delta",
        "a hidden delta is built from the wrong layer's error or slope",
        "delta_h = (o - t) * f'(z_h)",
        "delta_h = (delta_o @ W) * f'(z_h)",
        "Variables of two layers are mixed up, and the shapes happen to fit.",
        "Build each layer's delta from the delta of the layer above, through its weights.",
        (
            layers("hidden*", delta="last.da * df(z, a)"),
            layers("hidden*", delta="last.delta * df(z, a)"),
            layers("hidden*", delta="above.da * df(z, a)"),
            layers("hidden*", delta="above.delta * df(z, a)"),
            layers("hidden*", delta="(last.delta @ last.W) * df(z, a)"),
            layers("hidden*", delta="(last.da @ last.W) * df(z, a)"),
            layers("hidden*", delta="(last.da @ above.W) * df(z, a)"),
            layers("hidden*", delta="(last.delta @ above.W) * df(z, a)"),
            layers("hidden*", delta="da * sum(above.delta, axis=1, keepdims=True)"),
            layers("not-first*", dx="0 * x + sum(da, axis=1, keepdims=True)"),
            layers("not-first*", dx="0 * x + sum(delta, axis=1, keepdims=True)"),
            layers(
                "hidden*",
                delta="da * df(above.z, above.a)",
                about="the slope is that of the layer above",
            ),
            layers("hidden*", delta="da * df(last.z, last.a)", about="the slope is the output's"),
            layers("hidden*", delta="da * df(x, x)", about="the slope is taken at the input"),
            layers("hidden*", delta="da * df(x, f(x))", about="the slope is taken at the input"),
            layers("hidden*", dW="above.delta.T @ x", db="sum(above.delta, axis=0)"),
            layers("hidden*", dW="last.delta.T @ x", db="sum(last.delta, axis=0)"),
            layers("hidden*", dW="last.da.T @ x", db="sum(last.da, axis=0)"),
            layers("hidden*", dW="0 * W + last.da.T @ x", db="0 * b + sum(last.da, axis=0)"),
            layers("hidden*", dW="0 * W + last.delta.T @ x", db="0 * b + sum(last.delta, axis=0)"),
        ),
    ),
    Mistake(
        "not-transposed",
        11,
        "delta",
        "a weight matrix is used the wrong way round, its indices swapped",
        "dx = delta @ W.T",
        "dx = delta @ W",
        "Where the matrix is square, the wrong orientation raises no error.",
        "Check with layers of different widths: from (n, out) back to (n, in).",
        (
            layers("not-first*", dx="delta @ W.T"),
            layers("all*", dW="x.T @ delta"),
            layers("all*", z="x @ W + b", about="in the forward pass"),
            layers(
                "all*",
                z="x @ W + b",
                dx="delta @ W.T",
                dW="delta.T @ x",
                about="in the forward pass and on the way back, but not in the gradient",
            ),
        ),
    ),
    Mistake(
        "gradient-for-weights",
        12,
        "delta",
        "the gradient dW is used in place of the weights on the way back",
        "dx = delta @ dW",
        "dx = delta @ W",
        "dW and W have the same shape, and a letter is all that tells them apart.",
        "Send the delta back through W.",
        (
            layers("not-first*", dx="delta @ dW"),
            layers("not-first*", dx="delta @ (n * dW)"),
        ),
    ),
    Mistake(
        "matrix-for-elementwise",
        13,
        "delta",
        "a matrix product stands where the elementwise one is meant, or the reverse",
        "da @ f'(z)",
        "da * f'(z)",
        "`*`, `@` and `dot` are exchanged, and the shapes happen to allow it.",
        "Elementwise for the activation's derivative, matrix products for the weights.",
        (
            layers("all*", delta="0 * z + sum(da * df(z, a), axis=1, keepdims=True)"),
            layers("all*", delta="0 * z + sum(da * df(z, a), axis=0)"),
            layers("all*", delta="0 * z + sum(da * df(z, a), axis=None)"),
            layers("all*", delta="(da @ df(z, a).T) @ (1 + 0 * z)"),
            layers("all*", delta="da @ df(z, a)"),
            layers("all*", delta="da @ df(z, a).T"),
            layers("all*", delta="da.T @ df(z, a)"),
            layers("all*", delta="da @ (da.T @ df(z, a))"),
            layers("not-first*", dx="delta * W"),
            layers("not-first*", dx="0 * x + delta * sum(W, axis=0)"),
            layers("not-first*", dx="delta * sum(W, axis=1)"),
            layers("not-first*", dx="0 * x + sum(delta, axis=1, keepdims=True) * sum(W, axis=0)"),
            layers("not-first*", dx="0 * x + sum(delta @ W, axis=1, keepdims=True)"),
            layers("not-first*", dx="0 * x + sum(delta @ W, axis=0)"),
            layers("all*", dW="0 * W + sum(delta * x, axis=0)"),
            layers("all*", dW="0 * W + sum(delta * x, axis=0)[:, None]"),
            layers("all*", dW="0 * W + sum(delta * x, axis=None)"),
            layers("all*", dW="0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0)"),
            layers("all*", dW="0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0) / n"),
        ),
    ),
    Mistake(
        "upstream-dropped",
        14,
        "delta",
        "what comes from above is dropped: = stands for *=",
        "delta = f'(z)",
        "delta = da * f'(z)",
        "The local derivative overwrites the gradient so far instead of multiplying it.",
        "Multiply: delta = da * f'(z).",
        (
            layers("all*", delta="df(z, a)"),
            layers("all*", delta="df(z, a) / raw"),
            layers("not-first*", dx="0 * x + sum(W, axis=0)"),
            layers("not-first*", dx="0 * x + sum(W, axis=0) / raw"),
            layers(
                "not-first*",
                dx="da * 0 @ W + delta @ (1 + 0 * W)",
                about="the weights are left out",
            ),
            layers("not-first*", dx="df(z, a) @ W"),
            layers("not-first*", dx="df(z, a) @ W / raw"),
        ),
    ),
    Mistake(
        "sole-slope-form",
        32,
        "delta",
        "one activation's derivative is used for every layer",
        "delta = da * a * (1 - a) in a tanh layer",
        "each layer its own f'",
        "The network grew other activations, and the backward pass still has the first one's "
        "derivative.",
        "Keep each activation together with its derivative.",
        (
            layers(
                "all*",
                "identity tanh relu leaky-relu elu selu softplus gelu gelu-tanh silu",
                delta="da * a * (1 - a)",
                about="that of the logistic function",
            ),
            layers(
                "all*",
                "identity logistic relu leaky-relu elu selu softplus gelu gelu-tanh silu",
                delta="da * (1 - a * a)",
                about="that of tanh",
            ),
            layers(
                "all*",
                "identity logistic tanh elu selu softplus gelu gelu-tanh silu",
                delta="da * where(z > 0, 1.0, 0.0)",
                about="that of ReLU",
            ),
        ),
    ),
    Mistake(
        "relu-slope-always-1",
        31,
        "delta",
        "the derivative of ReLU is taken of its output with >=, which is always 1",
        "a >= 0",
        "z > 0",
        "ReLU's output is never negative, so the comparison lets everything pass.",
        "Compare the net input: z > 0.",
        (layers("all*", "relu", delta="da"),),
    ),
    Mistake(
        "normalized-weights",
        38,
        "delta",
        "the error is shared out by normalized weights",
        "dx = delta @ (W / sum of W's rows or columns)",
        "dx = delta @ W",
        "The error is thought of as a cake to be divided; the chain rule divides nothing.",
        "Multiply by the weights as they are.",
        (
            layers("not-first*", dx="delta @ (W / sum(W, axis=1, keepdims=True))"),
            layers("not-first*", dx="delta @ (W / sum(W, axis=0))"),
            layers("not-first*", dx="da @ (W / sum(W, axis=1, keepdims=True))"),
            layers("not-first*", dx="da @ (W / sum(W, axis=0))"),
            layers("not-first*", dx="delta @ (W / sum(sqrt(W * W), axis=1, keepdims=True))"),
            layers("not-first*", dx="delta @ (W / sum(W, axis=None))"),
        ),
    ),
    Mistake(
        "one-path-only",
        48,
        "delta",
        "only one output's path reaches a hidden unit",
        "dx_k = delta_o1 * w_o1,k",
        "dx_k = Σ over o of delta_o * w_o,k",
        "A loop over the outputs overwrites with = instead of adding with +=.",
        "Add up what comes back from every unit above.",
        (
            layers("not-first*", dx="delta[:, -1:] @ W[-1:]", about="the last one's"),
            layers("not-first*", dx="delta[:, :1] @ W[:1]", about="the first one's"),
        ),
    ),
    Mistake(
        "bias-unit-delta",
        35,
        "delta",
        "the wrong column is cut off on the way back: a weight's in place of the bias's",
        "dx = (delta @ [b W])[:, :-1]",
        "dx = delta @ W",
        "With the bias as a column of the weights, one entry too many comes back; the wrong one "
        "is cut off.",
        "Cut off the column of the bias, wherever it stands, before going on.",
        (
            layers("not-first*", dx="(delta @ concat(b[:, None], W))[:, :-1]", about="bias first"),
            layers("not-first*", dx="(delta @ concat(W, b[:, None]))[:, 1:]", about="bias last"),
        ),
    ),
)

GRADIENTS = (
    Mistake(
        "biases-never-updated",
        2,
        "update",
        "the biases are never updated",
        "b_new = b",
        "b_new = b - learning_rate * db",
        "The update loops over the weights alone.",
        "Give every bias its gradient: the sum of its unit's deltas.",
        (layers("all*", db="0 * b"), Form("all*", biases={"w_new": "w"}, step=True)),
    ),
    Mistake(
        "z-for-a",
        15,
        "gradient",
        "the weights' gradient uses z, or another layer's activation, in place of its input",
        "dW = delta.T @ z_below",
        "dW = delta.T @ a_below",
        "Net inputs and activations lie in two lists of the same shapes, and an index is easily "
        "one off.",
        "The input of layer l is the activation of layer l - 1.",
        (
            layers("not-first*", dW="delta.T @ below.z"),
            layers("all*", dW="delta.T @ a", about="the layer's own output"),
            layers("all*", dW="delta.T @ z", about="the layer's own net input"),
            layers("not-first*", dW="delta.T @ below.x", about="the input of the layer below"),
            layers("not-first*", dW="delta.T @ input.a", about="the network's input"),
        ),
    ),
    Mistake(
        "weight-for-input",
        16,
        "gradient",
        "the delta is multiplied by the weight instead of the input",
        "dW = delta * W",
        "dW = delta * x",
        "In ∂net/∂w the weight itself remains instead of what it is multiplied with.",
        "The derivative of w x by w is x.",
        (
            layers("all*", dW="sum(delta, axis=0)[:, None] * W"),
            layers("all*", dW="n * sum(delta, axis=0)[:, None] * W"),
        ),
    ),
    Mistake(
        "bias-before-slope",
        17,
        "gradient",
        "the bias gradient is taken before the activation's derivative",
        "db = Σ da",
        "db = Σ delta",
        "The error is summed instead of the delta.",
        "db is the sum of delta, which has the derivative in it.",
        (
            layers("all*", db="sum(da, axis=0)"),
            layers("hidden*", db="sum(above.delta, axis=0)", about="that of the layer above"),
            layers("hidden*", db="0 * b + sum(last.delta, axis=None)"),
        ),
    ),
    Mistake(
        "bias-not-summed",
        18,
        "gradient",
        "the bias gradient is not the sum of delta over the samples",
        "db = delta[-1]",
        "db = Σ over samples of delta",
        "The sum is over the wrong axis, over everything, or missing.",
        "Sum delta over the samples alone: np.sum(delta, axis=0) for samples in rows.",
        (
            layers("all*", db="delta[-1]", about="the last sample's"),
            layers("all*", db="n * delta[-1]", about="the last sample's"),
            layers("all*", db="delta[0]", about="the first sample's"),
            layers("all*", db="n * delta[0]", about="the first sample's"),
            layers("all*", db="delta", about="not summed"),
            layers("all*", db="n * delta", about="not summed"),
            layers("all*", db="delta.T", about="not summed"),
            layers("all*", db="n * delta.T", about="not summed"),
            layers("all*", db="sum(delta, axis=1)", about="the wrong axis"),
            layers("all*", db="n * sum(delta, axis=1)", about="the wrong axis"),
            layers("all*", db="mean(delta, axis=1)", about="the wrong axis"),
            layers("all*", db="n * mean(delta, axis=1)", about="the wrong axis"),
            layers("all*", db="sum(delta, axis=None)", about="one number for all"),
            layers("all*", db="n * sum(delta, axis=None)", about="one number for all"),
            layers("all*", db="0 * b + sum(delta, axis=None)", about="over everything"),
            layers("all*", db="0 * b + n * sum(delta, axis=None)", about="over everything"),
            layers("all*", db="0 * b + mean(delta, axis=None)", about="over everything"),
            layers("all*", db="0 * b + n * mean(delta, axis=None)", about="over everything"),
            layers("all*", db="mean(delta, axis=None)", about="one number for all"),
            layers("all*", db="n * mean(delta, axis=None)", about="one number for all"),
            layers("all*", db="n * sum(delta, axis=0)", about="the division by n is left out"),
            layers("all*", db="mean(delta, axis=0)", about="divided by n once more"),
            layers("all*", db="max(delta, axis=0)", about="the largest"),
        ),
    ),
    Mistake(
        "overwritten-for-added",
        33,
        "gradient",
        "= stands for +=: of the samples only the last one's gradient is kept",
        "dW = delta[-1] * x[-1]",
        "dW = Σ over samples of delta * x",
        "The loop over the samples overwrites the gradient instead of adding to it.",
        "Start from zero and add every sample's gradient.",
        (
            layers("all*", dW="delta[-1:].T @ x[-1:]", db="delta[-1]"),
            layers("all*", dW="n * delta[-1:].T @ x[-1:]", db="n * delta[-1]"),
            layers("all*", dW="delta[:1].T @ x[:1]", db="delta[0]", about="the first one's"),
            layers(
                "all*", dW="n * delta[:1].T @ x[:1]", db="n * delta[0]", about="the first one's"
            ),
            layers("all*", dW="delta[-1:].T @ x[-1:]"),
            layers("all*", dW="n * delta[-1:].T @ x[-1:]"),
        ),
    ),
    Mistake(
        "only-last-layer",
        47,
        "update",
        "only the last layer is trained",
        "W1_new = W1",
        "W1_new = W1 - learning_rate * dW1",
        "The update stands outside the loop over the layers, or the loop ends too early.",
        "Update every layer.",
        (
            layers("hidden*", dW="0 * W", db="0 * b"),
            Form("hidden*", weights={"w_new": "w"}, biases={"w_new": "w"}, step=True),
            layers("hidden*", dW="0 * W", about="its weights"),
            layers("output", dW="0 * W", db="0 * b", about="all but the last"),
        ),
    ),
    Mistake(
        "sign",
        21,
        "update",
        "some gradients, or the whole step, have the wrong sign",
        "w_new = w + learning_rate * dC/dw",
        "w_new = w - learning_rate * dC/dw",
        "t - o and o - t are mixed: with t - o the update has a plus, with o - t a minus.",
        "Choose one of the two, and keep it in every layer and in the update.",
        (*scaled(FACTORS["sign"]), arrays("all", w_new="w + learning_rate * g")),
    ),
    Mistake(
        "not-zeroed",
        33,
        "training",
        "gradients are not zeroed between steps, and add up",
        "dW = dW_before + dW",
        "dW = this step's",
        "The arrays for the gradients live on from call to call.",
        "Set them to zero before every backward pass.",
        (
            Form(
                "all*",
                state=True,
                weights={"dsum_new": "dsum + d", "dC": "dsum_new"},
                biases={"dsum_new": "dsum + d", "dC": "dsum_new"},
            ),
            Form("all", state=True, weights={"dsum_new": "dsum + d", "dC": "dsum_new"}),
            Form("all", state=True, biases={"dsum_new": "dsum + d", "dC": "dsum_new"}),
            Form(
                "all",
                state=True,
                step=True,
                weights={"dsum_new": "dsum + d", "dC": "dsum_new / k"},
                biases={"dsum_new": "dsum + d", "dC": "dsum_new / k"},
            ),
        ),
    ),
)

UPDATES = (
    Mistake(
        "rate-twice",
        22,
        "update",
        "the learning rate is applied twice",
        "w_new = w - learning_rate * (learning_rate * g)",
        "w_new = w - learning_rate * g",
        "The gradients are multiplied by the rate when they are computed, and again when they are "
        "used.",
        "Multiply once, in the update.",
        (
            Form("all*", weights={"g": "learning_rate * d"}, step=True),
            Form("all*", biases={"g": "learning_rate * d"}, step=True),
            Form(
                "all*",
                weights={"g": "learning_rate * d"},
                biases={"g": "learning_rate * d"},
                step=True,
            ),
            Form("not-first*", layer={"dx": "learning_rate * delta @ W"}, step=True),
        ),
    ),
    Mistake(
        "weight-for-gradient",
        22,
        "update",
        "the update subtracts the weight itself: w - learning_rate * w",
        "w_new = w - learning_rate * w",
        "w_new = w - learning_rate * dC/dw",
        "The weight stands where its gradient is meant.",
        "Subtract the rate times the gradient.",
        (
            arrays("all*", w_new="w - learning_rate * w"),
            Form("all*", weights={"w_new": "w - learning_rate * w"}, step=True),
            Form("all*", biases={"w_new": "w - learning_rate * w"}, step=True),
            arrays("all*", w_new="-learning_rate * g", about="it replaces the weight"),
            arrays("all*", w_new="learning_rate * g", about="it replaces the weight"),
            arrays("all*", w_new="w - learning_rate * w * g"),
            arrays("all*", w_new="w * (1 - learning_rate * g)"),
        ),
    ),
    Mistake(
        "bias-regularized",
        35,
        "update",
        "the penalty is applied to the biases too",
        "db = Σ delta + alpha * b",
        "db = Σ delta",
        "With the bias as a column of the weights, the penalty takes it along.",
        "Leave the biases out of the penalty.",
        (
            Form("all*", biases={"dC": "d + 2 * l2 * w"}),
            Form("all*", biases={"dC": "d + alpha / total * w"}),
            Form("all*", biases={"dC": "d + alpha * w"}),
        ),
    ),
    Mistake(
        "adam-no-correction",
        43,
        "update",
        "Adam's means are used without their bias correction",
        "w - learning_rate * m / (sqrt(v) + eps)",
        "w - learning_rate * m̂ / (sqrt(v̂) + eps)",
        "The two divisions by 1 - beta^k look like a detail.",
        "Divide m by 1 - beta1^k and v by 1 - beta2^k.",
        (
            of_optimizer(ADAMS, mhat="m_new", vhat="v_new"),
            of_optimizer(ADAMS, mhat="m_new"),
            of_optimizer(ADAMS, vhat="v_new"),
        ),
    ),
    Mistake(
        "adam-betas-swapped",
        43,
        "update",
        "Adam's two betas are exchanged",
        "m with beta2, v with beta1",
        "m with beta1, v with beta2",
        "They stand side by side in every signature.",
        "beta1 = .9 is for the gradient, beta2 = .999 for its square.",
        (
            of_optimizer(
                ADAMS,
                m_new="beta2 * m + (1 - beta2) * g",
                v_new="beta1 * v + (1 - beta1) * g * g",
                mhat="m_new / (1 - beta2**k)",
                vhat="v_new / (1 - beta1**k)",
            ),
            of_optimizer(ADAMS, mhat="m_new / (1 - beta2**k)", vhat="v_new / (1 - beta1**k)"),
        ),
    ),
    Mistake(
        "adam-step-off-by-one",
        43,
        "update",
        "the step number in the bias correction is off by one, or never counts on",
        "1 - beta^(k + 1)",
        "1 - beta^k, k from 1",
        "The loop counts from 0, and the correction of step 0 would divide by zero.",
        "Count updates from 1.",
        (
            of_optimizer(
                ADAMS, mhat="m_new / (1 - beta1**(k + 1))", vhat="v_new / (1 - beta2**(k + 1))"
            ),
            of_optimizer(ADAMS, state=True, mhat="m_new / (1 - beta1)", vhat="v_new / (1 - beta2)"),
        ),
    ),
    Mistake(
        "eps-in-the-root",
        43,
        "update",
        "epsilon stands inside the root",
        "sqrt(v + eps)",
        "sqrt(v) + eps",
        "The bracket is closed one place too late.",
        "Add eps to the root, not under it.",
        (
            of_optimizer("adam", w_new="w - learning_rate * mhat / sqrt(vhat + eps)"),
            of_optimizer(
                "adamw", w_new="w - learning_rate * (mhat / sqrt(vhat + eps) + decay * w)"
            ),
            of_optimizer("rmsprop", w_new="w - learning_rate * g / sqrt(s_new + eps)"),
        ),
    ),
    Mistake(
        "adam-square-missing",
        43,
        "update",
        "the mean of the squares has a slip: no square, no root, or the wrong share",
        "v = beta2 * v + (1 - beta2) * g",
        "v = beta2 * v + (1 - beta2) * g²",
        "The lines for m and v are copied from each other.",
        "v is the mean of g², and its root divides.",
        (
            of_optimizer(ADAMS, v_new="beta2 * v + (1 - beta2) * g"),
            of_optimizer(ADAMS, w_new="w - learning_rate * mhat / (vhat + eps)"),
            of_optimizer(ADAMS, m_new="beta1 * m + g"),
            of_optimizer("rmsprop", w_new="w - learning_rate * g / (s_new + eps)"),
            of_optimizer("rmsprop", s_new="rho * s + g * g"),
            of_optimizer("rmsprop", s_new="(1 - rho) * s + rho * g * g"),
        ),
    ),
    Mistake(
        "decay-in-the-gradient",
        43,
        "update",
        "weight decay is not apart from the adaptive step as it should be",
        "g + decay * w, then Adam",
        "Adam's step, and decay * w beside it",
        "L2 regularization and decoupled decay are the same for plain gradient descent, and only "
        "there.",
        "AdamW subtracts learning_rate * decay * w apart from the adaptive step.",
        (
            of_optimizer(
                "adamw", g="d + decay * w", w_new="w - learning_rate * mhat / (sqrt(vhat) + eps)"
            ),
            of_optimizer("adamw", w_new="w - learning_rate * mhat / (sqrt(vhat) + eps)"),
            of_optimizer(
                "adamw", w_new="w - learning_rate * mhat / (sqrt(vhat) + eps) - decay * w"
            ),
        ),
    ),
    Mistake(
        "momentum-dropped",
        43,
        "update",
        "the optimizer's memory is dropped between steps",
        "v = -learning_rate * g",
        "v = momentum * v - learning_rate * g",
        "The buffer is made anew in every call, or never written back.",
        "Keep the buffer from step to step.",
        (
            of_optimizer("momentum", state=True, v_new="0 * v - learning_rate * g"),
            of_optimizer(
                "nesterov", v_new="0 * v - learning_rate * g", w_new="w - learning_rate * g"
            ),
            of_optimizer("nesterov", state=True, v_new="0 * v - learning_rate * g"),
            of_optimizer(ADAMS, state=True, m_new="(1 - beta1) * g", v_new="(1 - beta2) * g * g"),
            of_optimizer("rmsprop", state=True, s_new="(1 - rho) * g * g"),
            of_optimizer("nesterov", w_new="w + v_new"),
            of_optimizer("momentum", w_new="w + momentum * v_new - learning_rate * g"),
        ),
    ),
    Mistake(
        "momentum-sign",
        43,
        "update",
        "the velocity has the wrong sign or share",
        "v = momentum * v + learning_rate * g; w = w + v",
        "v = momentum * v - learning_rate * g; w = w + v",
        "There are two conventions, the velocity with and without the minus, and they are mixed.",
        "Keep to one: either v has the minus, or the update has.",
        (
            of_optimizer("momentum", state=True, v_new="-momentum * v - learning_rate * g"),
            of_optimizer("momentum", state=True, w_new="w + v_new - learning_rate * g"),
            of_optimizer("momentum", state=True, w_new="w + momentum * v_new"),
        ),
    ),
)

MISTAKES: dict[str, Mistake] = {m.id: m for m in (*FORWARD, *LOSS, *DELTAS, *GRADIENTS, *UPDATES)}

UNSEEN: dict[int, str] = {
    34: "weights that are all equal or zero: the gradients are right, and so are the numbers",
    39: "inputs that are not scaled and saturated units: a matter of data, not of arithmetic",
    40: "targets outside the output's range: the numbers follow the formula all the same",
    41: "slips in checking gradients: the checker is not what is handed in",
    42: "trusting a falling loss: no number shows what somebody believes",
}
