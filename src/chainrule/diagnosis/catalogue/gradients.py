"""Mistakes in the gradients of the weights and biases, given the right deltas."""

from chainrule.diagnosis.catalogue.model import (
    Form,
    Mistake,
    factor_forms,
    layer_form,
    parameter_form,
)

NEVER_TRAINED = "a hidden layer is never trained"

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
            layer_form("all*", db="0 * b"),
            Form("all*", biases={"w_new": "w"}, needs_update=True),
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
            layer_form("not-first*", dW="delta.T @ below.z"),
            layer_form("all*", dW="delta.T @ a", note="the layer's own output"),
            layer_form("all*", dW="delta.T @ z", note="the layer's own net input"),
            layer_form("not-first*", dW="delta.T @ below.x", note="the input of the layer below"),
            layer_form("not-first*", dW="delta.T @ input.a", note="the network's input"),
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
            layer_form("hidden*", db="sum(above.delta, axis=0)", note="that of the layer above"),
            layer_form("hidden*", db="0 * b + sum(last.delta, axis=None)"),
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
            layer_form("all*", db="delta[-1]", note="it is the last sample's"),
            layer_form("all*", db="n * delta[-1]", note="it is the last sample's"),
            layer_form("all*", db="delta[0]", note="it is the first sample's"),
            layer_form("all*", db="n * delta[0]", note="it is the first sample's"),
            layer_form("all*", db="delta", note="it is not summed"),
            layer_form("all*", db="n * delta", note="it is not summed"),
            layer_form("all*", db="delta.T", note="it is not summed"),
            layer_form("all*", db="n * delta.T", note="it is not summed"),
            layer_form("all*", db="sum(delta, axis=1)", note="it is summed over the wrong axis"),
            layer_form(
                "all*", db="n * sum(delta, axis=1)", note="it is summed over the wrong axis"
            ),
            layer_form("all*", db="mean(delta, axis=1)", note="it is summed over the wrong axis"),
            layer_form(
                "all*", db="n * mean(delta, axis=1)", note="it is summed over the wrong axis"
            ),
            layer_form("all*", db="sum(delta, axis=None)", note="it is one number for all units"),
            layer_form(
                "all*", db="n * sum(delta, axis=None)", note="it is one number for all units"
            ),
            layer_form(
                "all*", db="0 * b + sum(delta, axis=None)", note="it is summed over everything"
            ),
            layer_form(
                "all*", db="0 * b + n * sum(delta, axis=None)", note="it is summed over everything"
            ),
            layer_form(
                "all*", db="0 * b + mean(delta, axis=None)", note="it is summed over everything"
            ),
            layer_form(
                "all*", db="0 * b + n * mean(delta, axis=None)", note="it is summed over everything"
            ),
            layer_form("all*", db="mean(delta, axis=None)", note="it is one number for all units"),
            layer_form(
                "all*", db="n * mean(delta, axis=None)", note="it is one number for all units"
            ),
            layer_form("all*", db="n * sum(delta, axis=0)", note="the division by n is left out"),
            layer_form("all*", db="mean(delta, axis=0)", note="it is divided by n again"),
            layer_form("all*", db="max(delta, axis=0)", note="it is the maximum"),
            layer_form("all*", db="sum(dW, axis=1)", note="it is the row sum of dW"),
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
            layer_form("all*", dW="delta[:1].T @ x[:1]", db="delta[0]", note="the first sample's"),
            layer_form(
                "all*", dW="n * delta[:1].T @ x[:1]", db="n * delta[0]", note="the first sample's"
            ),
            layer_form("all*", dW="delta[-1:].T @ x[-1:]"),
            layer_form("all*", dW="n * delta[-1:].T @ x[-1:]"),
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
            layer_form("hidden*", dW="0 * W", db="0 * b", title=NEVER_TRAINED),
            Form(
                "hidden*",
                weights={"w_new": "w"},
                biases={"w_new": "w"},
                needs_update=True,
                title=NEVER_TRAINED,
            ),
            layer_form("hidden*", dW="0 * W", title="the weights of a layer are never trained"),
            layer_form("output", dW="0 * W", db="0 * b", title="the output layer is never trained"),
        ),
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
        forms=(*factor_forms("-1"), parameter_form("all", w_new="w + learning_rate * g")),
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
