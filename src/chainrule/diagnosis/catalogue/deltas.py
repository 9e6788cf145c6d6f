"""Mistakes in the deltas: what the backward pass propagates from layer to layer."""

from chainrule.diagnosis.catalogue.model import Form, Mistake, layer_form

ERROR = "(a - loss.t)"  # the raw error of the output
NEGATIVE_ERROR = "(loss.t - a)"
NOT_MULTIPLIED = "and is not multiplied by it"
AT_INPUT = "the derivative is evaluated at the layer's input"

DELTAS = (
    Mistake(
        id="updated-weights",
        number=1,
        stage="delta",
        title="the hidden deltas use the output weights after their update",
        wrong="delta_h = (delta_o @ W_new) * f'(z_h)",
        right="delta_h = (delta_o @ W) * f'(z_h)",
        why=(
            "The output layer is updated first, and its weights are then overwritten when the "
            "hidden layer needs them."
        ),
        repair="Compute all deltas with the old weights, then update all layers.",
        forms=(Form("not-first*", layer={"dx": "delta @ W_new"}, needs_update=True),),
    ),
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
            layer_form("output", dW="da.T @ x", note="only in the gradient of its weights"),
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
            layer_form("all", delta="da", note="in every layer"),
            layer_form("hidden*", dW="da.T @ x", note="only in the gradient of the weights"),
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
            layer_form(
                "all*",
                "logistic",
                delta="da * (1 - a)",
                title="the derivative of the logistic function lacks its factor a",
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
        id="raw-error-back",
        number=9,
        stage="delta",
        title="the raw error is backpropagated instead of the delta",
        wrong="delta_h = ((o - t) @ W) * f'(z_h)",
        right="delta_h = (delta_o @ W) * f'(z_h)",
        why="The raw error and the delta have the same shape, and the wrong variable is used.",
        repair="Backpropagate the delta: the error times the derivative.",
        forms=(
            layer_form("not-first*", dx="da @ W"),
            Form(
                "output",
                layer={"dx": "(delta / (loss.p * (1 - loss.p))) @ W"},
                for_losses="logistic-cross-entropy",
                title="the derivative by the output is backpropagated instead of the delta",
            ),
        ),
    ),
    Mistake(
        id="hidden-from-output-error",
        number=10,
        stage="delta",
        title="a hidden delta is computed from the wrong layer's error or derivative",
        wrong="delta_h = (o - t) * f'(z_h)",
        right="delta_h = (delta_o @ W) * f'(z_h)",
        why="Variables of two layers are mixed up, and the shapes happen to match.",
        repair="Compute each layer's delta from the delta of the layer above, through its weights.",
        forms=(
            layer_form("hidden*", delta="last.da * df(z, a)"),
            layer_form("hidden*", delta="last.delta * df(z, a)"),
            layer_form("hidden*", delta="above.da * df(z, a)"),
            layer_form("hidden*", delta="above.delta * df(z, a)"),
            layer_form("hidden*", delta="(last.delta @ last.W) * df(z, a)"),
            layer_form("hidden*", delta="(last.da @ last.W) * df(z, a)"),
            layer_form("hidden*", delta="(last.da @ above.W) * df(z, a)"),
            layer_form("hidden*", delta="(last.delta @ above.W) * df(z, a)"),
            layer_form("hidden*", delta="da * sum(above.delta, axis=1, keepdims=True)"),
            layer_form("not-first*", dx="0 * x + sum(da, axis=1, keepdims=True)"),
            layer_form("not-first*", dx="0 * x + sum(delta, axis=1, keepdims=True)"),
            layer_form(
                "hidden*",
                delta="da * df(above.z, above.a)",
                note="the derivative is that of the layer above",
            ),
            layer_form(
                "hidden*",
                delta="da * df(last.z, last.a)",
                note="the derivative is that of the output layer",
            ),
            layer_form("hidden*", delta="da * df(x, x)", note=AT_INPUT),
            layer_form("hidden*", delta="da * df(x, f(x))", note=AT_INPUT),
            layer_form("hidden*", dW="above.delta.T @ x", db="sum(above.delta, axis=0)"),
            layer_form("hidden*", dW="last.delta.T @ x", db="sum(last.delta, axis=0)"),
            layer_form("hidden*", dW="last.da.T @ x", db="sum(last.da, axis=0)"),
            layer_form("hidden*", dW="0 * W + last.da.T @ x", db="0 * b + sum(last.da, axis=0)"),
            layer_form(
                "hidden*", dW="0 * W + last.delta.T @ x", db="0 * b + sum(last.delta, axis=0)"
            ),
        ),
    ),
    Mistake(
        id="not-transposed",
        number=11,
        stage="delta",
        title="a weight matrix is transposed by mistake: its indices are swapped",
        wrong="dx = delta @ W.T",
        right="dx = delta @ W",
        why="If the matrix is square, the wrong orientation raises no error.",
        repair="Check with layers of different widths: from (n, out) back to (n, in).",
        forms=(
            layer_form("not-first*", dx="delta @ W.T"),
            layer_form("all*", dW="x.T @ delta"),
            layer_form("all*", z="x @ W + b", note="in the forward pass"),
            layer_form(
                "all*",
                z="x @ W + b",
                dx="delta @ W.T",
                dW="delta.T @ x",
                note="in the forward and the backward pass, but not in the gradient",
            ),
        ),
    ),
    Mistake(
        id="gradient-for-weights",
        number=12,
        stage="delta",
        title="the gradient dW is used instead of the weights in the backward pass",
        wrong="dx = delta @ dW",
        right="dx = delta @ W",
        why="dW and W have the same shape, and their names differ by a single letter.",
        repair="Backpropagate the delta through W.",
        forms=(
            layer_form("not-first*", dx="delta @ dW"),
            layer_form("not-first*", dx="delta @ (n * dW)"),
        ),
    ),
    Mistake(
        id="matrix-for-elementwise",
        number=13,
        stage="delta",
        title="a matrix product is used instead of the elementwise product, or the reverse",
        wrong="da @ f'(z)",
        right="da * f'(z)",
        why="`*`, `@` and `dot` are confused, and the shapes happen to allow it.",
        repair=(
            "Multiply elementwise by the activation's derivative; use matrix products for the "
            "weights."
        ),
        forms=(
            layer_form("all*", delta="0 * z + sum(da * df(z, a), axis=1, keepdims=True)"),
            layer_form("all*", delta="0 * z + sum(da * df(z, a), axis=0)"),
            layer_form("all*", delta="0 * z + sum(da * df(z, a), axis=None)"),
            layer_form("all*", delta="(da @ df(z, a).T) @ (1 + 0 * z)"),
            layer_form("all*", delta="da @ df(z, a)"),
            layer_form("all*", delta="da @ df(z, a).T"),
            layer_form("all*", delta="da.T @ df(z, a)"),
            layer_form("all*", delta="da @ (da.T @ df(z, a))"),
            layer_form("not-first*", dx="delta * W"),
            layer_form("not-first*", dx="0 * x + delta * sum(W, axis=0)"),
            layer_form("not-first*", dx="delta * sum(W, axis=1)"),
            layer_form(
                "not-first*", dx="0 * x + sum(delta, axis=1, keepdims=True) * sum(W, axis=0)"
            ),
            layer_form("not-first*", dx="0 * x + sum(delta @ W, axis=1, keepdims=True)"),
            layer_form("not-first*", dx="0 * x + sum(delta @ W, axis=0)"),
            layer_form("all*", dW="0 * W + sum(delta * x, axis=0)"),
            layer_form("all*", dW="0 * W + sum(delta * x, axis=0)[:, None]"),
            layer_form("all*", dW="0 * W + sum(delta * x, axis=None)"),
            layer_form("all*", dW="0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0)"),
            layer_form("all*", dW="0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0) / n"),
        ),
    ),
    Mistake(
        id="upstream-dropped",
        number=14,
        stage="delta",
        title="the gradient from the layer above is dropped: = is used instead of *=",
        wrong="delta = f'(z)",
        right="delta = da * f'(z)",
        why="The local derivative overwrites the incoming gradient instead of multiplying it.",
        repair="Multiply: delta = da * f'(z).",
        forms=(
            layer_form("all*", delta="df(z, a)"),
            layer_form("all*", delta="df(z, a) / raw"),
            layer_form("not-first*", dx="0 * x + sum(W, axis=0)"),
            layer_form("not-first*", dx="0 * x + sum(W, axis=0) / raw"),
            layer_form(
                "not-first*",
                dx="da * 0 @ W + delta @ (1 + 0 * W)",
                note="the weights are left out",
            ),
            layer_form("not-first*", dx="df(z, a) @ W"),
            layer_form("not-first*", dx="df(z, a) @ W / raw"),
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
                note="that of the logistic function",
            ),
            layer_form(
                "all*",
                "identity logistic relu leaky-relu elu selu softplus gelu gelu-tanh silu",
                delta="da * (1 - a * a)",
                note="that of tanh",
            ),
            layer_form(
                "all*",
                "identity logistic tanh elu selu softplus gelu gelu-tanh silu",
                delta="da * where(z > 0, 1.0, 0.0)",
                note="that of ReLU",
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
    Mistake(
        id="normalized-weights",
        number=38,
        stage="delta",
        title="the error is distributed by normalized weights",
        wrong="dx = delta @ (W / sum of W's rows or columns)",
        right="dx = delta @ W",
        why=(
            "The error is thought of as a total to be divided among units; the chain rule divides "
            "nothing."
        ),
        repair="Multiply by the unmodified weights.",
        forms=(
            layer_form("not-first*", dx="delta @ (W / sum(W, axis=1, keepdims=True))"),
            layer_form("not-first*", dx="delta @ (W / sum(W, axis=0))"),
            layer_form("not-first*", dx="da @ (W / sum(W, axis=1, keepdims=True))"),
            layer_form("not-first*", dx="da @ (W / sum(W, axis=0))"),
            layer_form("not-first*", dx="delta @ (W / sum(sqrt(W * W), axis=1, keepdims=True))"),
            layer_form("not-first*", dx="delta @ (W / sum(W, axis=None))"),
        ),
    ),
    Mistake(
        id="one-path-only",
        number=48,
        stage="delta",
        title="a hidden unit's delta includes the path of only one output",
        wrong="dx_k = delta_o1 * w_o1,k",
        right="dx_k = Σ over o of delta_o * w_o,k",
        why="A loop over the outputs overwrites with = instead of adding with +=.",
        repair="Sum the contributions of all units in the layer above.",
        forms=(
            layer_form("not-first*", dx="delta[:, -1:] @ W[-1:]", note="the last output's"),
            layer_form("not-first*", dx="delta[:, :1] @ W[:1]", note="the first output's"),
        ),
    ),
    Mistake(
        id="bias-unit-delta",
        number=35,
        stage="delta",
        title="the backward pass removes the wrong column: a weight's instead of the bias's",
        wrong="dx = (delta @ [b W])[:, :-1]",
        right="dx = delta @ W",
        why=(
            "With the bias as a column of the weights, the backpropagated vector has one extra "
            "entry, and the wrong entry is removed."
        ),
        repair="Remove the column of the bias, first or last, before continuing.",
        forms=(
            layer_form(
                "not-first*", dx="(delta @ concat(b[:, None], W))[:, :-1]", note="bias first"
            ),
            layer_form("not-first*", dx="(delta @ concat(W, b[:, None]))[:, 1:]", note="bias last"),
        ),
    ),
)
