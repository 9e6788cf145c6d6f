"""What parameters usually mean by their names, and the values that they get."""

import re
from dataclasses import dataclass, replace

TRAINS = re.compile(
    r"train|fit|learn|model|run|main|optimi|descent|descend|lern|entren|addestr|treina",
    re.IGNORECASE,
)
ITERATIONS = 4
SEED = "np.random.RandomState({})"
ROLES = {
    "list": r"(layers?|dims?|sizes|structure|architecture|topology|widths?|shape|nodes|neurons|"
    r"units|couches|capas|schichten)|(n_?|num_?)?layers?_?(dims?|sizes?|list|nodes|units|neurons|"
    r"widths)|(net|network)_?(shape|size|structure|dims)",
    "hidden list": r"hidden_?(dims|sizes|layers|layer_sizes|units|nodes)",
    "inputs": r"n_?x|ins|n_?in|d_?in|(n_?|num_?|no_?of_?|size_?)?inputs?_?(size|dims?|nodes|"
    r"neurons|units|layer_size|n|layer|features|width|shape)?|in_?(features?|dims?|size|nodes|units|channels)|"
    r"(n_?|num_?)(features|inputs?)|fan_?in|inputlayer_?size|n_?features",
    "hidden": r"n_?h(\d?)|mids|n_?(mid|hid|hidden)\d?|(n_?|num_?|no_?of_?|size_?)?(hidden|mid|"
    r"middle|hid)\w*|h\d?|hiddenlayer_?size|units|neurons|n_?units|n_?neurons|verborgen|ocultas?|width",
    "outputs": r"n_?y|outs|n_?out|d_?out|(n_?|num_?|no_?of_?|size_?)?outputs?_?(size|dims?|nodes|"
    r"neurons|units|layer_size|n|layer|features|width)?|out_?(features?|dims?|size|nodes|units|channels)|"
    r"(n_?|num_?)?(classes|labels|outputs?)|fan_?out|outputlayer_?size",
    "upstream": r"d_?(out|outputs?|a|z|y|upper|above|l_?d?a?)|grad_?(out|output|y|in|input)?|"
    r"(out(put)?|upstream)_?(grad|gradient|error|delta)|gradient|delta|err(or)?|dvalues|upstream",
    "rate": r"lr|l_?rate|lrate|learn(ing)?_?rate|alpha|eta|rate|step_?size|stepsize|step|pace|"
    r"speed|lernrate|taux|tasa|gamma",
    "epochs": r"((n_?|num_?|max_?|no_?of_?|total_?)?(epochs?|iters?|iterations?|rounds|steps|times|"
    r"loops|cycles|turns|passes|generations|epochen|epocas?|updates))",
    "batch": r"(mini_?)?batch_?size|batch|bs",
    "count": r"m|n|count|n_?samples|num_?(samples|examples|points)|number|how_many|size",
    "off": r"print\w*|verbose|show\w*|plot\w*|debug|give_\w*|display\w*|log\w*|quiet|track\w*|"
    r"check\w*",
    "penalty": r"lambd?a?|reg(ularization)?|l2|weight_?decay|lam|penalty",
    "keep": r"keep_?prob|keep",
    "dropout": r"(p_?)?drop(out)?(_?(rate|prob|p))?",
    "momentum": r"momentum|beta\d?|mu|inertia",
    "epsilon": r"eps(ilon)?|tol|threshold|tolerance",
    "seed": r"seed|random_?state|rng_?seed",
    "x": r"x|xs|xx|x_?(train|batch|b|data|in|input|i|values|sample|tr)|(train(ing)?_?)?(data|"
    r"inputs?|features?|samples?|examples?|x|images?)|input_?(data|values|vector|s)|a_?0|inp|"
    r"dataset|points?|pixels?|pictures?|signals?|entradas?|eingabe|batch_?x|a_?prev|row",
    "y": r"y|ys|yy|t|ts|y_?(train|true|batch|b|data|real|hot|i|oh|enc|one_?hot|tr)|(train(ing)?_?)?"
    r"(targets?|labels?|outputs?|y|answers?)|target_?(data|values|s)|wanted|expected\w*|desired\w*|"
    r"truth|ground_?truth|correct\w*|teacher|gold|goal|true_?\w*|salidas?|ziel\w*|batch_?y|"
    r"outputs?|actual|one_?hot(_?y)?",
}
PATTERNS = [(role, re.compile(rf"(?:{text})\Z")) for role, text in ROLES.items()]
BIAS = re.compile(
    r"(b|bias(es)?|beta|theta|offset|shift|thresholds?|c|q|p)[_a-z]?\d*|\w*_?b(ias)?\d*"
)
FIXED = {
    "off": ("False",),
    "penalty": ("0.0",),
    "keep": ("1.0",),
    "dropout": ("0.0",),
    "momentum": ("0.9",),
    "epsilon": ("1e-8",),
    "seed": ("1",),
    "epochs": (str(ITERATIONS),),
    "rate": ("0.1",),
}


@dataclass(frozen=True)
class Design:
    """The sizes of a network and of its data.

    Parameters
    ----------
    inputs : int
    hidden : tuple of int
    outputs : int
    samples : int
    rows : bool
        Whether the samples are the rows of the data.
    """

    inputs: int = 2
    hidden: tuple[int, ...] = (4,)
    outputs: int = 3
    samples: int = 7
    rows: bool = True

    @property
    def sizes(self) -> tuple[int, ...]:
        """The widths of all layers."""
        return (self.inputs, *self.hidden, self.outputs)

    def with_sizes(self, inputs: int, outputs: int) -> "Design":
        """Return the design with other numbers of inputs and outputs."""
        samples = max(self.samples, outputs + 1)
        while samples in (inputs, outputs, *self.hidden):
            samples += 1
        return replace(self, inputs=inputs, outputs=outputs, samples=samples)

    @property
    def x(self) -> str:
        """The samples, as Python; a single one is a vector or a column."""
        if self.samples == 1:
            own = (self.inputs,) if self.rows else (self.inputs, 1)
            return f"{SEED.format(1)}.uniform(-1, 1, {own})"
        shape = (self.samples, self.inputs) if self.rows else (self.inputs, self.samples)
        return f"{SEED.format(1)}.uniform(-1, 1, {shape})"

    def targets(self) -> list[str]:
        """Return targets that may fit, as Python: one-hot or binary, then class numbers."""
        n, m = self.outputs, self.samples
        if m == 1:
            return [
                f"1.0 * (np.arange({n}) == {n // 2})" + ("" if self.rows else "[:, None]"),
                str(n // 2),
            ]
        classes = f"np.arange({m}) % {max(n, 2)}"
        if n == 1:
            shape = (m, 1) if self.rows else (1, m)
            return [f"1.0 * ({classes}).reshape{shape}", f"1.0 * ({classes})", f"{classes}"]
        whole = f"np.eye({n})[{classes}]" if self.rows else f"np.eye({n})[:, {classes}]"
        return [whole, classes, f"({classes}).reshape(1, {m})", f"({classes}).reshape({m}, 1)"]


def role_of(name: str) -> str:
    """Return what a parameter usually is by its name, or an empty text."""
    return next(iter(roles_of(name)), "")


def roles_of(name: str) -> list[str]:
    """Return all that a parameter may be by its name."""
    text = name.lower().strip("_")
    return [role for role, pattern in PATTERNS if pattern.match(text)]


def values_of(role: str, design: Design) -> tuple[str, ...]:
    """Return the values for a role, as Python, the likeliest first."""
    deep = [design.inputs, *design.hidden, design.hidden[-1] + 1, design.outputs]
    plain = list(design.sizes)
    by_role = {
        "list": (str(deep), str(plain)),
        "hidden list": (str(list(design.hidden)),),
        "inputs": (str(design.inputs),),
        "hidden": (str(design.hidden[0]),),
        "outputs": (str(design.outputs),),
        "count": (str(design.samples),),
        "batch": (str(design.samples),),
    }
    return by_role.get(role) or FIXED.get(role, ())


def is_bias(name: str) -> bool:
    """Return whether a name is usually a bias's."""
    return BIAS.fullmatch(name.lower()) is not None
