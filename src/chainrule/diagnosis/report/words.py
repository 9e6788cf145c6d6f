"""Sentences of a report: on places, layers, alternatives, and whether the loss would still fall."""

from chainrule.diagnosis.findings import CheckResult, Finding, Place
from chainrule.diagnosis.phrases import layers_words

QUANTITIES = {
    "z": "the net inputs",
    "a": "the activations",
    "o": "the raw output",
    "p": "the output",
    "loss": "the loss",
    "delta": "the deltas",
    "dx": "the gradient of the inputs",
    "dW": "the gradients of the weights",
    "db": "the gradients of the biases",
    "W_new": "the new weights",
    "b_new": "the new biases",
}
FALLS = {
    True: "The loss would still fall: a falling loss proves nothing.",
    False: "The loss would not fall on the network used here.",
}


def place_words(place: Place) -> str:
    """Return a place in words: ``"delta1, the deltas of layer 1"``.

    Parameters
    ----------
    place : Place

    Returns
    -------
    str
        With the step, unless it is the first.
    """
    what = QUANTITIES.get(place.quantity, "")
    layer = f"of layer {place.layer}" if place.layer is not None else ""
    words = ", ".join(filter(None, (place.name, " ".join(filter(None, (what, layer))))))
    return words if place.step == 1 else f"{words}, in step {place.step}"


def counted(diagnosis: CheckResult) -> str:
    """Return how many numbers differ, if that is known."""
    if not diagnosis.differ:
        return "numbers differ"
    verb = "differs" if diagnosis.differ == 1 else "differ"
    if not diagnosis.compared:
        return f"{diagnosis.differ:,} number{'s' * (diagnosis.differ > 1)} {verb}"
    return f"{diagnosis.differ:,} of the {diagnosis.compared:,} numbers compared {verb}"


def capital(text: str) -> str:
    """Return a text with its first letter a capital, unless it begins with a name like dW1."""
    word = text.split(" ", 1)[0]
    plain = word.isalpha() and word.islower() and (len(word) > 1 or word == "a")
    return text[0].upper() + text[1:] if plain else text


def sentence(text: str) -> str:
    """Return a text as a sentence: with a capital and a full stop."""
    return capital(text) + "." * (text[-1:] not in tuple(".?!:")) if text else ""


def entry(finding: Finding) -> str:
    """Return the number and the layers of a mistake; empty for one outside the catalogue."""
    where = layers_words(finding.layers)
    if not finding.mistake.number:  # of a single function
        return ""
    return f"No. {finding.mistake.number} of the catalogue{f', in {where}' if where else ''}."


def alternative(finding: Finding) -> str:
    """Return an alternative in words, with its repair unless the hint withholds it."""
    mistake, where = finding.mistake, layers_words(finding.layers)
    name = f"no. {mistake.number}{f', in {where}' if where else ''}"
    repair = f" Its repair: {sentence(mistake.repair)}" if mistake.repair else ""
    return f"{capital(mistake.title)} ({name}).{repair}"


def distinguishing_sentence(text: str) -> str:
    """Return the sentence on which input would distinguish alternatives."""
    whole = text.endswith(".")
    return text if whole else f"{capital(text)} would distinguish them."


def took(seconds: float) -> str:
    """Return how long a check took, or an empty text if that is not known."""
    return f"The check took {seconds:.1f} s." if seconds > 0 else ""
