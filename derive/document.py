"""Derivations written down: a Markdown document whose every line the verifier proves, LaTeX, plain text."""

from __future__ import annotations

from collections.abc import Iterable

from derive.derivation import Derivation
from derive.language.show import show
from derive.papers.latex import latex_steps
from derive.papers.markdown import markdown_document
from derive.papers.paper import paper


def as_document(
    title: str,
    derivations: Iterable[Derivation],
    layout: str = "numerator",
    vec: str = "column",
    language: str = "en",
) -> str:
    """A derivation document: the block, the model's equations as givens, one tagged equation for each derivation.

    All derivations are of one model; those of block form or of the other vec order get a directive. Raises
    BackproofError where there is none, where models differ, or where the last step is no letter.
    """
    return markdown_document(paper(title, derivations, layout, vec, language, steps=False))


def as_latex(derivations: Iterable[Derivation], layout: str = "numerator") -> str:
    """The derivations alone in LaTeX, of any models: a line for each step and the name of its rule beside it."""
    return "\n".join(latex_steps(derivation, layout) for derivation in derivations)


def as_text(derivations: Iterable[Derivation]) -> str:
    """Plain text: what was derived, then one line for each step with its theorem."""
    return "\n".join(line for derivation in derivations for line in _text_lines(derivation))


def _text_lines(derivation: Derivation) -> list[str]:
    where = ", ".join(f"{a} {sign} {b}" for a, sign, b in derivation.conditions)
    head = f"{derivation.name}  {derivation}".strip() + (f"   ({where})" if where else "")
    return [head, *(f"    = {show(s.after)}    [{s.rule}]" for s in derivation.steps), ""]
