"""A page for each public name of `derive` and `verify`: signature, docstring, source."""

from __future__ import annotations

from importlib import import_module
from inspect import isclass
from pathlib import Path
from types import ModuleType
from typing import Any

import derive
import verify

Sections = dict[str, list[tuple[ModuleType, str]]]
FOLDER = "api"
PACKAGES = {derive: "makes formulas", verify: "judges them"}
# what public functions give, and people then read
RESULTS = {
    "verify.report.model": ("Report", "DocumentReport"),
    "verify.judge": ("Entry",),
    "verify.verdict": ("Verdict", "Repair", "ReadingVerdict"),
    "verify.counterexample": ("Counterexample",),
    "verify.deciders.outcome": ("Outcome",),
    "verify.audit.findings": ("AuditReport", "Evidence"),
    "derive.language.functions": ("ElementwiseFunction",),
}
INTRODUCTION = """# The Python interface

`derive` makes formulas, `verify` judges them. A name loads its module when it is first used: `import derive` costs
nothing. Shapes are written rows × columns, a vector is a column; sizes are SymPy symbols; times are in steps, limits in
seconds of processor time. Each page has the signature, what is raised and why, and the source.
"""


def first_line(thing: Any) -> str:
    """What a name is, in one line."""
    return (thing.__doc__ or "").strip().split("\n", 1)[0]


def page(package: ModuleType, name: str) -> str:
    """The page of one name; a class's own members follow it."""
    thing = getattr(package, name)
    directive = "autofunction"
    if isclass(thing):
        directive = "autoexception" if issubclass(thing, Exception) else "autoclass"
    title = f"{package.__name__}.{name}"
    options = "" if directive == "autofunction" else "   :members:\n"
    return f"{title}\n{'=' * len(title)}\n\n.. {directive}:: {thing.__module__}.{thing.__qualname__}\n{options}"


def index(sections: Sections) -> str:
    """The list of all names, then the contents."""
    parts = [INTRODUCTION]
    for title, things in sections.items():
        rows = [
            f"| [{name}]({module.__name__}.{name}.rst) | {_cell(getattr(module, name))} |" for module, name in things
        ]
        parts.append(f"## {title}\n\n| name | |\n|---|---|\n" + "\n".join(rows) + "\n")
    names = "\n".join(f"{module.__name__}.{name}" for things in sections.values() for module, name in things)
    return "\n".join(parts) + "\n```{toctree}\n:hidden:\n\n" + names + "\n```\n"


def _cell(thing: Any) -> str:
    """Safe in a table: stars outside code would make italics."""
    parts = first_line(thing).replace("|", "\\|").split("`")
    return "`".join(part if place % 2 else part.replace("*", "\\*") for place, part in enumerate(parts))


def sections() -> Sections:
    """All names that have a page."""
    public = {
        f"{package.__name__} {does}": [(package, name) for name in package.__all__]
        for package, does in PACKAGES.items()
    }
    return {**public, "What they give": [(import_module(home), name) for home in RESULTS for name in RESULTS[home]]}


def write(folder: Path) -> None:
    """All pages; one that did not change is not touched."""
    found = sections()
    pages = {
        f"{module.__name__}.{name}.rst": page(module, name) for things in found.values() for module, name in things
    }
    folder.mkdir(exist_ok=True)
    for name, text in {**pages, "index.md": index(found)}.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """The pages are written before Sphinx looks for them."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / FOLDER))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
