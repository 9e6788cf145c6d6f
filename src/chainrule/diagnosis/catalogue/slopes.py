"""Mistakes in the derivatives of activations, with which deltas are multiplied."""

from chainrule.diagnosis.catalogue.model import Mistake, Words, layer_form, loss_form

# Derivatives by a, and what remains of them where a part is lost.
LOST_PARTS = (
    ("logistic", "the logistic function", "a (1 - a)", ("1 - a", "a * (1 + a)")),
    ("tanh", "tanh", "1 - a²", ("1 - a", "1 + a", "a * a", "1 + a * a")),
)


def lost_part(of: str, right: str, wrong: str) -> Words:
    """Return the texts of a derivative of which a part is lost."""
    return Words(
        f"the derivative of {of} lacks a part: it is {wrong} instead of {right}",
        wrong=f"delta = da * ({wrong})",
        right=f"delta = da * ({right})",
        why="A factor, a square or a sign of the formula is lost.",
        repair=f"Write the whole derivative: {right}.",
    )


WEIGHTS_WITHOUT_SLOPE = Words(
    "the derivative of the activation is missing from the gradient of the weights only",
    wrong="dW = da.T @ x",
    right="dW = delta.T @ x",
    why="The variable before the multiplication by the derivative is used for dW.",
    repair="Use the same delta for dW, for db and for the layer below.",
)
BY_THE_OUTPUT = Words(
    "the derivative of the cross-entropy by the output is used as the output's delta",
    wrong="delta_o = dC/dp",
    right="delta_o = p - t",
    why="The derivative of the output function, which would cancel the division, is left out.",
    repair="Multiply dC/dp by the derivative of the output function, or use p - t.",
)
ERROR = "(a - loss.t)"  # the raw error of the output
NEGATIVE_ERROR = "(loss.t - a)"
NOT_MULTIPLIED = "and is not multiplied by it"
OTHER_SLOPE = "the derivative of {} is used in a layer with another activation"

SLOPES = (
    Mistake(
        id="slope-of-activation",
        number=4,
        stage="delta",
        title="the derivative is evaluated at the activation instead of the net input",
        wrong="f'(a)",
        right="f'(z)",
        why=(
            "The derivative function applies the activation itself, but receives an activated "
            "value."
        ),
        repair="Pass z to a derivative function that applies f itself, or use a (1 - a) with a.",
        forms=(layer_form("all*", delta="da * df(a, f(a))"),),
    ),
    Mistake(
        id="slope-form-fed-z",
        number=5,
        stage="delta",
        title="the formula a (1 - a) is evaluated at z",
        wrong="z * (1 - z)",
        right="a * (1 - a)",
        why="The short form of the derivative expects the activation, but receives the net input.",
        repair="Pass it the activation a.",
        forms=(layer_form("all*", delta="da * df(z, z)"),),
    ),
    Mistake(
        id="output-slope-missing",
        number=6,
        stage="delta",
        title="the derivative of the activation is missing at the output layer",
        wrong="delta_o = o - t",
        right="delta_o = (o - t) * f'(z_o)",
        why="The error is used as the delta, which is right only with cross-entropy.",
        repair="Multiply the output's error by the derivative of its activation.",
        forms=(
            layer_form("output", delta="da"),
            layer_form("output", dW="da.T @ x", words=WEIGHTS_WITHOUT_SLOPE),
            *(
                loss_form(losses, words=BY_THE_OUTPUT, do=by_the_output)
                for losses, by_the_output in (
                    ("logistic-cross-entropy", "(p - t) / (p * (1 - p)) / n"),
                    ("softmax-cross-entropy", "-t / p / n"),
                )
            ),
        ),
    ),
    Mistake(
        id="hidden-slope-missing",
        number=7,
        stage="delta",
        title="the derivative of the activation is missing from the backpropagated deltas",
        wrong="delta_h = delta_o @ W",
        right="delta_h = (delta_o @ W) * f'(z_h)",
        why=(
            "The error is propagated through the weights, and the activation in between is "
            "forgotten."
        ),
        repair="Multiply the backpropagated error by the derivative of the hidden activation.",
        forms=(
            layer_form("hidden*", delta="da"),
            layer_form(
                "all",
                delta="da",
                title="the derivative of the activation is missing in every layer",
            ),
            layer_form("hidden*", dW="da.T @ x", words=WEIGHTS_WITHOUT_SLOPE),
        ),
    ),
    Mistake(
        id="activation-for-slope",
        number=7,
        stage="delta",
        title="the activation itself is used instead of its derivative",
        wrong="delta = da * a",
        right="delta = da * f'(z)",
        why="f is called instead of f'.",
        repair="Call the derivative.",
        forms=(
            layer_form("all*", delta="da * a"),
            layer_form("all*", delta="da * f(a)", note="applied to the activation"),
            *(
                layer_form("all*", name, delta=f"da * ({slope})", words=lost_part(of, right, slope))
                for name, of, right, slopes in LOST_PARTS
                for slope in slopes
            ),
        ),
    ),
    Mistake(
        id="slope-of-error",
        number=8,
        stage="delta",
        title="the activation's derivative is evaluated at the error",
        wrong="delta = e * e * (1 - e)",
        right="delta = e * f'(z)",
        why="The derivative function receives the error instead of the output.",
        repair="Pass it the layer's own output (or net input).",
        forms=(
            layer_form("output", "logistic", delta=f"da * {ERROR} * (1 - {ERROR})"),
            layer_form(
                "output", "logistic", delta=f"da * {NEGATIVE_ERROR} * (1 - {NEGATIVE_ERROR})"
            ),
            layer_form(
                "output", "logistic", delta=f"{ERROR} * (1 - {ERROR}) / raw", note=NOT_MULTIPLIED
            ),
            layer_form(
                "output",
                "logistic",
                delta=f"-{NEGATIVE_ERROR} * (1 - {NEGATIVE_ERROR}) / raw",
                note=NOT_MULTIPLIED,
            ),
            layer_form("output", "tanh", delta=f"da * (1 - {ERROR} * {ERROR})"),
            layer_form("output", delta=f"da * df({ERROR}, {ERROR})"),
            layer_form("output", delta=f"da * df({ERROR}, f({ERROR}))"),
            layer_form("output", delta=f"da * df({NEGATIVE_ERROR}, f({NEGATIVE_ERROR}))"),
            layer_form("hidden*", delta="da * df(raw * da, raw * da)"),
            layer_form("hidden*", delta="da * df(-raw * da, -raw * da)"),
            layer_form("hidden*", delta="da * df(raw * da, f(raw * da))"),
            layer_form("hidden*", delta="da * df(-raw * da, f(-raw * da))"),
            layer_form("hidden*", delta="df(raw * da, raw * da) / raw", note=NOT_MULTIPLIED),
            layer_form("hidden*", delta="-df(-raw * da, -raw * da) / raw", note=NOT_MULTIPLIED),
            layer_form("all", delta="da * df(raw * da, raw * da)"),
            layer_form("all", delta="da * df(-raw * da, -raw * da)"),
            layer_form("all", delta="da * df(raw * da, f(raw * da))"),
            layer_form("all", delta="da * df(-raw * da, f(-raw * da))"),
            layer_form("all", delta="df(raw * da, raw * da) / raw"),
            layer_form("all", delta="-df(-raw * da, -raw * da) / raw"),
        ),
    ),
    Mistake(
        id="sole-slope-form",
        number=32,
        stage="delta",
        title="one activation's derivative is used for every layer",
        wrong="delta = da * a * (1 - a) in a tanh layer",
        right="each layer its own f'",
        why=(
            "Other activations were added to the network, and the backward pass still uses the "
            "derivative of the first one."
        ),
        repair="Keep each activation together with its derivative.",
        forms=(
            layer_form(
                "all*",
                "identity tanh relu leaky-relu elu selu softplus gelu gelu-tanh silu",
                delta="da * a * (1 - a)",
                title=OTHER_SLOPE.format("the logistic function"),
            ),
            layer_form(
                "all*",
                "identity logistic relu leaky-relu elu selu softplus gelu gelu-tanh silu",
                delta="da * (1 - a * a)",
                title=OTHER_SLOPE.format("tanh"),
            ),
            layer_form(
                "all*",
                "identity logistic tanh elu selu softplus gelu gelu-tanh silu",
                delta="da * where(z > 0, 1.0, 0.0)",
                title=OTHER_SLOPE.format("ReLU"),
            ),
        ),
    ),
    Mistake(
        id="relu-slope-always-1",
        number=31,
        stage="delta",
        title="the derivative of ReLU is computed from its output with >=, so it is always 1",
        wrong="a >= 0",
        right="z > 0",
        why="ReLU's output is never negative, so the comparison is always true.",
        repair="Compare the net input: z > 0.",
        forms=(layer_form("all*", "relu", delta="da"),),
    ),
)
