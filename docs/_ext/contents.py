"""The site's contents: every page of `docs/` once, in sections; a page that no section names stands in the last one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SECTIONS = {
    "Start": ("start", "tutorial"),
    "How to": ("howto/author", "howto/kernel", "howto/teacher", "howto/maintainer"),
    "Verdicts": ("trust", "repair", "robustness", "zoo"),
    "Documents": ("documents", "language", "command", "report", "pictures", "papers"),
    "In CI": ("ci", "pytest", "lock", "scale"),
    "Models and code": ("models", "derivations/index", "notebooks", "code", "audit", "reference"),
    "More": ("api/index", "speed", "performance"),
}
PLACE = "<!-- contents -->"
EXAMPLES = "pictures/"  # a folder of documents that pages speak of, and that stand in no section themselves


def contents(folder: Path) -> str:
    """The toctrees, one a section; what a section names and the folder lacks is left out."""
    present = {path.stem for suffix in ("md", "ipynb") for path in folder.glob(f"*.{suffix}")} - {"index"}
    named = [page for pages in SECTIONS.values() for page in pages]
    rest = sorted(present.difference(named))
    parts = []
    for title, pages in SECTIONS.items():
        shown = [page for page in pages if page in present or "/" in page] + (rest if title == "More" else [])
        if shown:
            parts.append(f"```{{toctree}}\n:hidden:\n:caption: {title}\n\n" + "\n".join(shown) + "\n```\n")
    return "\n".join(parts)


def fill_in(app: Any, name: str, source: list[str]) -> None:
    """The contents in their place on the front page."""
    source[0] = source[0].replace(PLACE, contents(Path(app.srcdir)))
    if name.startswith(EXAMPLES) and not source[0].startswith("---"):
        source[0] = "---\norphan: true\n---\n" + source[0]


def setup(app: Any) -> dict[str, Any]:
    """The front page is filled in when it is read, which is in every build: pages may have come or gone."""
    app.connect("source-read", fill_in)
    app.connect("env-get-outdated", lambda app, env, added, changed, removed: [app.config.root_doc])
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
