"""The Python door: `verify.document(path)`, `verify.claim(left, right, model=…)`, and verdicts on functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sympy as sp

from derive.language.functions import ElementwiseFunction
from derive.model import Model
from verify import own_functions
from verify.check import settle
from verify.claim import Claim, Index
from verify.document.readers import read_bytes
from verify.document.statements import read
from verify.errors import DocumentError
from verify.judge import IS_GOOD, Judge
from verify.limits import Effort
from verify.mirror import equal_after
from verify.report.model import DocumentReport, Report
from verify.verdict import Verdict

if TYPE_CHECKING:
    from verify.audit.findings import AuditReport
    from verify.cache import Cache


def document(path: str | Path, *, examples: int = 100, seed: int = 0, require_proof: bool = False) -> Report:
    """Verify a derivation document: Markdown, LaTeX (.tex) or a Jupyter notebook (.ipynb).

    Raises `OSError`, `UnicodeDecodeError`; wrong declarations stand in the report.

    `report["2.3"].verdict` is one claim's verdict, `report.ok` whether all is as it should be.
    """
    return judged(path, Effort(examples=examples, seed=seed), require_proof)


def judged(path: str | Path, effort: Effort, require_proof: bool = False, cache: Cache | None = None) -> Report:
    """`document` with all of an effort's settings, and with a cache where one is given.

    Raises `WitnessConflict` too.
    """
    text = read_bytes(str(path))
    try:
        found = read(str(path), text, folder=Path(path).parent)
    except DocumentError as error:
        reports = (DocumentReport(str(path), (), (error,)),)
    else:
        entries = tuple(Judge(found, effort, cache).entries())
        reports = (DocumentReport(str(path), entries, found.errors, found),)
    return Report(reports, effort.seed, effort.examples, require_proof)


def function(f: ElementwiseFunction, *, examples: int = 100, seed: int = 0) -> Verdict:
    """Settle whether the rule for the derivative of a function of one's own is the derivative of its value.

    f is what `derive.elementwise("swish", value=…, derivative=…)` gives; a rule that is not given is the one that
    `derive` makes of the value, and is settled as well. Undecided without a value.
    """
    return own_functions.function(f, lambda one: settle(one, Effort(examples=examples, seed=seed)))


def claim(left: Any, right: Any, *, model: Model, examples: int = 100, seed: int = 0) -> Verdict:
    """Settle left = right under a model; step letters other than the last run over all its steps.

    Raises `TypeError` for a bool or `sympy.Eq` (Eq(2*W, W + W) is already True), `ShapeError` where shapes differ.
    """
    return settled(left, right, model, Effort(examples=examples, seed=seed))


def settled(left: Any, right: Any, model: Model, effort: Effort) -> Verdict:
    """`claim` with all of an effort's settings."""
    from derive.derivation import Derivation
    from derive.language.substitute import free_letters
    from derive.model import members

    for side in (left, right):
        if not getattr(side, "is_Matrix", False):
            what = "a derivation has two, .left and .right" if isinstance(side, Derivation) else f"{side!r} is none"
            raise TypeError(f"verify.claim takes two formulas, and {what}; write claim(left, right, model=…)")
    last = model.time.last
    times = {letter for side in (left, right) for m in members(side) for letter in m.time.free_symbols}
    letters = sorted((times & (free_letters(left) | free_letters(right))) - {last}, key=str)
    indices = tuple(Index(letter, sp.Integer(model.time.first), last) for letter in letters)
    asked = Claim(left, right, model, indices=indices)
    verdict = settle(asked, effort)
    if verdict.verdict != "refuted":
        return verdict
    few = replace(effort, examples=0)
    return replace(verdict, hint=equal_after(asked, lambda other: settle(other, few).verdict in IS_GOOD))


def backward(
    function: Any,
    *,
    model: str,
    choices: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    instances: int = 4,
    seed: int = 0,
    dtype: str = "float64",
    arrays: str = "numpy",
    wrt: Sequence[str] = (),
    order: Sequence[str] = (),
    exact: bool = True,
) -> AuditReport:
    """Audit a hand-written backward pass; it runs in your process: what ends or hangs it ends or hangs you.

    `function(inputs, cotangents)` gets two dicts of arrays by the model's keys (x (T, B, m), s0 (B, n), U, W, b;
    cotangents of the outputs, s (T, B, n)) and returns the gradients of E = Σ cotangents · outputs by the inputs'
    keys. `model` is a name (`choices` are its own, as {"peepholes": True}) or a document's file. `wrt` names the
    gradients to compare, `order` what a returned tuple holds. NumPy's constructors (np.zeros …) are exchanged during
    the exact run, in all threads. The report is returned where every entry is right; AssertionError says where it is
    not. Raises `CallError` for a wrong call.
    """
    from verify.audit.audit import Plan, audit, truth_of

    __tracebackhide__ = True  # a test runner points at the caller's line
    plan = Plan(dict(sizes or {}), instances, seed, dtype, exact)
    report = audit(function, truth_of(model, choices), plan, arrays=arrays, wrt=tuple(wrt), order=tuple(order))
    if not report.ok:
        raise AssertionError(str(report))
    return report
