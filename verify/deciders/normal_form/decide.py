"""The decision: normal forms of both sides, the laws of known functions, and what is left."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.model import Model
from verify.claim import Assumption, Claim
from verify.deciders.normal_form.algebra import add, contract
from verify.deciders.normal_form.arrays import Array, add_arrays
from verify.deciders.normal_form.build import Builder
from verify.deciders.normal_form.canonical import collect
from verify.deciders.normal_form.fragment import is_canonical, outside, uses
from verify.deciders.normal_form.functions import LawBook, by_exponentials, slope
from verify.deciders.normal_form.rewrite import Rewriting
from verify.deciders.normal_form.show import Printer
from verify.deciders.normal_form.store import Store
from verify.deciders.normal_form.system import System, Window, first_step
from verify.deciders.normal_form.term import Form, Function, LimitReached, Limits, Unsupported
from verify.deciders.outcome import Outcome

WITNESS = "normal form"


class Session:
    """Everything that may be remembered from one claim to the next: forms, members, derivatives."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.store = Store(limits)
        self.laws = LawBook(self.store)
        self.store.laws = self.laws
        self._systems: dict[Any, tuple[Model, System]] = {}

    def system(
        self, model: Model, window: Window, letters: Mapping[sp.Symbol, int], assumptions: tuple[Assumption, ...]
    ) -> System:
        """The system of a model in a window, remembered."""
        key = (id(model), window, tuple(letters.items()), tuple(map(repr, assumptions)))
        found = self._systems.get(key)
        if found is None or found[0] is not model:
            found = self._systems[key] = (model, System(self.laws, model, window, letters, assumptions))
        return found[1]


@dataclass(frozen=True)
class Difference:
    """left - right of a claim: as written, in members, and what is left when every law is applied."""

    system: System
    names: tuple[str, ...]  # of the open slots
    written: Form
    left_over: Form

    def terms(self) -> list[str]:
        """The terms that remain, as text: in members where they say it shorter."""
        window = self.system.window
        shown = self.left_over if self.written.is_zero or self.left_over.is_zero else self.written
        return Printer(self.system.laws, _step_text(window, self.system)).terms(shown, self.names)


def _step_text(window: Window, system: System) -> Callable[[int | None], str]:
    if window.anchor == 0:
        return lambda step: "" if step is None else f"[{step}]"
    letter = next((str(letter) for letter, value in system.letters.items() if value == 0), "t")
    return lambda step: "" if step is None else f"[{letter}{step:+d}]" if step else f"[{letter}]"


def subtract(system: System, claim: Claim, letters: Mapping[sp.Symbol, int]) -> Difference:
    """left - right, reduced as far as it takes: members, values of members, laws, common denominators."""
    builder = Builder(system, letters, letter_sizes(system, claim))
    sides = [(1, builder.build(claim.left)), (-1, builder.build(claim.right))]
    array = apart(builder, claim, add_arrays(builder.store, list(sides)))
    written = collect(system.store, array.form)
    names = (*_slot_names(array), *(str(letter) for letter in array.letters))
    return Difference(system, names, written, reduce(system, written))


def _slot_names(array: Array) -> tuple[str, ...]:
    count = len(array.form.slots) - len(array.letters)
    taken = {str(letter) for letter in array.letters}
    return tuple([name for name in "ijklpqrsuvwxyz" if name not in taken][:count])


def apart(builder: Builder, claim: Claim, array: Array) -> Array:
    """The array under the claim's conditions on component letters: i ≠ j drops what has δ_ij, i = j merges."""
    for condition in claim.conditions:
        places = [
            len(array.form.slots) - len(array.letters) + array.letters.index(letter)
            for letter in (condition.left, condition.right)
            if letter in array.letters
        ]
        if len(places) == 2:
            array = _under(builder, condition.relation, places, array)
    return array


def _under(builder: Builder, relation: str, places: list[int], array: Array) -> Array:
    p, q = places
    if relation in ("!=", "<"):
        terms = {t: c for t, c in collect(builder.store, array.form).terms.items() if t.open[p] != t.open[q]}
        return Array(Form(array.form.slots, terms), array.rows, array.cols, array.back, array.letters)
    if relation == "=":
        slots = tuple(range(len(array.form.slots)))
        joined = tuple(p if slot == q else slot for slot in slots)
        once = contract(builder.store, [(array.form, joined)], tuple(s for s in slots if s != q))
        letters = tuple(letter for i, letter in enumerate(array.letters) if i != q - len(slots) + len(array.letters))
        return Array(once, array.rows, array.cols, array.back, letters)
    return array


def letter_sizes(system: System, claim: Claim) -> dict[sp.Symbol, int]:
    """The size that each free component letter runs over."""
    return {letter: system.store.size(axis[0]) for letter, axis in claim.letters.items() if len(axis) == 1}


# --- reduction ---------------------------------------------------------------------------------------------------


def reduce(system: System, form: Form) -> Form:
    """Zero if the form is zero by any of the laws, else what is left after all of them."""
    laws = system.laws
    for stage in (system.unfold, lambda f: by_slopes(laws, f)):
        if form.is_zero:
            return form
        form = collect(laws.store, stage(form))
    for stage in (lambda f: in_exponentials(laws, f), lambda f: clear(laws, f)):
        if form.is_zero or is_canonical(laws, form):
            break
        form = collect(laws.store, stage(form))
    return form


def by_slopes(laws: LawBook, form: Form) -> Form:
    """tanh', σ' and higher derivatives as polynomials in the function."""
    return _where(laws, form, lambda f: f.kind in ("tanh", "sigmoid") and f.order > 0, slope)


def in_exponentials(laws: LawBook, form: Form) -> Form:
    """tanh, σ and softplus by exponentials."""
    return _where(laws, form, lambda f: f.kind in ("tanh", "sigmoid", "softplus"), by_exponentials)


def _where(
    laws: LawBook, form: Form, wanted: Callable[[Function], bool], image: Callable[[LawBook, Function, Form], Form]
) -> Form:
    if not any(wanted(function) for function in uses(laws, form)):
        return form
    return Rewriting(laws, function=lambda f, a: image(laws, f, a) if wanted(f) else laws.apply(f, a)).of(form)


def clear(laws: LawBook, form: Form) -> Form:
    """Common denominators: multiply by a for each 1/a that is a scalar or stands over open slots only."""
    for _ in range(16):
        found = _denominator(laws, form)
        if found is None or form.is_zero:
            return form
        form = _multiplied(laws, form, *found)
    return form


def _denominator(laws: LawBook, form: Form) -> tuple[int, tuple[int, ...]] | None:
    """A reciprocal of a sum and the open slots it stands over."""
    for term in form.terms:
        for atom, labels in term.factors:
            if laws.store.atoms[atom].kind == "function" and set(labels) <= set(term.open):
                function, argument = laws.read(atom)
                if function.kind == "reciprocal" and atom not in laws.inverses and argument.terms:
                    return atom, tuple(term.open.index(label) for label in labels)
    return None


def _multiplied(laws: LawBook, form: Form, atom: int, places: tuple[int, ...]) -> Form:
    """The form times the highest power of a that clears 1/a over these slots."""
    laws.store.used.add("a · (1/a) = 1")
    _, argument = laws.read(atom)
    if laws.store.recall(laws.cleared, argument.key, lambda: clear(laws, argument)).is_zero:
        raise Unsupported("1/0, by the laws of the functions in it")
    counts = {term: _occurrences(laws, term, atom, places) for term in form.terms}
    power = max(len(found) for found in counts.values())
    slots = tuple(range(len(form.slots)))
    parts = []
    for term, coefficient in form.terms.items():
        gone = set(counts[term])
        rest = term._replace(factors=tuple(f for i, f in enumerate(term.factors) if i not in gone))
        operands = [(Form(form.slots, {rest: 1}), slots), *[(argument, places)] * (power - len(gone))]
        parts.append((coefficient, contract(laws.store, operands, slots)))
    return collect(laws.store, add(laws.store, *parts))


def _occurrences(laws: LawBook, term: Any, atom: int, places: tuple[int, ...]) -> list[int]:
    labels = tuple(term.open[place] for place in places)
    rows = {labels, *(tuple(labels[s] for s in p) for p in laws.store.atoms[atom].group)}
    return [i for i, (number, row) in enumerate(term.factors) if number == atom and row in rows]


# --- entry points ------------------------------------------------------------------------------------------------


def decide_at(
    claim: Claim, times: Mapping[sp.Symbol, int], *, limits: Limits | None = None, session: Session | None = None
) -> Outcome:
    """Decides a claim with `=` at given values of its step letters, for all sizes.

    Members are unfolded down to inputs. `limits` is that of a new session; a session that is passed keeps its own.
    Raises nothing: what is not decided is an outcome `unknown` or `limit`.
    """
    session = session or Session(limits)
    where = {str(letter): int(value) for letter, value in times.items()}
    return guarded(claim, lambda: _at(session, claim, times), session, {"times": where} if where else {})


def guarded(claim: Claim, decide: Callable[[], Outcome], session: Session, where: Mapping[str, Any]) -> Outcome:
    """The outcome of a decision, or of what stopped it."""
    session.store.start()
    if claim.relation != "=":
        return Outcome(WITNESS, "unknown", detail=f"the relation {claim.relation}", where=where)
    try:
        return decide()
    except Unsupported as reason:
        return Outcome(WITNESS, "unknown", detail=str(reason), where=where)
    except LimitReached as reason:
        return Outcome(WITNESS, "limit", detail=str(reason), where=where)
    except RecursionError:
        return Outcome(WITNESS, "limit", detail="formulas or steps nested too deep", where=where)


def ground_system(session: Session, claim: Claim, times: Mapping[sp.Symbol, int]) -> System:
    """The claim's model at concrete steps."""
    last = claim.model.time.last
    letters = {letter: int(value) for letter, value in times.items()}
    if isinstance(last, sp.Symbol) and last not in letters:
        return session.system(claim.model, Window(0, 0, None, ends=False), letters, claim.assumptions)
    end = letters[last] if isinstance(last, sp.Symbol) else int(last)
    own = {last: end} if isinstance(last, sp.Symbol) else {}
    return session.system(claim.model, Window(_lowest(claim.model), end), own, claim.assumptions)


def _lowest(model: Model) -> int:
    return min([model.time.first, *(first_step(model, e) for e in model.equations if e.index is not None)])


def _at(session: Session, claim: Claim, times: Mapping[sp.Symbol, int]) -> Outcome:
    system = ground_system(session, claim, times)
    found = subtract(system, claim, {letter: int(value) for letter, value in times.items()})
    return judge(session, claim, found, {"times": {str(k): int(v) for k, v in times.items()}})


def judge(session: Session, claim: Claim, found: Difference, where: Mapping[str, Any]) -> Outcome:
    """Equal where nothing is left; differ inside the fragment; else unknown."""
    where = where if where.get("times") else {}
    if found.left_over.is_zero:
        return Outcome(WITNESS, "equal", instances=1, detail=laws_text(session), where=where)
    reason = outside(session.laws, found.left_over) or _undecided(claim, found.system)
    left = "left - right = " + " + ".join(found.terms()[:6]).replace("+ -", "- ")
    if reason:
        return Outcome(WITNESS, "unknown", instances=1, detail=f"{reason}; {left}", where=where)
    return Outcome(WITNESS, "differ", instances=1, detail=left, where=where)


def laws_text(session: Session) -> str:
    """The laws of known functions that were used."""
    return "laws: " + "; ".join(sorted(session.store.used)) if session.store.used else ""


def _undecided(claim: Claim, system: System) -> str:
    """Assumptions and conditions that are not built into the form: the claim may hold because of them."""
    if system.assumed.others:
        return f"the assumption {system.assumed.others[0]}"
    for condition in claim.conditions:
        letters = condition.left.free_symbols | condition.right.free_symbols
        inside = {*claim.letters}
        if letters & inside and (not {condition.left, condition.right} <= inside or condition.relation == "<="):
            return f"the condition {condition}"
    return ""


def difference(claim: Claim, times: Mapping[sp.Symbol, int], *, session: Session | None = None) -> list[str]:
    """The terms that remain of left - right, as text; none where the sides are equal.

    Raises Unsupported or LimitReached where the form cannot be made.
    """
    session = session or Session()
    session.store.start()
    system = ground_system(session, claim, times)
    found = subtract(system, claim, {letter: int(value) for letter, value in times.items()})
    return [] if found.left_over.is_zero else found.terms()


@dataclass(frozen=True)
class NormalForm:
    """A formula's normal form; `str` gives index notation. Equal formulas of one session have equal forms."""

    form: Form
    laws: LawBook
    names: tuple[str, ...] = ()

    def __str__(self) -> str:
        return Printer(self.laws).form(self.form, self.names)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, NormalForm) or other.laws is not self.laws:
            return NotImplemented
        return self.form.key == other.form.key

    def __hash__(self) -> int:
        return hash(self.form.key)


def normalise(
    expr: Any, model: Model, *, session: Session | None = None, times: Mapping[sp.Symbol, int] | None = None
) -> NormalForm:
    """The normal form of a formula under a model, members left as they are.

    Raises Unsupported, naming the construct, and LimitReached, naming the limit.
    """
    session = session or Session()
    session.store.start()
    claim = Claim(expr, expr, model)
    system = ground_system(session, claim, times or {})
    array = Builder(system, dict(times or {}), letter_sizes(system, claim)).build(expr)
    return NormalForm(collect(session.store, array.form), session.laws, (*_slot_names(array), *map(str, array.letters)))
