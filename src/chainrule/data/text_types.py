"""The types of the columns of a text file, found in all of its rows, part by part."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chainrule.data import text_patterns as patterns
from chainrule.data.arrow import arrow, compute
from chainrule.data.kinds import ArrowColumn
from chainrule.errors import InputError

# The ways in which a value can be written, those first that are preferred if several fit.
STYLES = {
    "whole": patterns.WHOLE,
    "boolean": patterns.BOOLEAN,
    "number": patterns.NUMBER,
    "date": patterns.DATE,
    "decimal comma": patterns.DECIMAL_COMMA,
    "thousands comma": patterns.THOUSANDS_COMMA,
    "thousands": patterns.THOUSANDS_OTHER,
}
NOTHING = "nothing"  # the style of a column that is left out
COMMAS = ("decimal comma", "thousands comma")
# The American form comes before the European one, which it is where both fit.
DATE_FORMS = (
    *("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%Y-%m-%d", "%Y-%m-%d %H:%M"),
    *("%d.%m.%y", "%m/%d/%y", "%d/%m/%y"),
)


@dataclass
class TextFacts:
    """What is known of a column of text after some rows.

    Parameters
    ----------
    name : str

    Attributes
    ----------
    styles : set of str
        The styles in which all values so far can be read.
    present, numbers : int
        How many values there are, and how many of them are numbers.
    other : (int, str) or None
        The first row whose value is not a number, and the value.
    zeros : str
        A number with a leading zero, as codes have; empty if there is none.
    large : str
        A whole number beyond int64; empty if there is none.
    """

    name: str
    styles: set[str] = field(default_factory=lambda: set(STYLES))
    present: int = 0
    numbers: int = 0
    other: tuple[int, str] | None = None
    zeros: str = ""
    large: str = ""

    def add(self, values: ArrowColumn, first: int) -> None:
        """Learn from the next values, of which the first is in row `first`."""
        known = values.drop_null()
        if not len(known):
            return
        if self._may_be_numbers and not self._add_numbers(known):
            self._note_other(values, first)
        for style in self.styles - {"whole", "number"}:
            if not all_match(known, STYLES[style]):
                self.styles.discard(style)
        self.present += len(known)

    def _add_numbers(self, known: ArrowColumn) -> bool:
        """Learn from values whether they are numbers; return whether all of them are."""
        if "whole" in self.styles:
            if is_whole(known):
                self.zeros = self.zeros or first_match(known, patterns.LEADING_ZERO)
                self.numbers += len(known)
                return True
            if all_match(known, patterns.WHOLE):
                self.large = self.large or longest(known)
            self.styles.discard("whole")
        if converted(known, "double") is not None or all_match(known, patterns.NUMBER):
            self.zeros = self.zeros or first_match(known, patterns.LEADING_ZERO)
            self.numbers += len(known)
            return True
        self.styles.discard("number")
        return False

    @property
    def _may_be_numbers(self) -> bool:
        """Whether there is a reason to look for numbers; there is none in a column of words."""
        return "number" in self.styles or 2 * self.numbers >= self.present > 0

    def _note_other(self, values: ArrowColumn, first: int) -> None:
        """Count the numbers among values, and note the first that is none."""
        pc = compute()
        fits = pc.match_substring_regex(values, patterns.exactly(patterns.NUMBER))
        self.numbers += pc.sum(fits).as_py() or 0
        row = pc.index(fits, False).as_py()
        if self.other is None and row >= 0:
            self.other = first + row, values[row].as_py()

    def style(self, decimal: str | None) -> str:
        """Return the style in which the column is read: one of STYLES, "words", or "unclear"."""
        if not self.present or self.zeros:
            return "words"
        commas = [style for style in COMMAS if style in self.styles]
        fitting = next((style for style in STYLES if style in self.styles), "words")
        if decimal == "," and fitting == "number" and "decimal comma" in self.styles:
            return "decimal comma"  # a point divides thousands then
        if fitting not in COMMAS:
            return fitting
        if decimal is not None:
            wanted = "decimal comma" if decimal == "," else "thousands comma"
            return wanted if wanted in commas else "words"
        return commas[0] if len(commas) == 1 else "unclear"


def decide_styles(known: Sequence[TextFacts], source: str, decimal: str | None) -> list[str]:
    """Return the style of each column.

    A column such as 1,234 can be read in two ways; another column of the file may decide.

    Raises
    ------
    InputError
        If nothing decides.
    """
    clear = {facts.style(decimal) for facts in known} & set(COMMAS)
    if decimal is None and len(clear) == 1:
        decimal = "," if clear == {"decimal comma"} else "."
    styles = [facts.style(decimal) for facts in known]
    for facts, style in zip(known, styles, strict=True):
        if style == "unclear":
            row, value = facts.other or (0, "")
            raise InputError(
                f"{source}: column {facts.name!r}, row {row}, is {value!r}, in which the comma "
                "may be a decimal mark or divide thousands; give decimal=',' or decimal='.'"
            )
    return styles


def type_remark(facts: TextFacts, style: str) -> str:
    """Return a sentence on a column whose type may surprise; else an empty string."""
    if style == NOTHING:
        return "has neither a name nor values, and is left out"
    if facts.zeros:
        return f"words, because numbers such as {facts.zeros} begin with 0"
    if facts.large and style == "number":
        return f"whole numbers such as {facts.large} are rounded to 16 digits"
    if style in COMMAS:
        return f"numbers with a {style}"
    return mixed_remark(facts, style)


def mixed_remark(facts: TextFacts, style: str) -> str:
    """Return why a column is words if most of its values are numbers; else an empty string."""
    if (
        style == "words"
        and facts.other is not None
        and not facts.zeros
        and 2 * facts.numbers > facts.present
    ):
        row, value = facts.other
        return (
            f"words, because {value!r} in row {row} is not a number, but {facts.numbers:,} of "
            f"{facts.present:,} values are; if it stands for a missing value, give "
            f"missing=[{value!r}]"
        )
    return ""


# ---- conversion ---------------------------------------------------------------------------------


def convert(values: ArrowColumn, style: str) -> ArrowColumn:
    """Return a column of text in the type of its style."""
    pa, pc = arrow(), compute()
    if style == "whole":
        return pc.replace_substring_regex(values, r"^\+", "").cast(pa.int64())
    if style == "boolean":
        return pc.equal(pc.utf8_lower(values), "true")
    if style == "date":
        return dates(values)
    if style == "words":
        return values
    if style == "decimal comma":
        values = pc.replace_substring_regex(values, r"[.' ]", "")
        values = pc.replace_substring(values, ",", ".")
    if style in ("thousands comma", "thousands"):
        values = pc.replace_substring_regex(values, r"[,' ]", "")
    return pc.replace_substring_regex(values, r"^\+", "").cast(pa.float64())


def dates(values: ArrowColumn) -> ArrowColumn:
    """Return dates as timestamps; None for those that no calendar has."""
    pa, pc = arrow(), compute()
    found = converted(values, "timestamp[us]")
    if found is not None:
        return found
    different = pc.unique(values.drop_null())
    days = parsed_dates(different.to_pylist())
    places = pc.index_in(values, value_set=different)
    return pa.array(days, pa.timestamp("us")).take(places.combine_chunks())


def parsed_dates(words: Sequence[str]) -> list[datetime | None]:
    """Return dates in the form that fits most of them, with None for the others."""
    tried = [[parsed_date(word, form) for word in words] for form in DATE_FORMS]
    return min(tried, key=lambda days: days.count(None))


def parsed_date(word: str, form: str) -> datetime | None:
    """Return a date, or None if it has another form, or no calendar has it."""
    try:
        return datetime.strptime(word, form)  # noqa: DTZ007 (a date of a table has no time zone)
    except ValueError:
        return None


def converted(values: ArrowColumn, name: str) -> ArrowColumn | None:
    """Return a column of another type, or None if a value cannot be read so."""
    pa = arrow()
    try:
        return values.cast(pa.timestamp("us") if name == "timestamp[us]" else name)
    except pa.ArrowInvalid:
        return None


def is_whole(values: ArrowColumn) -> bool:
    """Return whether all values are whole numbers of 64 bits; pyarrow reads none with a plus."""
    if converted(values, "int64") is not None:
        return True
    unsigned = compute().replace_substring_regex(values, r"^\+", "")
    return converted(unsigned, "int64") is not None


def all_match(values: ArrowColumn, pattern: str) -> bool:
    """Return whether all values have a form."""
    pc = compute()
    fits = pc.match_substring_regex(values, patterns.exactly(pattern), ignore_case=True)
    return bool(pc.all(fits).as_py())


def first_match(values: ArrowColumn, pattern: str) -> str:
    """Return the first value of a form, or an empty string."""
    pc = compute()
    row = pc.index(pc.match_substring_regex(values, patterns.exactly(pattern)), True).as_py()
    return "" if row < 0 else str(values[row].as_py())


def longest(values: ArrowColumn) -> str:
    """Return the longest value."""
    lengths: Any = compute().utf8_length(values)
    return str(values[compute().index(lengths, compute().max(lengths)).as_py()].as_py())
