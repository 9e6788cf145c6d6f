"""Translate what programs in Python 2 commonly contain, so that Python 3 can run them."""

import ast
import re
import warnings

# Each rule is a line's pattern in Python 2 and what it becomes.
RULES = (
    (
        re.compile(r"^(\s*(?:[\w\s=<>!.()\[\]%'\"]+:\s*)?)print\s*>>\s*[\w.]+\s*,?(.*)$"),
        r"\1print(\2)",
    ),
    (re.compile(r"^(\s*)print\s*$"), r"\1print()"),
    (
        re.compile(
            r"^(\s*(?:(?:if|else|elif|for|while)\b[^\"'#]*:\s*)?)print[ \t]+([^#]*?),?[ \t]*(#.*)?$"
        ),
        r"\1print(\2) \3",
    ),
    (re.compile(r"^(\s*)print([\"'].*?),?\s*$"), r"\1print(\2)"),
    (
        re.compile(r"^(\s*)except\s+([\w.]+(?:\s*\([^)]*\))?)\s*,\s*(\w+)\s*:"),
        r"\1except \2 as \3:",
    ),
    (re.compile(r"^([^\"'#]*)\braise\s+([\w.]+)\s*,\s*(.+)$"), r"\1raise \2(\3)"),
    (re.compile(r"^(\s*)exec\s+(?!\()(.+)$"), r"\1exec(\2)"),
)
WORDS = (
    (re.compile(r"\bxrange\("), "range("),
    (re.compile(r"\braw_input\("), "input("),
    (re.compile(r"\.iter(items|keys|values)\(\)"), r".\1()"),
    (re.compile(r"\bcPickle\b"), "pickle"),
    (re.compile(r"\b(\d+)[lL]\b"), r"\1"),
    (re.compile(r"<>"), "!="),
)
IDIOMS = ("xrange(", "raw_input(", ".iteritems()", "cPickle")
REMARK = (
    "it is in Python 2 and was translated; the operator / divides whole numbers differently there"
)


def is_python3(text: str) -> bool:
    """Return whether a text is valid in Python 3."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def as_python3(text: str) -> tuple[str, list[str]]:
    """Return a program as Python 3, line for line, and a remark if it was translated.

    A text that is not valid afterwards either is returned unchanged.
    """
    if is_python3(text):
        is_old = any(idiom in text for idiom in IDIOMS)
        return ("\n".join(map(_with_words, text.split("\n"))), [REMARK]) if is_old else (text, [])
    made = "\n".join(_with_words(_with_rules(line)) for line in text.expandtabs(8).split("\n"))
    return (made, [REMARK]) if is_python3(made) else (text, [])


def _with_rules(line: str) -> str:
    for pattern, new in RULES:
        made, count = pattern.subn(new, line)
        if count:
            return made.rstrip()
    return line


def _with_words(line: str) -> str:
    for pattern, new in WORDS:
        line = pattern.sub(new, line)
    return line
