"""How numbers, dates and missing values are written in text files."""

# Patterns for Python's re and for RE2, which pyarrow uses; they are matched from end to end.
NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[+-]?(?:inf|infinity)"
WHOLE = r"[+-]?\d+"
LEADING_ZERO = r"[+-]?0[\dxX][\w.]*"  # of codes, also hexadecimal ones
DECIMAL_COMMA = r"[+-]?(?:\d+|\d{1,3}(?:[.' ]\d{3})+)(?:,\d*)?(?:[eE][+-]?\d+)?"
THOUSANDS_COMMA = r"[+-]?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?(?:[eE][+-]?\d+)?"
THOUSANDS_OTHER = r"[+-]?(?:\d+|\d{1,3}(?:[' ]\d{3})+)(?:\.\d*)?"
DATE = (
    r"\d{4}-\d{1,2}-\d{1,2}(?:[T ]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?"
    r"|\d{1,2}[./]\d{1,2}[./](?:\d{4}|\d{2})|\d{4}/\d{1,2}/\d{1,2}"
)
BOOLEAN = r"[Tt]rue|[Ff]alse|TRUE|FALSE"

MISSING = (
    *("", "NA", "N/A", "n/a", "#N/A", "#NA", "<NA>", "NaN", "nan", "-NaN", "-nan", "NAN"),
    *("NULL", "null", "Null", "None", "?"),
)


def is_missing(cell: str) -> bool:
    """Return whether a value of a text file stands for a missing one."""
    return cell in MISSING


def exactly(pattern: str) -> str:
    """Return a pattern that has to match from end to end."""
    return f"^(?:{pattern})$"
