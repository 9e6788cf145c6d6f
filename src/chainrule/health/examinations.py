# pyright: strict
"""The examinations of a run in one table: what proves each, what to do, and why it matters.

How each is made stands in the file that it comes from; ``diagnosing`` makes them all.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from chainrule.health.case import DIVERGED, ENOUGH, FEW, STUCK, Case
from chainrule.health.findings import Finding
from chainrule.health.gradients import (
    COPIES,
    EXPLODED,
    VANISHED,
    exploding_gradient,
    symmetric_weights,
    vanishing_gradient,
)
from chainrule.health.inputs import (
    APART,
    LARGE,
    NOTABLE,
    OFF,
    TINY,
    constant_inputs,
    inputs_not_scaled,
)
from chainrule.health.outputs import LEFT, STILL, one_class, one_value
from chainrule.health.progress import MOVED, diverging_loss, not_finite, stuck_loss
from chainrule.health.rates import (
    GAIN,
    GOOD,
    LARGE_FAILING,
    LARGE_UNKNOWN,
    LARGE_WEIGHTS,
    OVER_FAILING,
    OVER_LOST,
    OVER_UNKNOWN,
    SMALL_WEIGHTS,
    TOO_SLOW,
    TRIAL,
    rate_too_large,
    rate_too_small,
)
from chainrule.health.targets import (
    LARGEST,
    LEAST,
    OPPOSITE,
    OUT_OF_REACH,
    SEVERAL,
    SMALLEST,
    UNRELATED,
    targets_alike,
    targets_not_scaled,
    targets_out_of_reach,
    targets_unrelated,
)
from chainrule.health.units import MOST, SAMPLES, SLOPE, dead_units, saturated_units
from chainrule.health.words import number, percent

Examine: TypeAlias = Callable[[Case], Iterator[Finding]]


@dataclass(frozen=True)
class Examination:
    """One way in which a run can fail to learn, and how to tell.

    Parameters
    ----------
    id : str
        What its findings are called, and its key in the table.
    title : str
    examine : callable
        ``examine(case)`` yields findings.
    proof : str
        What is found when: the number and its limit.
    remedy : str
        What to do, in a few words; a finding is more exact.
    why : str
        Why it keeps a network from learning.
    always : bool
        Whether it can be made where loss or parameters are not finite, too.
    sign : bool
        Whether it is a sign that the run does not learn, and no reason for it.
    follows : tuple of str
        Examinations beside whose findings its own say nothing new.
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


# In the order of the report: data before weights before rates, and the signs of them last.
EXAMINATIONS: dict[str, Examination] = {
    e.id: e
    for e in (
        Examination(
            "inputs-not-scaled",
            "inputs not scaled",
            inputs_not_scaled,
            f"a column's root mean square is above {APART:g} times the median column's (a limit "
            f"from {NOTABLE:g} to {LARGE:g}), or none reaches {TINY:g}; or a column's |mean| "
            f"is above {OFF:g} of its standard deviations",
            "standardize the inputs",
            "a bias is the weight of a column of ones: the largest of all columns decide which "
            "rate is stable, and at that rate the weights of smaller ones hardly move",
            always=True,
        ),
        Examination(
            "constant-inputs",
            "constant columns",
            constant_inputs,
            f"a column above {NOTABLE:g} never changes, or none does",
            "leave out what never changes",
            "a column that never changes tells no sample from another, and a large one acts as a "
            "bias that moves too fast",
            always=True,
        ),
        Examination(
            "targets-alike",
            "targets that are all alike",
            targets_alike,
            f"there are fewer than 2 different targets among {SEVERAL} samples or more",
            "look at how they were made",
            "with nothing to tell apart, the bias of the output learns all there is",
            always=True,
        ),
        Examination(
            "targets-out-of-reach",
            "targets out of the output's range",
            targets_out_of_reach,
            f"the best outputs within reach leave more than {percent(OUT_OF_REACH)} of the error "
            "of the best constant prediction",
            "scale the targets into its range, or take output='identity'",
            "the output runs to the edge of its range, where its slope is nearly 0, and still "
            "misses",
        ),
        Examination(
            "targets-not-scaled",
            "targets not scaled",
            targets_not_scaled,
            "in a run that is stuck, diverged or overflowed, the targets' root mean square is "
            f"above {LARGEST:g} or below {SMALLEST:g}",
            "standardize the targets",
            "outputs take long to get to large targets, and their gradients are as large",
            always=True,
            follows=("targets-out-of-reach",),
        ),
        Examination(
            "targets-unrelated",
            "targets unrelated to the inputs",
            targets_unrelated,
            f"in a stuck run of {LEAST} samples or more, the mean squared difference between the "
            f"targets of nearest neighbors is {UNRELATED:g} to {OPPOSITE:g} times that of any two",
            "see that the rows of X and y belong together",
            "inputs say nothing about targets that belong to other samples",
        ),
        Examination(
            "symmetric-weights",
            "symmetric weights",
            symmetric_weights,
            f"more than {percent(COPIES)} of a hidden layer's units have the weights of another",
            "draw the weights at random",
            "units with the same weights get the same gradient at every update, and count as one",
        ),
        Examination(
            "saturated-units",
            "saturated units",
            saturated_units,
            f"more than {percent(MOST)} of a layer's units have |f'| below {percent(SLOPE)} of its "
            f"largest on more than {percent(SAMPLES)} of the samples",
            "begin with smaller weights where the run began like that, else with a lower rate",
            "every gradient that passes a unit is multiplied by its slope f', which is nearly 0",
        ),
        Examination(
            "dead-units",
            "dead units",
            dead_units,
            f"more than {percent(MOST)} of a layer's units have output 0 and slope 0 on every "
            "sample",
            "begin with other weights where the run began like that, else with a lower rate",
            "where output and slope are 0, a unit gives nothing and gets no gradient to change it",
        ),
        Examination(
            "vanishing-gradient",
            "vanishing gradient",
            vanishing_gradient,
            f"the mean |delta| of the first layer is below {number(VANISHED)} times the last one's",
            "take relu or tanh, LayerNorm, or fewer layers",
            "the lower layers stay as they were drawn, and the upper ones see noise",
            follows=("saturated-units", "dead-units"),
        ),
        Examination(
            "exploding-gradient",
            "exploding gradient",
            exploding_gradient,
            f"the mean |delta| of the first layer is above {number(EXPLODED)} times the last one's",
            "begin with smaller weights, or take LayerNorm",
            "a rate that suits the upper layers throws the lower ones about",
        ),
        Examination(
            "rate-too-large",
            "learning rate too large",
            rate_too_large,
            f"in a run that fails, the rate is above {OVER_FAILING:g} times the stable one ("
            f"{OVER_LOST:g} where it diverged), 2/λ without momentum, or an update of an "
            f"adaptive rule above {LARGE_FAILING:g} of a layer's weights; of a run without records "
            f"{OVER_UNKNOWN:g} and {LARGE_UNKNOWN:g} times",
            "take the rate that the report names",
            "every update overshoots the valley that it goes down into",
            always=True,
        ),
        Examination(
            "rate-too-small",
            "learning rate too small",
            rate_too_small,
            "the largest rate of the run, or of its schedule, is below "
            f"{percent(TOO_SLOW)} of a good one (or of a tenth or a hundredth of that) with which "
            f"{TRIAL} updates, tried on {FEW} samples at most, lower the loss by more than the "
            f"whole run moved it, and by {percent(GAIN)} or more of what it is above the least "
            "there can be; a good one is 1/λ, with momentum m it is (1 − m)/λ, and for an adaptive "
            f"rule {number(GOOD)} times the root mean square of a layer's weights, the smallest "
            f"from {number(SMALL_WEIGHTS)} to {number(LARGE_WEIGHTS)}",
            "take the rate that the report names",
            "the way is right, but at this pace it takes more updates than anybody waits for",
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
            f"above the least that there can be, the last record has more than {DIVERGED:g} times "
            "the loss of the first",
            "lower the learning rate, or clip gradients",
            "updates that make the loss larger make the next gradient larger still",
            always=True,
            sign=True,
            follows=("not-finite",),
        ),
        Examination(
            "one-class",
            "one class for all samples",
            one_class,
            f"all samples get the same class after {ENOUGH} updates or more, with {percent(LEFT)} "
            "or more of the error of the best constant prediction left",
            "give the samples of rare classes more weight",
            "the largest class is what is left to say when the inputs do not get through",
            sign=True,
        ),
        Examination(
            "constant-output",
            "one value for all samples",
            one_value,
            f"after as long, the outputs' standard deviation is below {STILL:g} times the targets'",
            "bring inputs and targets to mean 0 and deviation 1, and train longer",
            "the mean is what is left to say when the inputs do not get through",
            sign=True,
        ),
        Examination(
            "stuck-loss",
            "loss stuck at a constant's",
            stuck_loss,
            f"after as long, {percent(STUCK)} or more of the error of the best constant prediction "
            f"is left, and the second half of the records moved it by less than {percent(MOVED)}",
            "see that the rows of X and y belong together, or, with another rule, try adam",
            "a prediction that takes no notice of the inputs would do as well",
            sign=True,
            follows=("diverging-loss",),
        ),
    )
}
