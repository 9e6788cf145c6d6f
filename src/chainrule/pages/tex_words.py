"""Converts any text to LaTeX: characters that are special in LaTeX are escaped or replaced.

Formulas are typeset by ``tex_math``.
"""

import re
import unicodedata

LETTERS = {  # and symbols, as math commands
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "ι": "iota",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "µ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "π": "pi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "\u03c5": "upsilon",
    "φ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Ξ": "Xi",
    "Π": "Pi",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
    "∂": "partial",
    "∇": "nabla",
    "\u2113": "ell",
    "∞": "infty",
    "∑": "sum",
    "∏": "prod",
    "√": "surd",
    "∈": "in",
    "×": "times",
    "·": "cdot",
    "∘": "circ",
    "⊙": "odot",
    "±": "pm",
    "→": "to",
    "←": "leftarrow",
    "↦": "mapsto",
    "⇒": "Rightarrow",
    "≤": "le",
    "≥": "ge",
    "≠": "ne",
    "≈": "approx",
    "‖": "Vert",
    "∗": "ast",
    "✓": "checkmark",
    "…": "ldots",
    "∝": "propto",
    "\u22a4": "top",
}
# In math mode, because the italic and bold text fonts lack them.
SPECIAL = {
    "\\": r"$\backslash$",
    "{": r"$\{$",
    "}": r"$\}$",
    "<": "$<$",
    ">": "$>$",
    "|": r"$\vert$",
    "#": r"\#",
    "$": r"\$",
    "%": r"\%",
    "&": r"\&",
    "_": r"\_",
    "~": r"$\sim$",
    "^": r"\^{}",
    '"': "''",
    "\u201c": "``",
    "\u201d": "''",
    "\u201e": ",,",
    "\u2018": "`",
    "\u2019": "'",
    "\u2013": r"\textendash{}",
    "\u2014": r"\textemdash{}",
    "`": "{`}",
    "\u2026": r"\ldots{}",
    "\u2212": "$-$",
    "\u2032": "$'$",
    "\u00a0": "~",
    "\u2009": "~",
    "\u202f": "~",
    "½": r"$\frac{1}{2}$",
    "°": r"$^\circ$",
    "²": "$^2$",
    "³": "$^3$",
    "⁺": "$^+$",
    "⁻": "$^-$",
    "ᵀ": r"$^\top$",
    "§": r"\S{}",
    "ß": r"\ss{}",
    "ø": r"\o{}",
    "Ø": r"\O{}",
    "ł": r"\l{}",
    "Ł": r"\L{}",
    "æ": r"\ae{}",
    "Æ": r"\AE{}",
    "œ": r"\oe{}",
    "Œ": r"\OE{}",
    "\u0131": r"\i{}",
    "đ": "d",
    "Đ": "D",
}
ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0306": "u",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r",
    "\u030b": "H",
    "\u030c": "v",
    "\u0327": "c",
    "\u0323": "d",
}
LONG = 18  # characters in a row without a place to break


def words(text: str) -> str:
    r"""Return a text as LaTeX source.

    Parameters
    ----------
    text : str
        A character that LaTeX cannot print is replaced by its code: ``[U+4E2D]``.

    Returns
    -------
    str
        Of ASCII letters only.
    """
    text = unicodedata.normalize("NFC", " ".join(text.split()))
    return re.sub(r"\S+", lambda found: "".join(_signs(found[0])), text).replace("--", "-{}-")


def _signs(word: str) -> list[str]:
    """Return the characters of a word as LaTeX, with places to break where it is long."""
    signs = [_sign(sign) for sign in word]
    if len(word) <= LONG and word.isascii():
        return signs
    count, broken = 0, list[str]()
    for sign, shown in zip(word, signs, strict=True):
        count += len(shown) if shown.startswith("[U+") else 1
        broken.append(shown)
        if count >= LONG or sign in "/._-=,;:?&" or shown.startswith("[U+"):
            broken.append(r"\allowbreak{}")
            count = 0
    return broken


def _sign(sign: str) -> str:
    if sign in SPECIAL:
        return SPECIAL[sign]
    if sign in LETTERS:
        return f"$\\{LETTERS[sign]}$"
    if sign.isascii():
        return sign if sign.isprintable() else ""
    return _accented(sign)


def _accented(sign: str) -> str:
    """Return a letter with its accent, or the code of a character that LaTeX cannot print."""
    base, *marks = unicodedata.normalize("NFKD", sign)
    if sign in ACCENTS:  # after a letter that it cannot be combined with
        return ""
    if not base.isascii():
        return f"[U+{ord(sign):04X}]"
    known = [mark for mark in marks if mark in ACCENTS]
    if not known:
        return "".join(SPECIAL.get(c, c) for c in (base, *marks) if c.isascii())
    stem = {"i": r"\i", "j": r"\j"}.get(base, base) if known[0] not in "\u0327\u0323" else base
    return rf"\{ACCENTS[known[0]]}{{{stem}}}"
