"""Sphinx's mathematics as MathML, by the renderer of Backproof's notebooks: no script, nothing from elsewhere."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.util import logging

from derive.latex.mathml import mathml

LOGGER = logging.getLogger(__name__)
_TAG = re.compile(r"\s*\\tag\{([^{}]*)\}")


def rendered(latex: str, display: bool, node: nodes.Element) -> str:
    """A formula as MathML; one that cannot be is a warning, and so an error of the build."""
    found = mathml(latex, display)
    if not found.startswith("<math"):
        LOGGER.warning("no MathML for the formula %s", latex, location=node)
    return found


def visit_inline(writer: Any, node: nodes.math) -> None:
    """A formula in a line."""
    writer.body.append(rendered(node.astext(), False, node))
    raise nodes.SkipNode


def visit_block(writer: Any, node: nodes.math_block) -> None:
    r"""A display; its \tag stands at the right."""
    latex = node.astext()
    tag = _TAG.search(latex)
    name = f'<span class="tag">({escape(tag[1])})</span>' if tag else ""
    writer.body.append(f'<div class="display">{rendered(_TAG.sub("", latex), True, node)}{name}</div>')
    raise nodes.SkipNode


def setup(app: Any) -> dict[str, Any]:
    """Registers the renderer, which `html_math_renderer = "mathml"` chooses."""
    app.add_html_math_renderer("mathml", inline_renderers=(visit_inline, None), block_renderers=(visit_block, None))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
