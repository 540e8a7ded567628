"""What `backproof derive` and `backproof models` print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from textwrap import wrap
from typing import Any

from derive.batch import batched
from derive.derivation import Derivation
from derive.document import as_text
from derive.errors import BackproofError
from derive.known import with_functions
from derive.language.show import show, show_name
from derive.latex.conventions import Conventions
from derive.latex.printer import Printer, fitting
from derive.models.activations import ACTIVATIONS
from derive.models.losses import LOSSES
from derive.models.registry import System, choices_of
from derive.models.systems import system, systems
from derive.papers.latex import latex_document, latex_fragment
from derive.papers.markdown import markdown_document
from derive.papers.paper import Paper, paper
from derive.papers.words import title_in
from derive.quantities import Options

WIDTH = 80  # of the list of models, where lines can be broken


def printed(
    chosen: System,
    *,
    wrt: Sequence[str] = (),
    form: str = "text",
    options: Options | None = None,
    batch: bool = False,
    memory: str = "full",
    words: Words | None = None,
) -> str:
    """A system's derivations as text, latex, md or json, or as a module in NumPy.

    Raises `BackproofError` for what the system does not have.
    """
    options, words = options or Options(), words or Words()
    words.check(form)
    if form == "numpy":
        return as_numpy(chosen, wrt, options, batch, memory)
    if form in ("latex", "md"):
        one = paper_of(chosen, wrt=wrt, form=form, options=options, batch=batch, memory=memory, words=words)
        if form == "md":
            return markdown_document(one)
        return latex_fragment(one) if words.fragment else latex_document(one)
    chosen, found = asked_for(chosen, wrt, options, batch, memory)
    return as_json(chosen, found, options.layout) if form == "json" else as_text(found)


@dataclass(frozen=True)
class Words:
    """What stands around the formulas: the language, a title of the user's own, or with `fragment` nothing at all."""

    language: str = ""
    title: str = ""
    fragment: bool = False

    def check(self, form: str) -> None:
        """Raises `BackproofError` where a form of output has no such words."""
        if (self.language or self.title) and form not in ("latex", "pdf", "md"):
            raise BackproofError(f"--lang and --title are for documents, --as latex, pdf or md, not for --as {form}")
        if self.fragment and form != "latex":
            raise BackproofError(f"--fragment is for --as latex, not for --as {form}")


def paper_of(
    chosen: System,
    *,
    wrt: Sequence[str] = (),
    form: str = "latex",
    options: Options | None = None,
    batch: bool = False,
    memory: str = "full",
    words: Words | None = None,
) -> Paper:
    """A system's derivations as a paper, whatever form it is then given. Raises `BackproofError`."""
    options, words = options or Options(), words or Words()
    words.check(form)
    chosen, found = asked_for(chosen, wrt, options, batch, memory)
    is_second = options.mode == "second"
    if form == "md" and is_second:
        raise BackproofError(
            "a document has no word for the tangents of second order: print them as text, latex, pdf or json"
        )
    language = words.language or "en"
    title = words.title or title_in(language, chosen.title)
    return paper(title, found, options.layout, options.vec, language, steps=form != "md", declare=not is_second)


def asked_for(
    chosen: System, wrt: Sequence[str], options: Options, batch: bool, memory: str = "full"
) -> tuple[System, list[Derivation]]:
    """The derivations that are asked for, and the system that they are of. Raises `BackproofError` for none."""
    if memory != "full":
        raise BackproofError("how much memory is used is a choice of code: it goes with --as numpy")
    if batch:
        chosen = over_batch(chosen)
    names: Sequence[str | None] = wrt or [None]
    found = list(dict.fromkeys(derivation for one in names for derivation in chosen.quantities(one, options)))
    if not found:
        raise BackproofError(f"{chosen.name} derives nothing of that kind")
    return chosen, found


def over_batch(chosen: System) -> System:
    """The same system over a batch: samples side by side as columns of matrices."""
    return replace(chosen, title=f"{chosen.title}, over a batch", model=batched(chosen.model), own=None)


def as_numpy(chosen: System, wrt: Sequence[str], options: Options, batch: bool, memory: str) -> str:
    """A system's two passes as a module in NumPy, which has a batch and all gradients anyway."""
    if wrt or batch or options != Options():
        raise BackproofError(
            "code computes all gradients of a whole batch: --wrt, --batch, --mode, --partial, --layout and --vec are "
            "for formulas"
        )
    from derive.code.numpy import numpy_source

    return numpy_source(chosen, memory)


def with_known(chosen: System, functions: Mapping[str, str]) -> System:
    """The same system whose open functions are known: what code needs. Raises `BackproofError`."""
    return replace(chosen, model=with_functions(chosen.model, functions), own=None) if functions else chosen


# --- as data -----------------------------------------------------------------------------------------------------


def as_json(chosen: System, derivations: Sequence[Derivation], layout: str = "numerator") -> str:
    """The derivations as JSON; formulas are LaTeX in the conventions that `derive` writes down, given beside them."""
    model = chosen.model
    found = {
        "system": chosen.name,
        "title": chosen.title,
        "steps": [model.time.first, str(model.time.last)],
        "equations": [{"left": _latex(e.left, layout), "right": _latex(e.right, layout)} for e in model.equations],
        "losses": {str(loss.symbol.name): [list(part) for part in loss.parts] for loss in model.losses},
        "derivations": [_derivation(one, layout) for one in derivations],
    }
    return json.dumps(found, ensure_ascii=False, indent=1) + "\n"


def _derivation(one: Derivation, layout: str) -> dict[str, Any]:
    conventions = replace(fitting(one.left, one.right), layout=layout)
    return {
        "id": one.name,
        "left": _latex(one.left, layout, conventions),
        "right": _latex(one.right, layout, conventions),
        "where": [f"{a} {sign} {b}" for a, sign, b in one.conditions],
        "assumed": [f"{_latex(formula, layout)} = {value}" for formula, value in one.assumptions],
        "names": {_latex(e.left, layout): _latex(e.right, layout) for e in one.definitions},
        "steps": [
            {"rule": s.rule, "names": list(s.names), "after": _latex(s.after, layout, conventions)} for s in one.steps
        ],
    }


def _latex(expr: Any, layout: str, conventions: Conventions | None = None) -> str:
    return Printer(conventions or replace(fitting(expr, expr), layout=layout)).text(expr)


# --- choices -----------------------------------------------------------------------------------------------------


def chosen_system(name: str, wanted: Mapping[str, str | bool | None]) -> System:
    """A system by name with its own choices, given as text; None and absent ones stay at their defaults.

    Raises `BackproofError` for an unknown system or choice and for a value that is not of the choice's kind.
    """
    known = choices_of(name)
    given = {key: value for key, value in wanted.items() if value is not None}
    for key in given:
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise BackproofError(f"{name} has no choice of {key}; it has {', '.join(known) or 'none'}{hint}")
    return system(name, **{key: _value(key, value, known[key]) for key, value in given.items()})


def _value(key: str, value: str | bool, default: str | bool | int) -> str | bool | int:
    """The text of a choice as its default's kind."""
    if isinstance(value, bool):
        return value
    if isinstance(default, bool):
        words = {"yes": True, "true": True, "": True, "no": False, "false": False}
        if value.lower() not in words:
            raise BackproofError(f"{key} is yes or no, not {value!r}")
        return words[value.lower()]
    if isinstance(default, int):
        if not value.isdecimal() or len(value) > 3:
            raise BackproofError(f"{key} is a number below 1000, not {value!r}")
        return int(value)
    return value


# --- the list ----------------------------------------------------------------------------------------------------


def described() -> str:
    """Every system with its choices, its equations and the names that it derives by; activations share a line."""
    activations = [name for name in systems() if name in ACTIVATIONS]
    losses = [name for name in systems() if any(loss in name for loss in LOSSES)]
    own = [name for name in systems() if name not in (*activations, *losses)]
    parts = [
        "Networks",
        *map(_description, map(system, own)),
        "Losses of outputs",
        *map(_description, map(system, losses)),
    ]
    listed = f"{', '.join(activations)}\n  a[t] = f(z[t])\n  derives by: z"
    return "\n\n".join([*parts, "Activations", listed, "Your own: a document with its equations under `given`"])


def _description(one: System) -> str:
    lines = [f"{one.name}: {one.title}"]
    choices = choices_of(one.name)
    if choices:
        lines.append("  choices: " + ", ".join(f"{key}={_said(default)}" for key, default in choices.items()))
    lines += [f"  {show(equation.left)} = {show(equation.right)}" for equation in one.model.equations]
    lines += [f"  {loss.symbol}: {', '.join(_scope(part) for part in loss.parts)}" for loss in one.model.losses]
    lines += wrap(f"derives by: {', '.join(one.variables)}", WIDTH, initial_indent="  ", subsequent_indent="    ")
    return "\n".join([*lines, *_code(one)])


def _code(one: System) -> list[str]:
    """What generated code takes and gives."""
    from derive.code.lowering import Unsupported
    from derive.code.program import interface

    try:
        inputs, outputs = interface(one)
    except Unsupported:
        return []
    text = f"code: {', '.join(inputs)} -> {', '.join(outputs)}"
    return wrap(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _said(default: str | bool | int) -> str:
    return {True: "yes", False: "no"}[default] if isinstance(default, bool) else str(default)


def _scope(part: tuple[str, str]) -> str:
    family, scope = part
    return f"a function of {show_name(family)} at {'the last step' if scope == 'last' else 'every step'}"
