"""How an object is created, filled with a question's parameters, and called."""

from dataclasses import asdict, dataclass

from chainrule.submission.arrays.formats import ArrayFormat
from chainrule.submission.objects.call_sequences import CallSequence
from chainrule.submission.objects.factory import DATA_ARGUMENTS, NO_ARGUMENTS
from chainrule.submission.questions import Layout


@dataclass(frozen=True)
class CallPlan:
    """How an object is created and called, as plain values that can be sent to a subprocess.

    Parameters
    ----------
    constructor : str
        The arguments of the constructor, one of `CONSTRUCTOR_ARGUMENTS`.
    sequence : CallSequence
    data_format : ArrayFormat
        The format of samples and targets.
    weights, bias : str
        The format of the parameters; see `ParameterLocations`.
    choice : int, default 0
        The index among the object's possible parameter locations.
    names : tuple of str
        The families of the parameters, by which the choice is recognized for other widths.
    separate_class_lists : bool, default False
        Whether each object gets its own copies of the lists that its class holds.
    set_to_one : bool, default True
        Whether the constructor's parameters with counts as defaults are set to 1.
    doubtful : bool, default False
        Whether the probes hardly confirm which numbers are the parameters.
    """

    constructor: str
    sequence: CallSequence
    data_format: ArrayFormat
    weights: str
    bias: str
    choice: int = 0
    names: tuple[str, ...] = ()
    separate_class_lists: bool = False
    set_to_one: bool = True
    doubtful: bool = False

    @property
    def is_forward(self) -> bool:
        """Whether the calls run the forward pass only."""
        roles = self.roles
        gives_targets = "t" in roles or "pairs" in roles
        has_data = self.constructor == DATA_ARGUMENTS and len(self.sequence.calls) > 1
        return not gives_targets and not has_data

    @property
    def uses_pairs(self) -> bool:
        """Whether a method takes a list of pairs (x, t)."""
        return "pairs" in self.roles

    @property
    def calls_each_sample(self) -> bool:
        """Whether the methods are called once for each sample."""
        return self.data_format.takes_one_sample and not self.uses_pairs

    @property
    def takes_rate(self) -> bool:
        """Whether the learning rate is passed to the constructor or a method."""
        return "rate" in self.constructor or "rate" in self.roles

    @property
    def roles(self) -> set[str]:
        """The roles of all arguments."""
        return {role for _, roles in self.sequence.calls for role in roles}

    def layout(self, dtype: str, cls: str) -> Layout:
        """Return the layout that describes this plan."""
        data_format = self.data_format
        arguments = "" if self.constructor == NO_ARGUMENTS else self.constructor
        one = data_format.takes_one_sample
        return Layout(
            form="class",
            arguments=f"{cls}({arguments}): {self.sequence.words}",
            weights=self.weights,
            samples="one at a time" if one else data_format.samples,
            bias=self.bias,
            lists=data_format.array_type != "arrays",
            dtype=dtype,
            classes=data_format.targets == "classes",
            details=asdict(self),
        )


def call_plan_from_layout(layout: Layout) -> CallPlan:
    """Return the plan that a layout describes."""
    details = dict(layout.details)
    sequence = details.pop("sequence")
    calls = tuple((name, tuple(roles)) for name, roles in sequence["calls"])
    return CallPlan(
        sequence=CallSequence(calls, sequence["set_to_one"]),
        data_format=ArrayFormat(**details.pop("data_format")),
        names=tuple(details.pop("names")),
        **details,
    )
