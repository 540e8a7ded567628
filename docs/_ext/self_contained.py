"""Nothing on the site is loaded from elsewhere: the build ends with an error where a page would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

_ELSEWHERE = r"(?:https?:)?//"
_LOADS = {
    ".html": re.compile(
        rf"<(?:script|link|img|iframe|source|video|audio|embed|object|use|image)\b[^>]*?"
        rf"\s(?:src|href|srcset|data|poster|xlink:href)\s*=\s*[\"']?{_ELSEWHERE}[^>]*>"
        rf"|<(?:style\b[^>]*>[^<]*|[^>]*\sstyle=[^>]*)(?:url\(\s*[\"']?|@import\s+[\"']){_ELSEWHERE}[^<>]*",
        re.IGNORECASE,
    ),
    ".css": re.compile(rf"(?:url\(\s*[\"']?|@import\s+(?:url\()?[\"']?){_ELSEWHERE}[^;)]*", re.IGNORECASE),
}
_LOADS[".svg"] = re.compile(f"{_LOADS['.html'].pattern}|{_LOADS['.css'].pattern}", re.IGNORECASE)


def loads(suffix: str, text: str) -> Iterator[str]:
    """What a file would load from another host; a link that a reader may follow is none."""
    pattern = _LOADS.get(suffix)
    return (match[0] for match in pattern.finditer(text)) if pattern else iter(())


def check(app: Any, exception: Exception | None) -> None:
    """Every page and style sheet that was built. Raises ExtensionError."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    found = [
        f"{path.relative_to(out)}: {load}"
        for path in sorted(out.rglob("*"))
        if path.suffix in _LOADS
        for load in loads(path.suffix, path.read_text(encoding="utf-8"))
    ]
    if found:
        raise ExtensionError("loaded from elsewhere:\n" + "\n".join(found))


def setup(app: Any) -> dict[str, Any]:
    """The check is the last thing that a build does."""
    app.connect("build-finished", check)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
