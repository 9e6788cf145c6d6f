"""The limits of a recording, and what is said if a program reaches them."""

from chainrule.submission import Record, Source

# s of processor time and events of one recording after the other, until one shows an iteration
RECORDINGS = ((1.5, 20_000), (5.0, 130_000), (12.0, 400_000))
SHORTER = (
    "{}: the recording of its run ended {}, in {}, and it has to show two updates; have it train "
    "with fewer samples, such as the first 20, or with fewer units"
)


def with_limit(missing: str, record: Record, source: Source) -> str:
    """Return what was not found in a recording, with the limit that ended it, if one did.

    Parameters
    ----------
    missing : str
        What was not found.
    record : Record
    source : Source
    """
    if not record.reason or not record.order:
        return missing
    events = len(record.order)
    after = f"after {events:,} numbers" if record.reason == "events" else "at its time limit"
    place = record.places[record.order[-1].code]
    return SHORTER.format(missing, after, source.where(place.line, place.file))
