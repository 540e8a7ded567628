"""A page for every model: all that is derived of it, every line verified while the site is built.

A line that is not proved ends the build, but for those that are known to be only tested. Verdicts are kept in the cache
of `backproof verify`, so that only what changed is decided again.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any

from sphinx.errors import ExtensionError

from derive.derivation import Derivation
from derive.language.derivatives import DerivativeNode, Gradient
from derive.language.show import show
from derive.models.activations import ACTIVATIONS
from derive.models.losses import LOSSES
from derive.models.registry import System, choices_of
from derive.models.systems import system, systems
from derive.notebook import html_of_derivation, latex_of_model
from derive.printed import printed
from verify.cache import Cache, cache_folder
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort
from verify.verdict import Verdict

FOLDER = "derivations"
# what is true at every step and not proved for all of them: a claim that moves the states of both directions at once
TESTED = {("bidirectional", "grad.x")}
_MARKUP = re.compile(r"[\\`*_\[\]{}<>#|~$^]")  # what a heading would read as Markdown
SIGNS = {"proved": "✓ proved", "tested": "~ tested"}
INTRODUCTION = """# Derivations

Every Jacobian, recursion and gradient that Backproof derives, model by model, each line with its steps. Nothing here is
copied from a book: `backproof derive` made the formulas when this site was built, `backproof verify` decided them, and
a line that were not proved would have stopped the build{exceptions}.

| model | verified | choices |
|---|---|---|
"""


def is_of(names: Iterable[str], name: str) -> bool:
    """Whether a system is one of a group: `weighted squared error` is a loss."""
    return any(part in name for part in names)


def groups() -> dict[str, tuple[str, ...]]:
    """The pages and the systems on each: a network has its own, activations and losses share one."""
    losses = tuple(name for name in systems() if is_of(LOSSES, name))
    activations = tuple(name for name in systems() if name in ACTIVATIONS or name == "softmax")
    networks = (name for name in systems() if name not in losses + activations)
    return {**{name: (name,) for name in networks}, "activations": activations, "losses": losses}


def verdicts(chosen: System, cache: Cache) -> dict[str, Verdict]:
    """The verdict on each line of the document that `backproof derive --as md` prints."""
    document = read(f"{chosen.name}.md", printed(chosen, form="md"))
    entries = Judge(document, Effort(), cache).entries()
    return {entry.statement: entry.verdict for entry in entries if entry.role == "claim" and entry.verdict is not None}


def section(chosen: System, cache: Cache, level: str) -> tuple[str, list[Verdict]]:
    """A system's part of a page, its equations, then each derivation with its verdict; and the verdicts.

    Raises ExtensionError where a derivation was not verified, or is not proved.
    """
    found = verdicts(chosen, cache)
    groups: dict[str, list[str]] = {}
    for derivation in dict.fromkeys(chosen.quantities()):
        verdict = _checked(chosen.name, derivation, found.get(derivation.name))
        groups.setdefault(_kind(derivation), []).append(_shown(derivation, verdict, level + "##"))
    parts = [f"{level} {chosen.title[0].upper()}{chosen.title[1:]}", f"$${latex_of_model(chosen.model)}$$"]
    rest = " (what is tested is settled at the first steps alone)" if _has_tested(found) else ""
    parts.append(f"{_counted(found.values())}, for all sizes and all steps{rest}. To see it again:")
    parts.append(f"```sh\nbackproof derive {_quoted(chosen.name)} --as md | backproof verify -\n```")
    for kind, shown in groups.items():
        parts += [f"{level}# {kind}", *shown]
    return "\n\n".join(parts) + "\n", list(found.values())


def _has_tested(found: dict[str, Verdict]) -> bool:
    return any(verdict.verdict == "tested" for verdict in found.values())


def _kind(derivation: Derivation) -> str:
    """Under which heading a derivation stands."""
    if isinstance(derivation.left, Gradient):
        return "Gradients"
    return "Jacobians" if isinstance(derivation.left, DerivativeNode) else "Recursions"


def _counted(found: Iterable[Verdict]) -> str:
    """27 lines proved, 1 tested."""
    words = Counter(verdict.verdict for verdict in found)
    count = words.pop("proved")
    return f"{count} line{'s' * (count != 1)} proved" + "".join(f", {more} {word}" for word, more in words.items())


def _checked(name: str, derivation: Derivation, verdict: Verdict | None) -> Verdict:
    if verdict is None:
        raise ExtensionError(f"{name}: {derivation.name} was derived and not verified")
    if verdict.verdict != "proved" and not (verdict.verdict == "tested" and (name, derivation.name) in TESTED):
        raise ExtensionError(f"{name}: {derivation.name} is {verdict.verdict}, not proved: {verdict.message}")
    return verdict


def _shown(derivation: Derivation, verdict: Verdict, level: str) -> str:
    """One derivation: its verdict, what it rests on, the formula and its steps."""
    route = ", ".join(dict.fromkeys(one.witness for one in verdict.witnesses if one.outcome == "equal"))
    times = "" if verdict.times == "all" else f" for {verdict.times.replace('<=', '≤')}"
    induction = ", by induction" if verdict.certificate is not None else ""
    line = escape(f"{SIGNS[verdict.verdict]}{times}{induction}")
    return (
        f"{level} {_MARKUP.sub(_masked, show(derivation.left))}\n\n```{{raw}} html\n"
        f'<p><span class="verdict {verdict.verdict}" title="{escape(route)}">{line}</span> '
        f"<code>{escape(derivation.name)}</code></p>\n{html_of_derivation(derivation)}\n```"
    )


def _masked(sign: re.Match[str]) -> str:
    return f"\\{sign[0]}"


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def write(folder: Path) -> None:
    """All pages and the index of them; a page that did not change is not touched, so that it is not read again."""
    cache = Cache(cache_folder())
    rows = []
    for page, names in groups().items():
        single = len(names) == 1
        sections = [section(system(name), cache, "#" if single else "##") for name in names]
        head = "" if single else f"# {page.capitalize()}\n\n"
        _put(folder / f"{_file(page)}.md", head + "\n".join(text for text, _ in sections))
        rows.append(_row(page, names, [verdict for _, found in sections for verdict in found]))
    cache.close()
    exceptions = ", but for " + " and ".join(f"`{line}` of {name}, which is tested" for name, line in sorted(TESTED))
    toctree = "\n```{toctree}\n:hidden:\n\n" + "\n".join(_file(page) for page in groups()) + "\n```\n"
    _put(folder / "index.md", INTRODUCTION.format(exceptions=exceptions) + "".join(rows) + toctree)


def _row(page: str, names: tuple[str, ...], found: list[Verdict]) -> str:
    choices = ", ".join(f"`{choice}`" for choice in choices_of(names[0])) if len(names) == 1 else ""
    return f"| [{page}]({_file(page)}.md) | {_counted(found)} | {choices} |\n"


def _file(page: str) -> str:
    return page.replace(" ", "-")


def _put(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")


def setup(app: Any) -> dict[str, Any]:
    """The pages are written before Sphinx looks for them."""
    app.connect("builder-inited", lambda app: write(Path(app.srcdir) / FOLDER))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
