"""Pages are read on a code host too: what is understood there, in the words of Sphinx.

`<a id="name"></a>` becomes a target that Sphinx knows and checks links to; a link to a folder or a page of the
repository outside `docs/` becomes its words alone, for the site has no such page. A file of code is offered as it is.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

_ANCHOR = re.compile(r'^<a id="([\w.-]+)"></a>$', re.MULTILINE)
_OUTSIDE = re.compile(r"\[([^\[\]]+)\]\((\.\./[^()#\s]+)\)")


def translated(text: str, folder: Path, docs: Path) -> str:
    """The text of a page that stands in a folder; a link to what is not there is left, to be found by the build."""

    def words(link: re.Match[str]) -> str:
        target = (folder / link[2]).resolve()
        is_page = target.is_dir() or (target.is_file() and target.suffix == ".md")
        return link[1] if is_page and not target.is_relative_to(docs.resolve()) else link[0]

    return _ANCHOR.sub(r"(\1)=", _OUTSIDE.sub(words, text))


def translate(app: Any, name: str, source: list[str]) -> None:
    """One page, when it is read."""
    source[0] = translated(source[0], Path(app.env.doc2path(name)).parent, Path(app.srcdir))


def setup(app: Any) -> dict[str, Any]:
    """Pages are translated when they are read."""
    app.connect("source-read", translate)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
