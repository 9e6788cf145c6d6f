"""A wrong number in a program's source, with the lines around it."""

from chainrule.diagnosis.findings import SourceFault, SourceLine
from chainrule.submission import Place, Source


def fault_at(
    source: Source,
    place: Place,
    *,
    name: str,
    theirs: str,
    right: str = "",
    meaning: str = "",
    new_weights: str = "",
) -> SourceFault:
    """Return a fault at a place; see `SourceFault` for the rest."""
    return SourceFault(
        place.line,
        source.where(place.line, place.file),
        name,
        theirs,
        right,
        meaning,
        new_weights,
        tuple(SourceLine(*line) for line in source.around(place.line, place.file)),
    )
