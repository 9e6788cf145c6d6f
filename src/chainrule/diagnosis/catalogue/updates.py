"""Mistakes in the update: learning rate, penalty, momentum, and Adam."""

from chainrule.diagnosis.catalogue.model import Form, Mistake, Words, optimizer_form, parameter_form

NO_CORRECTION = "Adam's bias correction is missing from the running mean"
NO_ROOT = "the step is divided by the running mean of the squares, not by its square root"
REPLACED = "the step replaces the weight instead of changing it"
ADAM_RULES = "adam adamw"

UPDATES = (
    Mistake(
        id="rate-twice",
        number=22,
        stage="update",
        title="the learning rate is applied twice",
        wrong="w_new = w - learning_rate * (learning_rate * g)",
        right="w_new = w - learning_rate * g",
        why=(
            "The gradients are multiplied by the rate when they are computed, and again when they "
            "are used."
        ),
        repair="Multiply once, in the update.",
        forms=(
            Form(
                "all*",
                weights={"g": "learning_rate * d"},
                needs_update=True,
                words=Words("the learning rate is applied twice to the weights{of_layers}"),
            ),
            Form(
                "all*",
                biases={"g": "learning_rate * d"},
                needs_update=True,
                words=Words("the learning rate is applied twice to the biases{of_layers}"),
            ),
            parameter_form("all*", g="learning_rate * d"),
            Form(
                "not-first*",
                layer={"dx": "learning_rate * delta @ W"},
                needs_update=True,
                words=Words(
                    "the deltas backpropagated by {layers} include the learning rate already"
                ),
            ),
        ),
    ),
    Mistake(
        id="weight-for-gradient",
        number=22,
        stage="update",
        title="the update subtracts the weight itself: w - learning_rate * w",
        wrong="w_new = w - learning_rate * w",
        right="w_new = w - learning_rate * dC/dw",
        why="The weight is used instead of its gradient.",
        repair="Subtract the rate times the gradient.",
        forms=(
            parameter_form("all*", w_new="w - learning_rate * w"),
            Form(
                "all*",
                weights={"w_new": "w - learning_rate * w"},
                needs_update=True,
                words=Words(
                    "the update of the weights{of_layers} subtracts the weights themselves"
                ),
            ),
            Form(
                "all*",
                biases={"w_new": "w - learning_rate * w"},
                needs_update=True,
                words=Words("the update of the biases{of_layers} subtracts the biases themselves"),
            ),
            *(
                parameter_form("all*", title=REPLACED, w_new=step)
                for step in ("-learning_rate * g", "learning_rate * g")
            ),
            *(
                parameter_form("all*", title="the step is multiplied by the weight", w_new=new)
                for new in ("w - learning_rate * w * g", "w * (1 - learning_rate * g)")
            ),
        ),
    ),
    Mistake(
        id="bias-regularized",
        number=35,
        stage="update",
        title="the penalty is applied to the biases too",
        wrong="db = Σ delta + alpha * b",
        right="db = Σ delta",
        why="With the bias as a column of the weights, the penalty includes it.",
        repair="Exclude the biases from the penalty.",
        forms=(
            Form("all*", biases={"dC": "d + 2 * l2 * w"}),
            Form("all*", biases={"dC": "d + alpha / total * w"}),
            Form("all*", biases={"dC": "d + alpha * w"}),
        ),
    ),
    Mistake(
        id="adam-no-correction",
        number=43,
        stage="update",
        title="Adam's running means are used without bias correction",
        wrong="w - learning_rate * m / (sqrt(v) + eps)",
        right="w - learning_rate * m̂ / (sqrt(v̂) + eps)",
        why="The two divisions by 1 - beta^k look unimportant.",
        repair="Divide m by 1 - beta1^k and v by 1 - beta2^k.",
        forms=(
            optimizer_form(ADAM_RULES, mhat="m_new", vhat="v_new"),
            optimizer_form(ADAM_RULES, f"{NO_CORRECTION} of the gradient", mhat="m_new"),
            optimizer_form(ADAM_RULES, f"{NO_CORRECTION} of the squares", vhat="v_new"),
        ),
    ),
    Mistake(
        id="adam-betas-swapped",
        number=43,
        stage="update",
        title="Adam's two betas are swapped",
        wrong="m with beta2, v with beta1",
        right="m with beta1, v with beta2",
        why="They are next to each other in every signature.",
        repair="beta1 = .9 is for the gradient, beta2 = .999 for its square.",
        forms=(
            optimizer_form(
                ADAM_RULES,
                m_new="beta2 * m + (1 - beta2) * g",
                v_new="beta1 * v + (1 - beta1) * g * g",
                mhat="m_new / (1 - beta2**k)",
                vhat="v_new / (1 - beta1**k)",
            ),
            optimizer_form(
                ADAM_RULES,
                "Adam's two betas are swapped in the bias correction",
                mhat="m_new / (1 - beta2**k)",
                vhat="v_new / (1 - beta1**k)",
            ),
        ),
    ),
    Mistake(
        id="adam-step-off-by-one",
        number=43,
        stage="update",
        title="the step number in the bias correction is off by one, or never increases",
        wrong="1 - beta^(k + 1)",
        right="1 - beta^k, k from 1",
        why="The loop counts from 0, and the correction of step 0 would divide by zero.",
        repair="Count updates from 1.",
        forms=(
            optimizer_form(
                ADAM_RULES,
                "the step number in the bias correction is too large by one",
                mhat="m_new / (1 - beta1**(k + 1))",
                vhat="v_new / (1 - beta2**(k + 1))",
            ),
            optimizer_form(
                ADAM_RULES,
                "the step number in the bias correction never increases",
                needs_second_call=True,
                mhat="m_new / (1 - beta1)",
                vhat="v_new / (1 - beta2)",
            ),
        ),
    ),
    Mistake(
        id="eps-in-the-root",
        number=43,
        stage="update",
        title="epsilon is inside the square root",
        wrong="sqrt(v + eps)",
        right="sqrt(v) + eps",
        why="The parenthesis is closed one place too late.",
        repair="Add eps to the square root, not inside it.",
        forms=(
            optimizer_form("adam", w_new="w - learning_rate * mhat / sqrt(vhat + eps)"),
            optimizer_form(
                "adamw", w_new="w - learning_rate * (mhat / sqrt(vhat + eps) + decay * w)"
            ),
            optimizer_form("rmsprop", w_new="w - learning_rate * g / sqrt(s_new + eps)"),
        ),
    ),
    Mistake(
        id="adam-square-missing",
        number=43,
        stage="update",
        title=(
            "the running mean of the squares is wrong: no square, no square root, or a wrong factor"
        ),
        wrong="v = beta2 * v + (1 - beta2) * g",
        right="v = beta2 * v + (1 - beta2) * g²",
        why="The lines for m and v are copied from each other.",
        repair="v is the running mean of g², and the step is divided by its square root.",
        forms=(
            optimizer_form(
                ADAM_RULES,
                "Adam's second running mean is of the gradient, not of its square",
                v_new="beta2 * v + (1 - beta2) * g",
            ),
            optimizer_form(ADAM_RULES, NO_ROOT, w_new="w - learning_rate * mhat / (vhat + eps)"),
            optimizer_form(
                ADAM_RULES,
                "Adam's running mean of the gradient lacks the factor 1 - beta1",
                m_new="beta1 * m + g",
            ),
            optimizer_form("rmsprop", NO_ROOT, w_new="w - learning_rate * g / (s_new + eps)"),
            optimizer_form(
                "rmsprop",
                "the running mean of the squares lacks the factor 1 - rho",
                s_new="rho * s + g * g",
            ),
            optimizer_form(
                "rmsprop",
                "rho and 1 - rho are swapped in the running mean of the squares",
                s_new="(1 - rho) * s + rho * g * g",
            ),
        ),
    ),
    Mistake(
        id="decay-in-the-gradient",
        number=43,
        stage="update",
        title="weight decay is not decoupled from the adaptive step as it should be",
        wrong="g + decay * w, then Adam",
        right="Adam's step, and decay * w separately",
        why="L2 regularization and decoupled decay are the same only for plain gradient descent.",
        repair="AdamW subtracts learning_rate * decay * w separately from the adaptive step.",
        forms=(
            optimizer_form(
                "adamw", g="d + decay * w", w_new="w - learning_rate * mhat / (sqrt(vhat) + eps)"
            ),
            optimizer_form(
                "adamw",
                "the weight decay is missing",
                w_new="w - learning_rate * mhat / (sqrt(vhat) + eps)",
            ),
            optimizer_form(
                "adamw",
                "the weight decay is not multiplied by the learning rate",
                w_new="w - learning_rate * mhat / (sqrt(vhat) + eps) - decay * w",
            ),
        ),
    ),
    Mistake(
        id="momentum-dropped",
        number=43,
        stage="update",
        title="the optimizer's state is lost between steps",
        wrong="v = -learning_rate * g",
        right="v = momentum * v - learning_rate * g",
        why="The buffer is created anew in every call, or never written back.",
        repair="Keep the buffer from step to step.",
        forms=(
            optimizer_form("momentum", needs_second_call=True, v_new="0 * v - learning_rate * g"),
            optimizer_form(
                "nesterov", v_new="0 * v - learning_rate * g", w_new="w - learning_rate * g"
            ),
            optimizer_form("nesterov", needs_second_call=True, v_new="0 * v - learning_rate * g"),
            optimizer_form(
                ADAM_RULES,
                needs_second_call=True,
                m_new="(1 - beta1) * g",
                v_new="(1 - beta2) * g * g",
            ),
            optimizer_form("rmsprop", needs_second_call=True, s_new="(1 - rho) * g * g"),
            optimizer_form(
                "nesterov",
                "the update is that of plain momentum, without looking ahead",
                w_new="w + v_new",
            ),
            optimizer_form(
                "momentum",
                "the update is that of Nesterov's momentum",
                w_new="w + momentum * v_new - learning_rate * g",
            ),
        ),
    ),
    Mistake(
        id="momentum-sign",
        number=43,
        stage="update",
        title="the velocity has the wrong sign or factor",
        wrong="v = momentum * v + learning_rate * g; w = w + v",
        right="v = momentum * v - learning_rate * g; w = w + v",
        why=(
            "There are two conventions, the velocity with and without the minus, and they are "
            "mixed up."
        ),
        repair="Use one of them: either v has the minus, or the update has it.",
        forms=(
            optimizer_form(
                "momentum",
                "the velocity of the step before has the wrong sign",
                needs_second_call=True,
                v_new="-momentum * v - learning_rate * g",
            ),
            optimizer_form(
                "momentum",
                "the gradient is subtracted twice: in the velocity and in the update",
                needs_second_call=True,
                w_new="w + v_new - learning_rate * g",
            ),
            optimizer_form(
                "momentum",
                "the velocity is multiplied by the momentum once more in the update",
                needs_second_call=True,
                w_new="w + momentum * v_new",
            ),
        ),
    ),
)
