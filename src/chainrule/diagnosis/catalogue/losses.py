"""Mistakes in the loss, in its derivative, and in its factors."""

from chainrule.diagnosis.catalogue.model import (
    Form,
    Mistake,
    Words,
    factor_forms,
    layer_form,
    loss_form,
)

CROSS_ENTROPIES = "logistic-cross-entropy softmax-cross-entropy"

# Outputs (n, 1) minus targets (n,), broadcast to (n, n), and the means taken of the squares.
PAIRWISE_DIFFERENCES = ("sum(p - t.T, axis=1, keepdims=True)", "sum(p - t.T, axis=0)[:, None]")
PAIRWISE_MEANS = ("(2 * n)", "(2 * n * n)")

LOSSES = (
    Mistake(
        id="extra-output-factor",
        number=24,
        stage="loss",
        title="the derivative of the squared error has an extra factor o",
        wrong="dC/do = (o - t) * o",
        right="dC/do = o - t",
        why=(
            "The power rule is applied to o * (o - t), or the next factor of the chain rule "
            "appears twice."
        ),
        repair="The derivative of ½ (o - t)² by o is o - t, nothing more.",
        forms=(
            loss_form("squared-error softmax-squared-error", do="(p - t) * p / n"),
            loss_form(
                "squared-error",
                words=Words(
                    "the derivative of the squared error has an extra factor t",
                    wrong="dC/do = (o - t) * t",
                ),
                do="(p - t) * t / n",
            ),
            layer_form(
                "output",
                delta="da * df(z, a) * a",
                title="the output's delta has an extra factor a",
            ),
        ),
    ),
    Mistake(
        id="lost-factor",
        number=23,
        stage="loss",
        title=(
            "a factor of the loss is missing from its gradient, or multiplies only some of the "
            "gradients"
        ),
        wrong="C = Σ(o - t)², dC/do = o - t",
        right="C = Σ(o - t)², dC/do = 2 (o - t)",
        why=(
            "The ½ that cancels the 2 belongs to one convention; it is used in one place and "
            "omitted in another."
        ),
        repair="Choose one loss, and derive every gradient from it.",
        forms=factor_forms(
            {
                "2": "have a factor 2 that the others do not have",
                "0.5": "have a factor ½ that the others do not have",
                "outputs": "are multiplied by the number of outputs, and the others are not",
                "1 / outputs": "are divided by the number of outputs, and the others are not",
            }
        ),
    ),
    Mistake(
        id="loss-table",
        number=36,
        stage="loss",
        title="the loss sums a whole samples-by-samples matrix",
        wrong="sum(e @ e.T) / 2n",
        right="sum(e * e) / 2n",
        why="The matrix product of two 2-D arrays pairs every sample with every other.",
        repair="Multiply elementwise, then sum; or take the trace of the product.",
        forms=(
            loss_form(
                "squared-error softmax-squared-error",
                value="sum((p - t) @ (p - t).T, axis=None) / 2 / n",
            ),
            loss_form(
                "squared-error softmax-squared-error",
                value="sum((p - t).T @ (p - t), axis=None) / 2 / n",
            ),
            loss_form("softmax-cross-entropy", value="-sum(t @ log(p).T, axis=None) / n"),
            loss_form("softmax-cross-entropy", value="-sum(t.T @ log(p), axis=None) / n"),
            loss_form(
                "logistic-cross-entropy",
                value="-sum(t @ log(p).T + (1 - t) @ log(1 - p).T, axis=None) / n",
            ),
        ),
    ),
    Mistake(
        id="silent-broadcasting",
        number=37,
        stage="loss",
        title="outputs (n, 1) and targets (n,) are subtracted, which gives an n-by-n matrix",
        wrong="o[n, 1] - t[n] -> (n, n)",
        right="o[n, 1] - t[n, 1] -> (n, 1)",
        why="NumPy broadcasts (n,) against (n, 1) without a warning.",
        repair="Give both the same shape first: t.reshape(-1, 1).",
        forms=(
            *(
                loss_form("squared-error", value=f"sum((p - t.T)**2, axis=None) / {by}")
                for by in PAIRWISE_MEANS
            ),
            *(
                loss_form("squared-error logistic-cross-entropy", do=f"{table} / {by}")
                for table in PAIRWISE_DIFFERENCES
                for by in ("n", "(n * n)")
            ),
            *(
                loss_form(
                    "squared-error",
                    do=f"{table} / {by}",
                    value=f"sum((p - t.T)**2, axis=None) / {mean}",
                )
                for table in PAIRWISE_DIFFERENCES
                for by in ("n", "(n * n)")
                for mean in PAIRWISE_MEANS
            ),
        ),
    ),
    Mistake(
        id="sum-for-mean",
        number=19,
        stage="loss",
        title="a sum over the batch is used instead of the mean, in all or in some gradients",
        wrong="dW = Σ over samples",
        right="dW = (1/n) Σ over samples",
        why=(
            "The loss, or one gradient, is divided by the number of samples, and another gradient "
            "is not."
        ),
        repair="Divide the loss and every gradient by the number of samples, or none of them.",
        forms=factor_forms({"n": "are divided by the number of samples once less than the others"}),
    ),
    Mistake(
        id="mean-twice",
        number=20,
        stage="loss",
        title="the mean over the batch is taken twice, in all or in some gradients",
        wrong="dW = (delta / n).T @ x / n",
        right="dW = (delta / n).T @ x",
        why=(
            "The gradient of the loss already has the 1/n, and the gradient of the weights gets "
            "another."
        ),
        repair="Divide once: either in delta or in dW and db.",
        forms=factor_forms(
            {"1 / n": "are divided by the number of samples once more than the others"}
        ),
    ),
    Mistake(
        id="cross-entropy-delta",
        number=26,
        stage="loss",
        title="the output's delta is p - t although the loss is the squared error",
        wrong="delta = p - t",
        right="delta = (p - t) * f'(z)",
        why=(
            "p - t is the delta of cross-entropy with its matching output function, whose "
            "derivative cancels."
        ),
        repair="With the squared error, multiply by the derivative of the output's activation.",
        forms=(
            Form("output", layer={"delta": "da"}, for_losses="squared-error"),
            loss_form("softmax-squared-error", do="(p - t) / n"),
        ),
    ),
    Mistake(
        id="extra-output-slope",
        number=26,
        stage="loss",
        title="the output's delta has an extra derivative, which cross-entropy cancels",
        wrong="delta = (p - t) * p * (1 - p)",
        right="delta = p - t",
        why="The output's delta of the squared error is used although the loss is cross-entropy.",
        repair="With cross-entropy and its matching output function, the output's delta is p - t.",
        forms=(loss_form(CROSS_ENTROPIES, do="(p - t) * p * (1 - p) / n"),),
    ),
    Mistake(
        id="softmax-diagonal",
        number=25,
        stage="delta",
        title="the derivative of softmax is taken as s (1 - s), only the diagonal of its Jacobian",
        wrong="delta = dC/dp * p * (1 - p)",
        right="delta_i = Σ_j dC/dp_j p_j ((i = j) - p_i)",
        why=(
            "Softmax is treated like the logistic function, but every output depends on every net "
            "input."
        ),
        repair="Use the full Jacobian, or p - t with cross-entropy.",
        forms=(
            loss_form("softmax-squared-error", do="(p - t) * p * (1 - p) / n"),
            loss_form("softmax-cross-entropy", do="-t / p * p * (1 - p) / n"),
            loss_form("softmax-cross-entropy", do="(p - t) * p * (1 - p) / n"),
        ),
    ),
    Mistake(
        id="loss-off-by-one-step",
        number=44,
        stage="training",
        title="the reported loss is the one after the update, not the one of this step",
        wrong="loss(W_new)",
        right="loss(W)",
        why="The forward pass is run again after the update.",
        repair="Report the loss of the same forward pass whose gradient is used.",
        forms=(Form(loss_after_update=True, needs_update=True),),
    ),
)
