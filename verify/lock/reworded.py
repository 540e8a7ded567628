"""How the meaning of a claim changed: another statement, another given, a name that is declared otherwise."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import sympy as sp

from derive.language.nodes import Elementwise, Member
from derive.language.shapes import axes
from derive.language.show import show_axes, show_name
from verify.claim import Claim
from verify.lock.entries import Locked, check_readable
from verify.lock.meaning import STATED, canonical, claim_of, without_fonts
from verify.lock.sameness import DIFFERENT, SAME, Comparison
from verify.lock.words import Change, Letters

NO_LETTERS: Letters = ({}, {})


def changes_of_meaning(
    old: Locked,
    new: Locked,
    conventions: tuple[str, ...] = (),
    conventions_now: tuple[str, ...] = (),
    seed: int = 0,
    apart: Collection[str] = (),
) -> tuple[list[Change], Letters]:
    """What changed in words, and the canonical letters where the two claims choose different ones.

    `apart` are the plain names that several names of the document have. Raises `CallError` where the old claim is
    damaged.
    """
    if old.meaning is None or new.meaning is None:
        is_told = (old.meaning is None) != (new.meaning is None) and old.verdict != new.verdict  # it was unreadable
        if old.formula == new.formula or is_told:
            return list(_unread_givens(old, new)), NO_LETTERS
        return [("statement", f"now reads {new.formula}; it was {old.formula}")], NO_LETTERS
    if old.meaning == new.meaning:
        return [], NO_LETTERS
    check_readable(old)
    first, second = canonical(old.meaning, apart), canonical(new.meaning, apart)
    letters = (first[1], second[1])
    if first[0] == second[0]:
        return [], letters
    as_written = _Pair(old, new, without_fonts(old.meaning, apart), without_fonts(new.meaning, apart), seed)
    renamed = _Pair(old, new, first[0], second[0], seed)
    pair = min(as_written, renamed, key=lambda one: len(one.unequal))  # whose letters correspond better
    changes = list(pair.changes())
    if changes and conventions != conventions_now:
        changes = [(kind, f"{text}{_read_otherwise(conventions, conventions_now)}") for kind, text in changes]
    return changes, NO_LETTERS if pair is as_written else letters


def has_same_form(old: Locked, new: Locked, apart: Collection[str] = ()) -> bool:
    """Whether two claims state the same in one canonical form, and rest on the same."""
    if old.meaning is None or new.meaning is None:
        return False
    return canonical(old.meaning, apart)[0] == canonical(new.meaning, apart)[0]


def is_restated(old: Locked, new: Locked, seed: int = 0, apart: Collection[str] = ()) -> bool:
    """Whether two claims state the same, whatever they rest on."""
    if old.meaning is None or new.meaning is None:
        return False
    first, second = canonical(old.meaning, apart), canonical(new.meaning, apart)
    forms = ((without_fonts(old.meaning, apart), without_fonts(new.meaning, apart)), (first[0], second[0]))
    return any(_Pair(old, new, *form, seed).statement == SAME for form in forms)


def _read_otherwise(before: tuple[str, ...], after: tuple[str, ...]) -> str:
    changed = [f"no {text}" for text in before if text not in after] + [text for text in after if text not in before]
    return f" (the document now declares {', '.join(changed)})" if changed else ""


def _unread_givens(old: Locked, new: Locked) -> Iterator[Change]:
    for name in sorted(old.given.keys() & new.given.keys()):
        if old.given[name] != new.given[name]:
            yield _given_changed(old.given[name], new.given[name])


def _given_changed(before: str, after: str) -> Change:
    return "given", f"rests on another given: {after}; it was {before}"


@dataclass(frozen=True)
class _Pair:
    """A claim then and now, in letters that correspond."""

    old: Locked
    new: Locked
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    seed: int

    @property
    def unequal(self) -> list[str]:
        """The parts that are not the same as they stand."""
        given = {*self.before["given"], *self.after["given"]}
        parts = [key for key in self.before if key != "given" and self.before[key] != self.after.get(key)]
        return parts + [name for name in given if self.before["given"].get(name) != self.after["given"].get(name)]

    @cached_property
    def claims(self) -> tuple[Claim, Claim]:
        """Both claims."""
        return claim_of(self.before), claim_of(self.after)

    @cached_property
    def statement(self) -> str:
        """Whether both state the same."""
        if all(self.before[key] == self.after[key] for key in (*STATED, "time")):
            return SAME
        return Comparison(*self.claims, self.seed).of_statements()

    def changes(self) -> Iterator[Change]:
        """In words; what a changed declaration explains is said once."""
        declared = list(self._declared())
        yield from declared
        yield from self._statement(bool(declared))
        yield from self._givens(bool(declared))
        if self.before["assumptions"] != self.after["assumptions"] and self.old.assumed == self.new.assumed:
            yield "assumption", "assumes something else, though it reads the same"

    # --- what names stand for ------------------------------------------------------------------------------------

    def _declared(self) -> Iterator[Change]:
        was, now = map(_declarations, self.claims)
        names = [name for name in was if name in now and was[name] != now[name]]
        if not names:
            return
        shown = [_declarations(claim_of(one.meaning)) for one in (self.old, self.new) if one.meaning is not None]
        plain = [{show_name(name): text for name, text in one.items()} for one in shown]
        for name in sorted(map(show_name, names)):
            before, after = (one.get(name, "something else") for one in plain)
            yield "given", f"{name} is now {after}; it was {before}"

    # --- what is stated ------------------------------------------------------------------------------------------

    def _statement(self, is_explained: bool) -> Iterator[Change]:
        if self.statement == SAME:
            return
        before, after = self.old.formula, self.new.formula
        ranges = list(self._ranges())
        if before != after and self.statement == DIFFERENT:
            yield "statement", f"now claims something else: {after}; it was {before}"
        elif before != after:
            yield "statement", f"now reads {after}; it was {before}, and nothing shows that both say the same"
        elif not ranges and not is_explained:
            yield "statement", f"now claims something else, though it reads the same: {after}"
        yield from ranges

    def _ranges(self) -> Iterator[Change]:
        was, now = self.claims
        if was.model.time != now.model.time:
            yield "given", f"the steps now run over {_time(now)}; they ran over {_time(was)}"
        if set(was.indices) != set(now.indices) and self.old.formula == self.new.formula:
            yield "statement", f"now claimed for {_indices(now)}; it was for {_indices(was)}"
        if set(was.conditions) != set(now.conditions):
            yield "statement", f"now claimed {_conditions(now)}; it was {_conditions(was)}"

    # --- what it rests on ----------------------------------------------------------------------------------------

    def _givens(self, is_explained: bool) -> Iterator[Change]:
        names = sorted({*self.before["given"], *self.before["losses"], *self.after["given"], *self.after["losses"]})
        shown = [{_plain(name): text for name, text in one.given.items()} for one in (self.old, self.new)]
        for name in names:
            before, after = (one.get(_plain(name)) for one in shown)
            if after is None:
                yield "given", f"rests no longer on the given {before}"
            elif before is None:
                yield "given", f"now rests on the given {after}"
            elif self._is_same_given(name):
                continue
            elif before != after:
                yield _given_changed(before, after)
            elif not is_explained:
                yield "given", f"rests on another given, though it reads the same: {after}"

    def _is_same_given(self, name: str) -> bool:
        if self.before["losses"].get(name) != self.after["losses"].get(name):
            return False
        if self.before["given"].get(name) == self.after["given"].get(name):
            return True
        was, now = (claim.model.by_name.get(name) for claim in self.claims)
        return (
            was is not None and now is not None and Comparison(*self.claims, self.seed).of_equations(was, now) == SAME
        )


def _plain(name: str) -> str:
    return show_name(name)


def _declarations(claim: Claim) -> dict[str, str]:
    """The shape of each tensor and the kind of each function that a claim and its model write."""
    found: dict[str, str] = {}
    formulas = [claim.left, claim.right, *(side for e in claim.model.equations for side in (e.left, e.right))]
    for node in (node for formula in formulas for node in sp.preorder_traversal(formula)):
        if isinstance(node, Elementwise):
            kind = node.kind
            found.setdefault(node.name, "any differentiable function" if kind == "opaque" else f"the function {kind}")
        elif isinstance(node, Member | sp.MatrixSymbol):
            shape = axes(node)
            found.setdefault(str(node.name), show_axes(shape.rows, shape.cols))
    return found


def _time(claim: Claim) -> str:
    return f"{claim.model.time.first}..{claim.model.time.last}"


def _indices(claim: Claim) -> str:
    return ", ".join(f"{index.first} <= {index.letter} <= {index.last}" for index in claim.indices) or "no other step"


def _conditions(claim: Claim) -> str:
    return f"where {', '.join(map(str, claim.conditions))}" if claim.conditions else "without a condition"
