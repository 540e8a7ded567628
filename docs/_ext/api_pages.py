"""A page for each public name of `derive` and `verify`: signature, docstring, source."""

from __future__ import annotations

from inspect import isclass
from pathlib import Path
from typing import Any

import derive
import verify

FOLDER = "api"
PACKAGES = {derive: "makes formulas", verify: "judges them"}
INTRODUCTION = """# The Python interface

`derive` makes formulas, `verify` judges them. A name loads its module when it is first used: `import derive` costs
nothing. Shapes are written rows × columns, a vector is a column; sizes are SymPy symbols; times are in steps, limits in
seconds of processor time. Each page has the signature, what is raised and why, and the source.
"""


def first_line(thing: Any) -> str:
    """What a name is, in one line."""
    return (thing.__doc__ or "").strip().split("\n", 1)[0]


def page(package: Any, name: str) -> str:
    """The page of one name; an exception's or a class's own members follow it."""
    thing = getattr(package, name)
    kind = "autoexception" if isclass(thing) and issubclass(thing, Exception) else "autoclass"
    directive = kind if isclass(thing) else "autofunction"
    title = f"{package.__name__}.{name}"
    target = f"{thing.__module__}.{thing.__qualname__}"
    options = "" if directive == "autofunction" else "   :members:\n"
    return f"{title}\n{'=' * len(title)}\n\n.. {directive}:: {target}\n{options}"


def index() -> str:
    """The list of all public names."""
    parts = [INTRODUCTION]
    for package, does in PACKAGES.items():
        rows = [
            f"| [{name}]({package.__name__}.{name}) | {_cell(getattr(package, name))} |" for name in package.__all__
        ]
        parts.append(f"## {package.__name__} {does}\n\n| name | |\n|---|---|\n" + "\n".join(rows) + "\n")
    names = "\n".join(f"{package.__name__}.{name}" for package in PACKAGES for name in package.__all__)
    return "\n".join(parts) + "\n```{toctree}\n:hidden:\n\n" + names + "\n```\n"


def _cell(thing: Any) -> str:
    return first_line(thing).replace("|", "\\|").replace("*", "\\*")


def write(folder: Path) -> None:
    """All pages; one that did not change is not touched."""
    pages = {f"{package.__name__}.{name}.rst": page(package, name) for package in PACKAGES for name in package.__all__}
    folder.mkdir(exist_ok=True)
    for name, text in {**pages, "index.md": index()}.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """The pages are written before Sphinx looks for them."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / FOLDER))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
