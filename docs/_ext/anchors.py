"""`<a id="name"></a>`, which GitHub understands, as a target that Sphinx knows and checks links to."""

from __future__ import annotations

import re
from typing import Any

_ANCHOR = re.compile(r'^<a id="([\w.-]+)"></a>$', re.MULTILINE)


def as_targets(app: Any, name: str, source: list[str]) -> None:
    """Every anchor that stands alone on a line, as MyST writes a target."""
    source[0] = _ANCHOR.sub(r"(\1)=", source[0])


def setup(app: Any) -> dict[str, Any]:
    """Anchors are read as targets."""
    app.connect("source-read", as_targets)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
