"""The transpose in its spellings: ^\\top, ^T, ^{\\mathsf T}, ^{\\mathrm{T}}, alone or behind an index."""

from __future__ import annotations

from derive.latex.tokens import Tok

_SIGNS = (
    "\\top",
    "T",
    "\\intercal",
    "\\mathsf{T}",
    "\\mathrm{T}",
    "\\mathbf{T}",
    "\\text{T}",
    "\\mathsf{T}",
    "\\mathrm{Tr}",
)


def split_transpose(sup: tuple[Tok, ...]) -> tuple[tuple[Tok, ...], bool]:
    """The superscript without a transpose at its end, and whether there was one."""
    if sup and sup[-1].text in _SIGNS and (len(sup) == 1 or sup[-2].kind not in ("PLUS", "MINUS")):
        return sup[:-1], True
    if sup and sup[0].text in _SIGNS and len(sup) > 1 and sup[1].kind not in ("PLUS", "MINUS"):
        return sup[1:], True  # written before an index: \delta^{\top}{}^{(k)}
    return sup, False
