# pyright: strict
"""The table of examinations: what each one finds, its remedy, and why the fault stops learning.

Each function is defined in the file that it is imported from; ``diagnosing`` calls them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.health.findings import Finding
from chainrule.health.formatting import format_number, format_percent
from chainrule.health.gradients import (
    EXPLODED,
    MAX_DUPLICATES,
    VANISHED,
    exploding_gradient,
    symmetric_weights,
    vanishing_gradient,
)
from chainrule.health.inputs import (
    HARMLESS_RMS,
    MAX_OFFSET,
    MAX_RATIO,
    MAX_RMS,
    MIN_RMS,
    constant_inputs,
    inputs_not_scaled,
)
from chainrule.health.learning_rates import (
    GOOD_UPDATE,
    LARGE_WEIGHTS,
    MIN_GAIN,
    RATIO_DIVERGED,
    RATIO_FAILING,
    RATIO_UNKNOWN,
    SLOW_SHARE,
    SMALL_WEIGHTS,
    TRIAL_UPDATES,
    UPDATE_FAILING,
    UPDATE_UNKNOWN,
    rate_too_large,
    rate_too_small,
)
from chainrule.health.loss_curve import MIN_CHANGE, diverging_loss, not_finite, stuck_loss
from chainrule.health.outputs import MIN_ERROR_LEFT, MIN_SPREAD, one_class, one_value
from chainrule.health.penalties import SHRUNK, penalty_too_large
from chainrule.health.snapshot import (
    CURVATURE_SAMPLES,
    DIVERGENCE_RATIO,
    MIN_UPDATES,
    STUCK,
    RunSnapshot,
)
from chainrule.health.targets import (
    MAX_RMS as MAX_TARGETS_RMS,
)
from chainrule.health.targets import (
    MAX_UNREACHABLE,
    MIN_EQUAL,
    MIN_SAMPLES,
    OPPOSITE,
    UNRELATED,
    targets_alike,
    targets_not_scaled,
    targets_out_of_reach,
    targets_unrelated,
)
from chainrule.health.targets import (
    MIN_RMS as MIN_TARGETS_RMS,
)
from chainrule.health.units import (
    FLAT_SAMPLES,
    FLAT_SLOPE,
    MAX_INACTIVE,
    dead_units,
    saturated_units,
)

Examine: TypeAlias = Callable[[RunSnapshot], Iterator[Finding]]


@dataclass(frozen=True)
class Examination:
    """One possible reason why a run does not learn, and how it is found.

    Parameters
    ----------
    id : str
        The id of its findings, and its key in the table.
    title : str
    examine : callable
        ``examine(snapshot)`` yields findings.
    proof : str
        When it has a finding: the measured number and its limit.
    remedy : str
        What to do, in general; the remedy of a finding is more specific.
    why : str
        Why the fault keeps a network from learning.
    always : bool
        Whether it applies even if loss or parameters are not finite.
    sign : bool
        Whether it is a sign that the run does not learn, and not a reason for it.
    follows : tuple of str
        Examinations whose findings make its own redundant.
    """

    id: str
    title: str
    examine: Examine
    proof: str
    remedy: str
    why: str
    always: bool = False
    sign: bool = False
    follows: tuple[str, ...] = ()


# In the order of the report: data before weights before learning rates, and signs of them last.
EXAMINATIONS: dict[str, Examination] = {
    e.id: e
    for e in (
        Examination(
            "inputs-not-scaled",
            "inputs not scaled",
            inputs_not_scaled,
            "a column's root mean square is above "
            f"{MAX_RATIO:g} times the median column's (a limit from {HARMLESS_RMS:g} to "
            f"{MAX_RMS:g}), or all are below {MIN_RMS:g}; or a column's |mean| is above "
            f"{MAX_OFFSET:g} standard deviations",
            "standardize the inputs",
            "a bias is the weight of a column of ones; the largest of all columns determines which "
            "learning rate is stable, and at that rate the weights of smaller ones hardly change",
            always=True,
        ),
        Examination(
            "constant-inputs",
            "constant columns",
            constant_inputs,
            f"a column above {HARMLESS_RMS:g} is constant, or all columns are",
            "remove constant columns",
            "a constant column does not distinguish samples, and a large one acts as a bias that "
            "changes too fast",
            always=True,
        ),
        Examination(
            "targets-alike",
            "all targets equal",
            targets_alike,
            f"there are fewer than 2 different targets among {MIN_EQUAL} samples or more",
            "check how they were made",
            "if all targets are equal, the output's bias is all that can be learned",
            always=True,
        ),
        Examination(
            "targets-out-of-reach",
            "targets out of the output's range",
            targets_out_of_reach,
            f"the best outputs within range leave more than {format_percent(MAX_UNREACHABLE)} of "
            "the error of the best constant prediction",
            "scale the targets into its range, or use output='identity'",
            "the output moves to the edge of its range, where its slope is nearly 0, and still has "
            "an error",
        ),
        Examination(
            "targets-not-scaled",
            "targets not scaled",
            targets_not_scaled,
            "in a run that is stuck, diverged or overflowed, the targets' root mean square is "
            f"above {MAX_TARGETS_RMS:g} or below {MIN_TARGETS_RMS:g}",
            "standardize the targets",
            "outputs need many updates to reach large targets, whose gradients are as large",
            always=True,
            follows=("targets-out-of-reach",),
        ),
        Examination(
            "targets-unrelated",
            "targets unrelated to the inputs",
            targets_unrelated,
            f"in a stuck run of {MIN_SAMPLES} samples or more, the mean squared difference between "
            f"the targets of nearest neighbors is {UNRELATED:g} to {OPPOSITE:g} times that of any "
            "two samples",
            "check that the rows of X and y belong together",
            "inputs contain no information about the targets of other samples",
        ),
        Examination(
            "symmetric-weights",
            "symmetric weights",
            symmetric_weights,
            f"more than {format_percent(MAX_DUPLICATES)} of a hidden layer's units have the "
            "weights of another unit",
            "initialize the weights at random",
            "units with the same weights get the same gradient in every update and act as one unit",
        ),
        Examination(
            "saturated-units",
            "saturated units",
            saturated_units,
            f"more than {format_percent(MAX_INACTIVE)} of a layer's units have |f'| below "
            f"{format_percent(FLAT_SLOPE)} of its maximum on more than "
            f"{format_percent(FLAT_SAMPLES)} of the samples",
            "start with smaller weights if the run began like that, else use a lower learning rate",
            "every gradient that passes a unit is multiplied by its slope f', which is nearly 0",
        ),
        Examination(
            "dead-units",
            "dead units",
            dead_units,
            f"more than {format_percent(MAX_INACTIVE)} of a layer's units have output 0 and slope "
            "0 on every sample",
            "start with other weights if the run began like that, else use a lower learning rate",
            "a unit whose output and slope are 0 contributes nothing, and gets no gradient that "
            "could change it",
        ),
        Examination(
            "vanishing-gradient",
            "vanishing gradient",
            vanishing_gradient,
            "the mean |delta| of the first layer is below "
            f"{format_number(VANISHED)} times the last one's",
            "use relu or tanh, LayerNorm, or fewer layers",
            "the first layers keep their initial weights, and the last layers see noise",
            follows=("saturated-units", "dead-units", "penalty-too-large"),
        ),
        Examination(
            "exploding-gradient",
            "exploding gradient",
            exploding_gradient,
            "the mean |delta| of the first layer is above "
            f"{format_number(EXPLODED)} times the last one's",
            "start with smaller weights, or use LayerNorm",
            "a learning rate that suits the last layers is far too large for the first ones",
        ),
        Examination(
            "penalty-too-large",
            "penalty too large",
            penalty_too_large,
            f"the weights' root mean square fell below {SHRUNK:g} times that of the beginning in a "
            f"run of {MIN_UPDATES} updates or more with a penalty, and "
            f"{format_percent(MIN_ERROR_LEFT)} or more of the error of the best constant "
            "prediction is left",
            "use a smaller penalty",
            "the penalty pulls all weights to 0, where the output no longer depends on the inputs",
        ),
        Examination(
            "rate-too-large",
            "learning rate too large",
            rate_too_large,
            "in a failing run, the learning rate is above "
            f"{RATIO_FAILING:g} times the largest stable one ({RATIO_DIVERGED:g} if the run "
            "diverged), which is 2/λ without momentum, or an update of an adaptive rule is above "
            f"{UPDATE_FAILING:g} times a layer's weights; in a run without records, or whose "
            "weights got a fault on the way, above "
            f"{RATIO_UNKNOWN:g} and {UPDATE_UNKNOWN:g} times",
            "use the learning rate that the report suggests",
            "every update overshoots the minimum along the steepest direction",
            always=True,
            follows=("penalty-too-large",),
        ),
        Examination(
            "rate-too-small",
            "learning rate too small",
            rate_too_small,
            "the largest learning rate of the run, or of its schedule, is below "
            f"{format_percent(SLOW_SHARE)} of a good one (or of a tenth or a hundredth of that) "
            f"with which {TRIAL_UPDATES} updates, tried on at most {CURVATURE_SAMPLES} samples, "
            "lower the loss by more than the whole run changed it, and by at least "
            f"{format_percent(MIN_GAIN)} of its excess over the least possible loss; a good one is "
            "1/λ, with momentum m it is (1 − m)/λ, and for an adaptive rule "
            f"{format_number(GOOD_UPDATE)} times the root mean square of a layer's weights, the "
            f"smallest from {format_number(SMALL_WEIGHTS)} to {format_number(LARGE_WEIGHTS)}",
            "use the learning rate that the report suggests",
            "updates go in the right direction, but far too many of them are needed",
        ),
        Examination(
            "not-finite",
            "numbers that are not finite",
            not_finite,
            "a parameter, loss or gradient is NaN or infinite",
            "lower the learning rate, or clip gradients",
            "a NaN or infinity spreads to everything that is computed from it",
            always=True,
            sign=True,
        ),
        Examination(
            "diverging-loss",
            "diverging loss",
            diverging_loss,
            "relative to the least possible loss, the last record has more than "
            f"{DIVERGENCE_RATIO:g} times the loss of the first",
            "lower the learning rate, or clip gradients",
            "updates that increase the loss make the next gradient larger",
            always=True,
            sign=True,
            follows=("not-finite",),
        ),
        Examination(
            "one-class",
            "one class for all samples",
            one_class,
            f"all samples get the same class after {MIN_UPDATES} updates or more, with "
            f"{format_percent(MIN_ERROR_LEFT)} or more of the error of the best constant "
            "prediction left",
            "increase the sample weights of rare classes",
            "a network that gets no information from the inputs predicts the largest class",
            sign=True,
        ),
        Examination(
            "constant-output",
            "one value for all samples",
            one_value,
            f"after {MIN_UPDATES} updates or more, the outputs' standard deviation is below "
            f"{MIN_SPREAD:g} times the targets'",
            "scale inputs and targets to mean 0 and standard deviation 1, and train for longer",
            "a network that gets no information from the inputs predicts the mean",
            sign=True,
        ),
        Examination(
            "stuck-loss",
            "loss stuck at that of a constant prediction",
            stuck_loss,
            f"after {MIN_UPDATES} updates or more, {format_percent(STUCK)} or more of the error of "
            "the best constant prediction is left, and the second half of the records lowered it "
            f"by less than {format_percent(MIN_CHANGE)}",
            "check that the rows of X and y belong together, or try the adam optimizer",
            "a prediction that ignores the inputs would be as good",
            sign=True,
            follows=("diverging-loss",),
        ),
    )
}
