"""The LaTeX of printed formulas, sign by sign: what a paper may hold, and what Typst calls it.

The printers write few commands; names come from documents and may hold anything. A command that has no row here is
refused, so that a name can neither start a macro of TeX nor code of Typst.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from derive.errors import BackproofError

GREEK = (
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa", "lambda", "mu", "nu", "xi",
    "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi",
    "Pi", "Sigma", "Upsilon", "Phi", "Psi", "Omega",
)  # fmt: skip
SYMBOLS: dict[str, str] = {
    **{name: name for name in GREEK},
    "phi": "phi.alt",  # TeX's is the straight one, varphi the curly one
    "epsilon": "epsilon.alt",
    "varphi": "phi",
    "varepsilon": "epsilon",
    "vartheta": "theta.alt",
    "varrho": "rho.alt",
    "varpi": "pi.alt",
    "varsigma": "sigma.alt",
    "ell": "ell",
    "hbar": "planck",
    "nabla": "nabla",
    "partial": "partial",
    "infty": "infinity",
    "prime": "prime",
    "top": "top",
    "bot": "bot",
    "star": "star",
    "ast": "ast",
    "dagger": "dagger",
    "circ": "compose",
    "bullet": "bullet",
    "cdot": "dot.op",
    "odot": "dot.o",
    "otimes": "times.o",
    "oplus": "plus.o",
    "times": "times",
    "pm": "plus.minus",
    "sum": "sum",
    "prod": "product",
    "in": "in",
    "le": "<=",
    "leq": "<=",
    "ge": ">=",
    "geq": ">=",
    "ne": "!=",
    "neq": "!=",
    "to": "->",
    "colon": ":",
    "langle": "chevron.l",
    "rangle": "chevron.r",
    "ldots": "dots.h",
    "dots": "dots.h",
    "cdots": "dots.h.c",
    "forall": "forall",
    "quad": "quad",
    "qquad": "wide",
    ",": "thin",
    ";": "med",
    ":": "med",
    "!": "",
    "|": "||",
}
OPERATORS = ("tanh", "sinh", "cosh", "sin", "cos", "exp", "log", "ln", "det", "max", "min")  # upright by their own name
FONTS: dict[str, str] = {
    "mathrm": "upright",
    "mathbf": "bold-upright",
    "boldsymbol": "bold",
    "bm": "bold",
    "mathit": "italic",
    "mathsf": "sans",
    "mathtt": "mono",
    "mathcal": "cal",
    "mathscr": "scr",
    "mathbb": "bb",
    "mathfrak": "frak",
    "operatorname": "op",
    "pmb": "bold",
    "bf": "bold-upright",
    "text": "text",
    "textrm": "text",
    "textbf": "bold-upright",
    "textit": "italic",
}
ACCENTS: dict[str, str] = {
    "hat": "hat",
    "widehat": "hat",
    "tilde": "tilde",
    "widetilde": "tilde",
    "bar": "macron",
    "overline": "overline",
    "underline": "underline",
    "dot": "dot",
    "ddot": "dot.double",
    "vec": "arrow",
    "overrightarrow": "arrow",
    "overleftarrow": "arrow.l",
    "check": "caron",
    "breve": "breve",
}
STRUCTURES = ("frac", "sqrt", "left", "right", "begin", "end", "Bigl", "Bigr")
KNOWN = frozenset((*SYMBOLS, *OPERATORS, *FONTS, *ACCENTS, *STRUCTURES))
ENVIRONMENTS = ("bmatrix",)
DELIMITERS = {"(": "(", ")": ")", "[": "[", "]": "]", "|": "|", "\\|": "||", "\\{": "{", "\\}": "}", ".": ""}

_SIGN = re.compile(
    r"(?P<space> +)|\\(?P<row>\\)|\\(?P<command>[A-Za-z]+|[,;:!|{}])|(?P<open>\{)|(?P<close>\})"
    r"|(?P<script>[_^])|(?P<digits>\d+(?:\.\d+)?)|(?P<letter>[A-Za-z])|(?P<sign>[-+=<>()\[\]/|,.:;!'*&?@])"
    r"|(?P<foreign>[^\x00-\x7f])"
)
_LETTER = re.compile(r"[^\W\d_]")
_MEANT = {"−": "-", "⋅": "\\cdot", "′": "'"}


class Sign(NamedTuple):
    """One sign of a formula: its kind (a group of the pattern) and its text."""

    kind: str
    text: str


def signs(formula: str) -> Iterator[Sign]:
    """The signs of a formula. Raises `BackproofError` for what no paper may hold: unknown commands, %, #, $, ~, ^^."""
    place = 0
    while place < len(formula):
        match = _SIGN.match(formula, place)
        if match is None:
            raise BackproofError(f"{_shown(formula)}: {formula[place]!r} may not stand in a formula of a paper")
        kind = str(match.lastgroup)
        if kind == "command":
            _check_command(formula, match["command"])
        if kind == "script" and formula[match.end() : match.end() + 1] in ("^", "_"):
            raise BackproofError(f"{_shown(formula)}: a script is missing behind {match.group()!r}")
        if kind == "foreign" and not _LETTER.fullmatch(match.group()) and match.group() not in _MEANT:
            raise BackproofError(f"{_shown(formula)}: {match.group()!r} is no letter that a paper could set")
        yield Sign(kind, match.group(kind))
        place = match.end()


def check_formula(formula: str) -> str:
    """The formula, if it holds nothing but what a paper may hold and its braces match. Raises `BackproofError`."""
    depth = inside = 0
    for sign in signs(formula):
        depth += (sign.kind == "open") - (sign.kind == "close")
        inside += (sign == Sign("command", "begin")) - (sign == Sign("command", "end"))
        if depth < 0 or (not inside and (sign.kind == "row" or sign == Sign("sign", "&"))):
            raise BackproofError(f"{_shown(formula)}: {sign.text!r} is out of place")
    if depth != 0 or inside != 0:
        raise BackproofError(f"{_shown(formula)}: its braces do not match")
    for edge in _EDGE.finditer(formula):
        if edge[1] not in ENVIRONMENTS:
            raise BackproofError(f"{_shown(formula)}: a formula of a paper holds no {edge[1] or edge.group()}")
    return formula


_EDGE = re.compile(r"\\(?:begin|end)(?![A-Za-z])(?:\{([A-Za-z*]+)\})?")


def _check_command(formula: str, command: str) -> None:
    if command in KNOWN or command in "{}":
        return
    raise BackproofError(
        f"{_shown(formula)}: \\{command} is no command that a paper can hold; write the name with letters, Greek "
        f"letters, fonts (\\mathrm, \\mathbf …) and accents (\\tilde, \\hat …)"
    )


def _shown(formula: str) -> str:
    return formula if len(formula) <= 60 else f"{formula[:57]}..."
