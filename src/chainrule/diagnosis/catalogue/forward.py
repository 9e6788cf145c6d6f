"""Mistakes of the forward pass, and of values that one pass leaves behind for the next."""

from chainrule.diagnosis.catalogue.model import (
    Form,
    Mistake,
    Words,
    layer_form,
    loss_form,
    softmax_forms,
)

FIRST_CALL = "where(k > 1, first, {})"  # the value of the first call, in all later calls
WHOLE_BATCH = "softmax is normalized over the whole batch instead of over the classes"
MAXIMUM = "softmax subtracts the maximum over the samples instead of over the classes"
SHARED_GRADIENT = Words(
    "all biases of a layer get the same gradient",
    wrong="db = Σ over samples and units of delta",
    right="db = Σ over samples of delta",
    why="The sum is over the whole array, as np.sum without an axis gives it.",
    repair="Sum over the samples only: np.sum(delta, axis=0) for samples in rows.",
)
SUBTRACTED = Words(
    "the bias is subtracted instead of added",
    wrong="z = x @ W.T - b",
    why="The bias is thought of as a threshold; its gradient is that of an added bias.",
    repair="Add b, or change the sign of its gradient as well.",
)
ADDED_TWICE = Words(
    "the bias is added twice",
    wrong="z = x @ W.T + 2 * b",
    why="It is added by the layer, and again by the function that calls it.",
    repair="Add b once.",
)

FORWARD = (
    Mistake(
        id="shared-bias",
        number=3,
        stage="forward",
        title="a layer has one bias for all its units",
        wrong="z = x @ W.T + b[0]",
        right="z = x @ W.T + b",
        why=(
            "Diagrams in tutorials draw one bias node per layer, which is mistaken for a single "
            "number."
        ),
        repair="Give every unit its own bias: b has as many entries as the layer has units.",
        forms=(
            layer_form("all*", z="x @ W.T + b[0]", note="its gradient goes to every entry"),
            layer_form("all*", z="x @ W.T + b[0]", db="0 * b + sum(delta, axis=None)"),
            layer_form("all*", z="x @ W.T + b[-1]"),
            layer_form("all*", db="0 * b + sum(delta, axis=None)", words=SHARED_GRADIENT),
            layer_form(
                "all*",
                db="0 * b + sum(delta, axis=None) / shape",
                shape="sum(1 + 0 * b, axis=0)",
                words=SHARED_GRADIENT,
            ),
        ),
    ),
    Mistake(
        id="missing-bias",
        number=3,
        stage="forward",
        title="the bias is left out of a layer's net input",
        wrong="z = x @ W.T",
        right="z = x @ W.T + b",
        why=(
            "The product with the weights was written first, and the bias was forgotten in that "
            "layer."
        ),
        repair="Add b to the net input of every layer.",
        forms=(
            layer_form("all*", z="x @ W.T"),
            layer_form("all*", z="x @ W.T", db="0 * b"),
            layer_form("all*", z="x @ W.T - b", words=SUBTRACTED),
            layer_form("all*", z="x @ W.T + 2 * b", words=ADDED_TWICE),
        ),
    ),
    Mistake(
        id="lost-sign-in-sigmoid",
        number=45,
        stage="forward",
        title="the logistic function has lost the minus sign of its exponent",
        wrong="1 / (1 + exp(z))",
        right="1 / (1 + exp(-z))",
        why="exp(z) looks as plausible as exp(-z), and the output still lies between 0 and 1.",
        repair="Write 1 / (1 + exp(-z)).",
        forms=(
            layer_form("all*", "logistic", a="f(-z)"),
            layer_form(
                "all*",
                "logistic",
                a="f(-z)",
                delta="-da * a * (1 - a)",
                note="with the derivative of the wrong function",
            ),
            loss_form(
                "logistic-cross-entropy",
                p="logistic(-o)",
                terms="t * softplus(o) + (1 - t) * softplus(-o)",
            ),
        ),
    ),
    Mistake(
        id="softmax-over-the-wrong-axis",
        number=27,
        stage="forward",
        title="softmax is normalized over the samples instead of over the classes",
        wrong="p = e / sum(e, axis=0)",
        right="p = e / sum(e, axis=1, keepdims=True)",
        why="np.sum(e) without an axis, or over the other axis, is right for a single sample.",
        repair="Sum over each row: np.sum(e, axis=1, keepdims=True) for samples in rows.",
        forms=(
            *softmax_forms(p="e / sum(e, axis=0, keepdims=True)"),
            *softmax_forms(title=WHOLE_BATCH, p="e / sum(e, axis=None)", s="o - max(o, axis=None)"),
            *softmax_forms(
                p="e / sum(e, axis=0, keepdims=True)", s="o - max(o, axis=0, keepdims=True)"
            ),
            *softmax_forms(p="e / sum(e, axis=0, keepdims=True)", s="o - max(o, axis=None)"),
            *softmax_forms(
                title=MAXIMUM,
                p="e / sum(e, axis=1, keepdims=True)",
                s="o - max(o, axis=0, keepdims=True)",
            ),
            *softmax_forms(
                title=MAXIMUM, p="e / sum(e, axis=1, keepdims=True)", s="o - max(o, axis=0)"
            ),
            *softmax_forms(
                title=WHOLE_BATCH,
                p="e / sum(e, axis=None)",
                s="o - max(o, axis=1, keepdims=True)",
            ),
        ),
    ),
    Mistake(
        id="softmax-twice",
        number=28,
        stage="forward",
        title="softmax is applied twice",
        wrong="p = softmax(softmax(o))",
        right="p = softmax(o)",
        why="The last layer applies softmax, and the loss or the prediction applies it again.",
        repair="Apply softmax once, either in the layer or in the loss.",
        forms=(
            *softmax_forms(
                q="e / sum(e, axis=1, keepdims=True)",
                p="exp(q) / sum(exp(q), axis=1, keepdims=True)",
            ),
            loss_form(
                "softmax-cross-entropy",
                terms="-t * log(p)",
                q="e / sum(e, axis=1, keepdims=True)",
                p="exp(q) / sum(exp(q), axis=1, keepdims=True)",
                do="q * ((p - t) - sum(q * (p - t), axis=1, keepdims=True)) / n",
                note="with the derivative of both",
            ),
            loss_form(
                "softmax-cross-entropy",
                q="exp(p) / sum(exp(p), axis=1, keepdims=True)",
                terms="-t * log(q)",
                do="(q - t) / n",
                note="the loss applies it again",
            ),
        ),
    ),
    Mistake(
        id="overflow",
        number=29,
        stage="forward",
        title="a number has overflowed to infinity or become NaN",
        wrong="exp(z) with a large z; log(0)",
        right="exp(z - max(z)); 1 / (1 + exp(-z)) by cases",
        why=(
            "The exponential overflows above 709 in double precision, and log(0) is minus infinity."
        ),
        repair="Subtract the row's maximum before exp, and compute the loss from the raw outputs.",
    ),
    Mistake(
        id="changed-in-place",
        number=30,
        stage="forward",
        title="a function modifies its argument in place, so a later line uses the modified array",
        wrong="def d(a): a *= 1 - a; return a",
        right="def d(a): return a * (1 - a)",
        why="`*=` and `a[...] =` write into the caller's array, which changes a cached z or a.",
        repair="Return a new array, or copy the argument before modifying it.",
        forms=(
            Form(
                "hidden*",
                layer={"edited": "df(z, a)"},
                above={"dW": "delta.T @ below.edited"},
                note="the derivative overwrites a, and the next layer's dW uses it",
            ),
            Form(
                "hidden*",
                layer={"edited": "df(z, a)", "delta": "da * df(edited, edited)"},
                note="the derivative is applied twice, the second time to its own result",
            ),
            layer_form("all*", delta="da * df(a, f(a))", note="the activation overwrites z"),
        ),
    ),
    Mistake(
        id="shared-lists",
        number=46,
        stage="forward",
        title="lists are shared by all instances, or grow with every call, so old values remain",
        wrong="class Layer: outputs = []",
        right="def __init__(self): self.outputs = []",
        why=(
            "A list defined in the class body belongs to the class, and append keeps the old "
            "values."
        ),
        repair="Create the lists in __init__, and clear them at the start of every pass.",
    ),
    Mistake(
        id="stale-values",
        number=46,
        stage="training",
        title="values from an earlier call are reused",
        wrong="dW from the first call's activations",
        right="dW from this call's activations",
        why="A value is computed or appended once and never updated, so index 0 stays the oldest.",
        repair="Recompute every intermediate value in every call.",
        forms=(
            Form(
                "hidden",
                needs_second_call=True,
                layer={
                    "first_new": FIRST_CALL.format("a"),
                    "second_new": "where(k > 1, second, x)",
                    "delta": "da * df(z, first_new)",
                    "dW": "delta.T @ second_new",
                },
                above={"dW": "delta.T @ below.first_new"},
                note="every activation except the output",
            ),
            Form(
                "all*",
                needs_second_call=True,
                layer={"first_new": FIRST_CALL.format("f(z)"), "a": "first_new"},
                note="a layer's output",
            ),
            Form(
                "all*",
                needs_second_call=True,
                layer={"first_new": FIRST_CALL.format("x"), "dW": "delta.T @ first_new"},
                note="the inputs of dW",
            ),
            Form(
                "all*",
                needs_second_call=True,
                layer={"first_new": FIRST_CALL.format("a"), "delta": "da * df(z, first_new)"},
                note="the activations in the derivative",
            ),
            Form(
                "all*",
                needs_second_call=True,
                layer={"first_new": FIRST_CALL.format("da * df(z, a)"), "delta": "first_new"},
                note="the deltas",
            ),
            Form(
                "all*",
                needs_second_call=True,
                layer={
                    "first_new": FIRST_CALL.format("delta.T @ x"),
                    "dW": "first_new",
                    "second_new": "where(k > 1, second, sum(delta, axis=0))",
                    "db": "second_new",
                },
                note="the gradients",
            ),
        ),
    ),
)
