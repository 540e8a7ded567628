"""Plain keys of LaTeX names: what options, files and dictionaries call U_{i}, \\mathrm{Net}^{i} or \\tilde{h}."""

from __future__ import annotations

import re

_FONTS = re.compile(r"\\(mathrm|mathbf|boldsymbol|text|mathit|operatorname)\s*")
_ACCENTED = re.compile(
    r"\\(widehat|hat|widetilde|tilde|bar|overline|overrightarrow|overleftarrow|dot|vec)\s*\{?(\w)\}?"
)


def plain_key(name: str) -> str:
    """A LaTeX name in letters, digits and underscores: U_{i} is U_i, W^{1} is W1, \\tilde{h} is h_tilde."""
    text = re.sub(r"[{}]", "", _ACCENTED.sub(r"\2_\1", _FONTS.sub("", name)))
    text = re.sub(r"[_^](?=[0-9])", "", text)  # W^{1} and b_{2} are W1 and b2
    text = re.sub(r"[^0-9A-Za-z]+", "_", text)
    return text.strip("_")
