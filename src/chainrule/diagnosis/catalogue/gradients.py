"""Mistakes in the gradients of the weights and biases, given the right deltas."""

from collections.abc import Iterator
from dataclasses import replace

from chainrule.diagnosis.catalogue.model import (
    Form,
    Mistake,
    Words,
    factor_forms,
    layer_form,
    parameter_form,
)

# Which update equations a mistake replaces, by the subject of its title.
ARRAYS = {
    "{layers} {is}": ("weights", "biases"),
    "the biases{of_layers} are": ("biases",),
    "the weights{of_layers} are": ("weights",),
}
BIASES = Words("the biases{of_layers} are never updated")
NEVER_TRAINED = Words(
    "{layers} {is} never trained",
    why="The layer is missing from the update, or nothing is backpropagated to it.",
    repair="Give the layer its gradients, and update it like the others.",
)
WEIGHTS_NEVER_TRAINED = replace(NEVER_TRAINED, title="the weights of {layers} are never trained")
NOT_THE_INPUT = "the weights' gradient uses {} instead of the layer's input"
ONLY_FIRST = Words(
    "only the first sample's gradient is kept",
    wrong="dW = delta[0] * x[0]",
    why="The loop over the samples ends, or returns, after the first one.",
)
ONLY_IN_WEIGHTS = Words(
    "= is used instead of +=, so only one sample's gradient of the weights is kept"
)
# What db is instead of the sum of delta over the samples, and in which words.
OTHER_SUMS = (
    ("delta[-1]", "is the last sample's delta instead of the sum"),
    ("delta[0]", "is the first sample's delta instead of the sum"),
    ("delta", "is delta itself: it is not summed over the samples"),
    ("delta.T", "is delta itself: it is not summed over the samples"),
    ("sum(delta, axis=1)", "is summed over the units instead of the samples"),
    ("mean(delta, axis=1)", "is a mean over the units instead of the samples"),
    ("sum(delta, axis=None)", "is one number for all units of a layer"),
    ("0 * b + sum(delta, axis=None)", "is summed over the units as well"),
    ("0 * b + mean(delta, axis=None)", "is a mean over the units as well"),
    ("mean(delta, axis=None)", "is one number for all units of a layer"),
)
# What db is computed from instead of delta, and in which words.
FROM_THE_WEIGHTS = (
    ("sum(dW, axis=1)", "is dW summed over the layer's inputs"),
    ("sum(dW, axis=0)", "is dW summed over the layer's units"),
    ("mean(dW, axis=1)", "is the mean of dW over the layer's inputs"),
    ("mean(dW, axis=0)", "is the mean of dW over the layer's units"),
)


def times_samples(db: str) -> str:
    """Return a bias gradient that lacks the division by the number of samples."""
    return db.replace("0 * b + ", "0 * b + n * ") if "0 * b" in db else f"n * {db}"


def other_layers_forms() -> Iterator[Form]:
    """Yield the forms in which an update uses the gradient, or the old value, of another layer."""
    for where, which in (("not-first*", "below"), ("hidden*", "above")):
        uses = (
            ("gradient", "", {"g": f"{which}.dC"}),
            ("old value", "sgd", {"w_new": f"{which}.w - learning_rate * g"}),
        )
        for what, rules, equations in uses:
            for subject, groups in ARRAYS.items():
                words = Words(f"{subject} updated with the {what} of the layer {which}")
                made = Form(where, for_optimizers=rules, needs_update=True, words=words)
                yield replace(made, **dict.fromkeys(groups, equations))


def unit_forms() -> Iterator[Form]:
    """Yield the forms in which gradients are divided by a number of units."""
    for width, axis_of in (("inputs", "x"), ("units", "delta")):
        count = {width: f"sum(1 + 0 * {axis_of}[0], axis=0)"}
        dW = {"dW": f"n * delta.T @ x / {width}"}
        db = {"db": f"n * sum(delta, axis=0) / {width}"}
        words = "gradients{of_layers} are divided by a number of units, not of samples"
        for which, made in (("", dW | db), ("bias ", db), ("weight ", dW)):
            yield Form("all*", layer=made | count, words=Words(f"the {which}{words}"))


GRADIENTS = (
    Mistake(
        id="biases-never-updated",
        number=2,
        stage="update",
        title="the biases are never updated",
        wrong="b_new = b",
        right="b_new = b - learning_rate * db",
        why="The update loops over the weights only.",
        repair="Give every bias its gradient: the sum of its unit's deltas.",
        forms=(
            layer_form("all*", db="0 * b", words=BIASES),
            Form("all*", biases={"w_new": "w"}, needs_update=True, words=BIASES),
        ),
    ),
    Mistake(
        id="z-for-a",
        number=15,
        stage="gradient",
        title=(
            "the weights' gradient uses z, or another layer's activation, instead of the layer's "
            "input"
        ),
        wrong="dW = delta.T @ z_below",
        right="dW = delta.T @ a_below",
        why=(
            "Net inputs and activations are in two lists of the same shapes, and an index is "
            "easily off by one."
        ),
        repair="The input of layer l is the activation of layer l - 1.",
        forms=(
            *(
                layer_form(where, dW=f"delta.T @ {used}", title=NOT_THE_INPUT.format(what))
                for where, used, what in (
                    ("not-first*", "below.z", "the net input z of the layer below"),
                    ("all*", "a", "the layer's own output"),
                    ("all*", "z", "the layer's own net input z"),
                    ("not-first*", "below.x", "the input of the layer below"),
                    ("not-first*", "input.a", "the network's input"),
                )
            ),
        ),
    ),
    Mistake(
        id="weight-for-input",
        number=16,
        stage="gradient",
        title="the delta is multiplied by the weight instead of the input",
        wrong="dW = delta * W",
        right="dW = delta * x",
        why="In ∂net/∂w the weight is kept instead of the input that it multiplies.",
        repair="The derivative of w x by w is x.",
        forms=(
            layer_form("all*", dW="sum(delta, axis=0)[:, None] * W"),
            layer_form("all*", dW="n * sum(delta, axis=0)[:, None] * W"),
        ),
    ),
    Mistake(
        id="bias-before-slope",
        number=17,
        stage="gradient",
        title="the bias gradient is computed before multiplying by the activation's derivative",
        wrong="db = Σ da",
        right="db = Σ delta",
        why="The error is summed instead of the delta.",
        repair="db is the sum of delta, which includes the derivative.",
        forms=(
            layer_form("all*", db="sum(da, axis=0)"),
            layer_form(
                "hidden*",
                db="sum(above.delta, axis=0)",
                title="the bias gradient is that of the layer above",
            ),
            layer_form(
                "hidden*",
                db="0 * b + sum(last.delta, axis=None)",
                title="the bias gradient is the sum of the output's deltas",
            ),
        ),
    ),
    Mistake(
        id="bias-not-summed",
        number=18,
        stage="gradient",
        title="the bias gradient is not the sum of delta over the samples",
        wrong="db = delta[-1]",
        right="db = Σ over samples of delta",
        why="The sum is over the wrong axis, over everything, or missing.",
        repair="Sum delta over the samples only: np.sum(delta, axis=0) for samples in rows.",
        forms=(
            *(
                layer_form("all*", db=text, title=f"the bias gradient {what}")
                for db, what in OTHER_SUMS
                for text in (db, times_samples(db))
            ),
            layer_form(
                "all*",
                db="n * sum(delta, axis=0)",
                title="the bias gradient is not divided by the number of samples, as dW is",
            ),
            layer_form(
                "all*",
                db="mean(delta, axis=0)",
                title="the bias gradient is divided by the number of samples once more than dW",
            ),
            layer_form(
                "all*",
                db="max(delta, axis=0)",
                title="the bias gradient is the largest delta instead of the sum",
            ),
            *(
                layer_form("all*", db=db, title=f"the bias gradient {what}")
                for db, what in FROM_THE_WEIGHTS
            ),
        ),
    ),
    Mistake(
        id="overwritten-for-added",
        number=33,
        stage="gradient",
        title="= is used instead of +=, so only one sample's gradient is kept",
        wrong="dW = delta[-1] * x[-1]",
        right="dW = Σ over samples of delta * x",
        why="The loop over the samples overwrites the gradient instead of adding to it.",
        repair="Start from zero and add every sample's gradient.",
        forms=(
            layer_form("all*", dW="delta[-1:].T @ x[-1:]", db="delta[-1]"),
            layer_form("all*", dW="n * delta[-1:].T @ x[-1:]", db="n * delta[-1]"),
            layer_form("all*", dW="delta[:1].T @ x[:1]", db="delta[0]", words=ONLY_FIRST),
            layer_form("all*", dW="n * delta[:1].T @ x[:1]", db="n * delta[0]", words=ONLY_FIRST),
            layer_form("all*", dW="delta[-1:].T @ x[-1:]", words=ONLY_IN_WEIGHTS),
            layer_form("all*", dW="n * delta[-1:].T @ x[-1:]", words=ONLY_IN_WEIGHTS),
        ),
    ),
    Mistake(
        id="only-last-layer",
        number=47,
        stage="update",
        title="only the last layer is trained",
        wrong="W1_new = W1",
        right="W1_new = W1 - learning_rate * dW1",
        why="The update is outside the loop over the layers, or the loop ends too early.",
        repair="Update every layer.",
        forms=(
            *(
                layer_form(where, dW="0 * W", db="0 * b", words=NEVER_TRAINED)
                for where in ("hidden*", "output")
            ),
            *(
                parameter_form(where, title=NEVER_TRAINED.title, w_new="w")
                for where in ("hidden*", "output")
            ),
            layer_form("all*", dW="0 * W", words=WEIGHTS_NEVER_TRAINED),
            Form("all*", weights={"w_new": "w"}, needs_update=True, words=WEIGHTS_NEVER_TRAINED),
        ),
    ),
    Mistake(
        id="other-layers-array",
        number=10,
        stage="update",
        title="the update uses an array of another layer",
        wrong="b2_new = b2 - learning_rate * db1",
        right="b2_new = b2 - learning_rate * db2",
        why="A line is copied and a number is not changed, and the shapes happen to match.",
        repair="Update every array with its own gradient, from its own value.",
        forms=tuple(other_layers_forms()),
    ),
    Mistake(
        id="units-for-samples",
        number=19,
        stage="gradient",
        title="gradients are divided by the number of units instead of the number of samples",
        wrong="dW = delta.T @ x / x.shape[1]",
        right="dW = delta.T @ x / x.shape[0]",
        why="The samples are counted along the wrong axis.",
        repair=(
            "Divide by the number of samples: x.shape[0] if they are the rows, x.shape[1] if they "
            "are the columns."
        ),
        forms=tuple(unit_forms()),
    ),
    Mistake(
        id="sign",
        number=21,
        stage="update",
        title="some gradients, or the whole step, have the wrong sign",
        wrong="w_new = w + learning_rate * dC/dw",
        right="w_new = w - learning_rate * dC/dw",
        why="t - o and o - t are mixed up: with t - o the update has a plus, with o - t a minus.",
        repair="Choose one of the two, and use it in every layer and in the update.",
        forms=(
            *factor_forms({"-1": "have the wrong sign"}),
            parameter_form(
                "all",
                title="the step has the wrong sign: the gradient is added",
                w_new="w + learning_rate * g",
            ),
        ),
    ),
    Mistake(
        id="not-zeroed",
        number=33,
        stage="training",
        title="gradients are not zeroed between steps, so they accumulate",
        wrong="dW = dW_before + dW",
        right="dW = this step's",
        why="The gradient arrays are kept from call to call.",
        repair="Set them to zero before every backward pass.",
        forms=(
            Form(
                "all*",
                needs_second_call=True,
                weights={"dsum_new": "dsum + d", "dC": "dsum_new"},
                biases={"dsum_new": "dsum + d", "dC": "dsum_new"},
            ),
            Form("all", needs_second_call=True, weights={"dsum_new": "dsum + d", "dC": "dsum_new"}),
            Form("all", needs_second_call=True, biases={"dsum_new": "dsum + d", "dC": "dsum_new"}),
            Form(
                "all",
                needs_second_call=True,
                needs_update=True,
                weights={"dsum_new": "dsum + d", "dC": "dsum_new / k"},
                biases={"dsum_new": "dsum + d", "dC": "dsum_new / k"},
            ),
        ),
    ),
)
