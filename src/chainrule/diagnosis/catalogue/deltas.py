"""Mistakes in the deltas: what the backward pass propagates from layer to layer."""

from dataclasses import replace

from chainrule.diagnosis.catalogue.model import Form, Mistake, Words, layer_form

BACK_BY_THE_OUTPUT = Words(
    "the derivative of the cross-entropy by the output is backpropagated instead of the delta",
    wrong="delta_h = (dC/dp @ W) * f'(z_h)",
    right="delta_h = ((p - t) @ W) * f'(z_h)",
    why="dC/dp and the delta have the same shape, and the wrong variable is passed on.",
    repair="Backpropagate p - t, which includes the derivative of the output function.",
)
BACK_BEFORE_SLOPE = Words(
    "the deltas are backpropagated before they are multiplied by the derivative of the activation",
    wrong="dx = da @ W",
    right="dx = delta @ W",
    why="The variable before the multiplication by the derivative is passed on.",
    repair="Backpropagate delta, which includes the derivative.",
)
TRANSPOSED_GRADIENT = Words(
    "the gradient of the weights is transposed",
    wrong="dW = x.T @ delta",
    right="dW = delta.T @ x",
    why="The product is written in the other order; if the matrix is square, nothing fails.",
    repair="Give dW the orientation of W: entry [i, j] of both belongs to the same weight.",
)
TRANSPOSED_FORWARD = Words(
    "the weight matrix is transposed in the forward pass",
    wrong="z = x @ W + b",
    right="z = x @ W.T + b",
)
A_HIDDEN_DELTA = "a hidden delta is computed from"
A_SLOPE = "the derivative in a hidden delta is evaluated at"
WITHOUT_WEIGHTS = "the deltas are only added when they are backpropagated: the weights are missing"
DROPPED = "the gradient from the layer above is dropped"
ELEMENTWISE = "an elementwise product is used instead of a matrix product"
MATRIX = "a matrix product is used instead of the elementwise product"


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
        forms=(
            Form("output", layer={"dx": "delta @ W_new"}, needs_update=True),
            Form(
                "not-first*",
                layer={"dx": "delta @ W_new"},
                needs_update=True,
                words=Words(
                    "the weights{of_layers} are used in the backward pass after their update"
                ),
            ),
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
            layer_form("output", dx="da @ W"),
            layer_form("not-first*", dx="da @ W", words=BACK_BEFORE_SLOPE),
            *(
                Form("output", layer={"dx": dx}, for_losses=losses, words=BACK_BY_THE_OUTPUT)
                for losses, dx in (
                    ("logistic-cross-entropy", "(delta / (loss.p * (1 - loss.p))) @ W"),
                    (
                        "softmax-cross-entropy",
                        "(delta / (loss.p - loss.t) * (-loss.t / loss.p)) @ W",
                    ),
                )
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
            *(
                layer_form(
                    "hidden*", delta=f"({sent}) * df(z, a)", title=f"{A_HIDDEN_DELTA} {what}"
                )
                for sent, what in (
                    ("last.da", "the output's error, without its weights"),
                    ("last.delta", "the output's delta, without its weights"),
                    ("above.da", "what the layer above receives, without its weights"),
                    ("above.delta", "the delta of the layer above, without its weights"),
                    ("last.delta @ last.W", "the output layer, not the layer above"),
                    ("last.da @ last.W", "the output's error and weights"),
                    ("last.da @ above.W", "the output's error and the weights of the layer above"),
                    (
                        "last.delta @ above.W",
                        "the output's delta and the weights of the layer above",
                    ),
                )
            ),
            layer_form(
                "hidden*",
                delta="da * sum(above.delta, axis=1, keepdims=True)",
                title="a hidden delta is multiplied by the deltas of the layer above",
            ),
            layer_form(
                "not-first*", dx="0 * x + sum(da, axis=1, keepdims=True)", title=WITHOUT_WEIGHTS
            ),
            layer_form(
                "not-first*", dx="0 * x + sum(delta, axis=1, keepdims=True)", title=WITHOUT_WEIGHTS
            ),
            *(
                layer_form("hidden*", delta=f"da * df({at})", title=f"{A_SLOPE} {where}")
                for at, where in (
                    ("above.z, above.a", "the layer above"),
                    ("last.z, last.a", "the output layer"),
                    ("x, x", "the layer's input"),
                    ("x, f(x)", "the layer's input"),
                )
            ),
            *(
                layer_form(
                    "hidden*",
                    dW=f"{dW}{delta}.T @ x",
                    db=f"{db}sum({delta}, axis=0)",
                    title=f"the gradients{{of_layers}} are computed with {what}",
                )
                for delta, dW, db, what in (
                    ("above.delta", "", "", "the delta of the layer above"),
                    ("last.delta", "", "", "the output's delta"),
                    ("last.da", "", "", "the output's error"),
                    ("last.da", "0 * W + ", "0 * b + ", "the output's error"),
                    ("last.delta", "0 * W + ", "0 * b + ", "the output's delta"),
                )
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
            layer_form(
                "not-first*",
                dx="delta @ W.T",
                title="the weight matrix is transposed in the backward pass",
            ),
            layer_form("all*", dW="x.T @ delta", words=TRANSPOSED_GRADIENT),
            layer_form("all*", z="x @ W + b", words=TRANSPOSED_FORWARD),
            layer_form(
                "all*",
                z="x @ W + b",
                dx="delta @ W.T",
                dW="delta.T @ x",
                words=replace(
                    TRANSPOSED_FORWARD,
                    title="the weight matrix is transposed in both passes, but not in its gradient",
                ),
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
            *(
                layer_form("all*", delta=delta, title=MATRIX)
                for delta in (
                    "0 * z + sum(da * df(z, a), axis=1, keepdims=True)",
                    "0 * z + sum(da * df(z, a), axis=0)",
                    "0 * z + sum(da * df(z, a), axis=None)",
                    "(da @ df(z, a).T) @ (1 + 0 * z)",
                    "da @ df(z, a)",
                    "da @ df(z, a).T",
                    "da.T @ df(z, a)",
                    "da @ (da.T @ df(z, a))",
                )
            ),
            *(
                layer_form("not-first*", dx=dx, title=f"{ELEMENTWISE} in the backward pass")
                for dx in (
                    "delta * W",
                    "0 * x + delta * sum(W, axis=0)",
                    "delta * sum(W, axis=1)",
                    "0 * x + sum(delta, axis=1, keepdims=True) * sum(W, axis=0)",
                    "0 * x + sum(delta @ W, axis=1, keepdims=True)",
                    "0 * x + sum(delta @ W, axis=0)",
                )
            ),
            *(
                layer_form("all*", dW=dW, title=f"{ELEMENTWISE} in the gradient of the weights")
                for dW in (
                    "0 * W + sum(delta * x, axis=0)",
                    "0 * W + sum(delta * x, axis=0)[:, None]",
                    "0 * W + sum(delta * x, axis=None)",
                    "0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0)",
                    "0 * W + sum(delta, axis=0)[:, None] * sum(x, axis=0) / n",
                )
            ),
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
            *(
                layer_form(
                    "not-first*", dx=dx, title=f"{DROPPED}: only the weights are backpropagated"
                )
                for dx in ("0 * x + sum(W, axis=0)", "0 * x + sum(W, axis=0) / raw")
            ),
            layer_form(
                "not-first*",
                dx="da * 0 @ W + delta @ (1 + 0 * W)",
                title="the weights are left out of the backward pass",
            ),
            *(
                layer_form(
                    "not-first*", dx=dx, title=f"{DROPPED}: only the derivative is backpropagated"
                )
                for dx in ("df(z, a) @ W", "df(z, a) @ W / raw")
            ),
        ),
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
