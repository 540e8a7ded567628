"""Claim × witnesses → verdict: nothing is proved or refuted by one witness, and disagreement is an error."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.nodes import Det, Elementwise, Inverse, Norm, Softmax
from verify import blocks, counterexample, induction, own_functions, roots
from verify.claim import Claim, names_in
from verify.deciders import normal_form, prime_field
from verify.deciders.outcome import Outcome
from verify.errors import WitnessConflict
from verify.kinks import kinks
from verify.limits import Effort
from verify.numeric import examine, smallest_instance
from verify.scope import describe, describe_instances
from verify.times import instances, is_exhausted, obstacle, reaches_outside
from verify.verdict import ORDER, Verdict

Times = dict[sp.Symbol, int]
ANALYTIC = {"exp", "log", "tanh", "sigmoid", "sqrt", "softplus", "gelu", "normal cdf", "normal density"}


@dataclass(frozen=True)
class _Case:
    """A claim being settled: its instances of time, and the normal form's memory of what it has unfolded."""

    claim: Claim
    effort: Effort
    times: list[Times]
    session: normal_form.Session

    @property
    def small(self) -> list[Times]:
        """The instances with few steps, which refute most false claims and cost little."""
        last = self.claim.model.time.last
        return [times for times in self.times if times.get(last, 0) <= self.effort.small_steps] or self.times[:1]

    def field_at(self, times: Times) -> Outcome:
        """The prime field at concrete steps."""
        return prime_field.decide_at(self.claim, times, seed=self.effort.seed)

    def form_at(self, times: Times) -> Outcome:
        """The normal form at concrete steps; what it says of a difference does not depend on what it did before.

        Equal terms get their order, and so their letters, from a session's memory.
        """
        found = normal_form.decide_at(self.claim, times, session=self.session)
        return found if found.outcome == "equal" else normal_form.decide_at(self.claim, times)


def settle(claim: Claim, effort: Effort = Effort(), session: normal_form.Session | None = None) -> Verdict:  # noqa: B008
    """The verdict on one claim; a `session` shares the normal form's memory between claims of one model.

    Raises `WitnessConflict` where two witnesses that are both sure differ.
    """
    if own_functions.has_own_functions(claim):
        return own_functions.settled(claim, lambda one: settle(one, effort, session))
    found = list(instances(claim, effort.steps))
    if not found:
        reason = f"no step up to {effort.steps} is in scope, so nothing ran; {obstacle(claim, effort.steps)}"
        return Verdict("undecided", reason, times="none")
    case = _Case(claim, effort, found[:1] if claim.is_timeless else found, session or normal_form.Session())
    verdict = _route(claim)(case)
    outside = None if claim.is_timeless else reaches_outside(claim, effort.small_steps)
    if outside is not None and verdict.verdict in ("proved", "tested"):  # what is false where it makes sense is false
        return Verdict("undecided", f"a range reaches outside; {outside}", times="none", witnesses=verdict.witnesses)
    return replace(verdict, assumptions=(*(_assumption_text(a) for a in claim.assumptions), *kinks(claim)))


def _route(claim: Claim) -> Callable[[_Case], Verdict]:
    """How a claim is settled: what the deciders do not know by numbers, stacked tensors block by block."""
    if _is_analytic(claim):
        return _by_numbers
    if roots.has_roots(claim):
        return _with_roots
    return _by_blocks if blocks.is_blocked(claim) else _by_deciders


def _with_roots(case: _Case) -> Verdict:
    """A claim with √d: proved where it holds for every number in its place, else by numbers."""
    unknown = roots.with_unknown_roots(case.claim)
    verdict = _route(unknown)(replace(case, claim=unknown))
    numeric = examine(case.claim, case.effort)
    broken = [outcome for outcome in numeric if outcome.outcome == "differ"]
    if verdict.verdict in ("proved", "tested"):
        _no_conflict([Outcome("deciders", "equal", detail=verdict.message)], broken)
        return replace(verdict, witnesses=(*verdict.witnesses, *numeric))
    if len(broken) > 1:  # what two witnesses see of the claim itself is so
        found = smallest_instance(case.claim, broken, case.effort)
        message = f"false: {found.summary()}"
        return Verdict("refuted", message, "value", times=_scope(case), witnesses=tuple(numeric), counterexample=found)
    reason = f"with an unknown number for each root it is {verdict.verdict}, and no two numeric witnesses refute it"
    return Verdict("undecided", reason, times=_scope(case), witnesses=tuple(numeric))


def _is_analytic(claim: Claim) -> bool:
    """Inequalities, norms, inverses and orthogonal tensors are settled by numbers alone, so they are never proved."""
    if claim.relation != "=" or any(side.has(Norm) for side in (claim.left, claim.right)):
        return True
    reached = list(blocks.reached(claim))
    orthogonal = {str(a.subject.name) for a in claim.assumptions if a.kind == "orthogonal"}
    return any(formula.has(Inverse, Det) or orthogonal & names_in(formula) for formula in reached)


def _by_numbers(case: _Case) -> Verdict:
    """An inequality: tested on numeric instances, or refuted by one."""
    outcomes = examine(case.claim, case.effort)
    scope = _scope(case, limit=case.effort.steps)
    broken = [outcome for outcome in outcomes if outcome.outcome == "differ"]
    ran = [outcome for outcome in outcomes if outcome.outcome == "equal" and outcome.instances]
    if len(broken) > 1:  # one instance refutes an inequality, whatever it is on others; two witnesses saw one
        found = smallest_instance(case.claim, broken, case.effort)
        message = f"false: {found.summary()}"
        evidence = tuple(outcomes)
        return Verdict(
            "refuted", message, "value", times=scope, witnesses=evidence, counterexample=found, claim=case.claim
        )
    if broken:  # what one sees beyond its error bound may lie within another's
        reason = f"only {broken[0].witness} sees it fail, at {_where(broken[0])}"
        return Verdict("undecided", reason, times=scope, witnesses=tuple(outcomes))
    if not ran:
        return Verdict("undecided", "no numeric witness could run", times=scope, witnesses=tuple(outcomes))
    count = sum(outcome.instances for outcome in ran)
    return Verdict("tested", f"held on {count} numeric instances", times=scope, witnesses=tuple(outcomes))


def _by_blocks(case: _Case) -> Verdict:
    """An equation about stacked tensors: block by block, and the whole of it by numbers, which see no blocks.

    Both deciders rest on the same splitting, so a numeric witness of the unsplit claim must agree with them.
    """
    numeric = examine(case.claim, case.effort)
    try:
        pieces = blocks.split(case.claim)
    except BackproofError as reason:
        return Verdict("undecided", f"not split into blocks: {reason}", times=_scope(case), witnesses=tuple(numeric))
    verdicts = []
    for piece in pieces:
        verdicts.append(_by_deciders(replace(case, claim=piece.claim)))
        if verdicts[-1].verdict == "refuted":
            return _refuted_by(piece.place, verdicts[-1], numeric)
    evidence = _evidence(verdicts, numeric)
    decided = [outcome for outcome in evidence if outcome not in numeric]
    weakest = min(range(len(pieces)), key=lambda place: ORDER.index(verdicts[place].verdict))
    verdict, message = verdicts[weakest].verdict, verdicts[weakest].message
    if verdict in ("proved", "tested"):
        _no_conflict(decided, numeric)
    if verdict == "proved" and not any(outcome.outcome == "equal" for outcome in numeric):
        verdict, message = "tested", f"no numeric witness could check the splitting; {message}"
    where = f"in {len(pieces)} blocks" if verdict == "proved" else pieces[weakest].place
    limit = None if verdict == "proved" or case.claim.is_timeless else case.effort.steps
    sizes, times = verdicts[weakest].sizes, _scope(case, limit)
    return Verdict(verdict, f"{where}: {message}", sizes=sizes, times=times, witnesses=evidence)


def _refuted_by(place: str, found: Verdict, numeric: list[Outcome]) -> Verdict:
    """A false block makes the claim false, as long as numbers see that the unsplit claim is false as well."""
    evidence = _evidence([found], numeric)
    if numeric and not any(outcome.outcome == "differ" for outcome in numeric):
        reason = f"{place} is false, but no numeric witness sees the unsplit claim fail; {found.message}"
        return Verdict("undecided", reason, times=found.times, witnesses=evidence)
    return replace(found, message=f"{place}: {found.message}", witnesses=evidence)


def _evidence(verdicts: list[Verdict], numeric: list[Outcome]) -> tuple[Outcome, ...]:
    """One line for each decider over all blocks, then the numeric witnesses of the whole."""
    names = {outcome.witness for outcome in numeric}
    by_witness: dict[str, list[Outcome]] = {}
    for outcome in (outcome for verdict in verdicts for outcome in verdict.witnesses if outcome.witness not in names):
        by_witness.setdefault(outcome.witness, []).append(outcome)
    return (*map(merged, by_witness.values()), *numeric)


def _by_deciders(case: _Case) -> Verdict:
    """An equation: few steps refute most that is false; then the proof for all steps; then every step tried."""
    small = [case.field_at(times) for times in case.small]
    if any(outcome.outcome == "differ" for outcome in small):
        return _refute(case, small)
    if all(outcome.outcome == "equal" for outcome in small):
        for prove in (_prove, _prove_by_induction):
            proved = prove(case, small)
            if proved is not None:
                return proved
    exact = small + [case.field_at(times) for times in case.times[len(small) :]]
    if any(outcome.outcome == "differ" for outcome in exact):
        return _refute(case, exact)
    if all(outcome.outcome == "equal" for outcome in exact):
        return _tested(case, exact)
    return _without_prime_field(case, exact)


def _prove(case: _Case, exact: list[Outcome]) -> Verdict | None:
    """Proved if both deciders settle the claim for all steps in scope, None if one does not."""
    claim, effort = case.claim, case.effort
    if claim.is_timeless:
        field, form = merged(exact), case.form_at(case.times[0])
    else:
        field = prime_field.decide_window(claim, seed=effort.seed)
        if field.outcome != "equal":  # nothing is proved: the normal form would try all its laws in vain
            return None
        form = normal_form.decide_symbolic(claim, session=case.session)
    _no_conflict([*exact, field], [form])
    if not (field.is_equal_for_all_sizes and form.is_equal_for_all_sizes):
        return None
    numeric = examine(claim, effort)
    _no_conflict([field], numeric)
    return Verdict("proved", _proof_text(claim, field), times=_scope(case), witnesses=(field, form, *numeric))


def _prove_by_induction(case: _Case, exact: list[Outcome]) -> Verdict | None:
    """Proved by a certificate, and tried at the first steps; None where no proof is found.

    Both deciders settle every goal that the proof ends in. The normal form multiplies a run's paths out, whose number
    grows with every step and layer: where that reaches its limit, the prime field alone tried the later runs.
    """
    claim, effort = case.claim, case.effort
    if claim.is_timeless:
        return None
    proof = induction.prove(claim, seed=effort.seed, session=case.session)
    if proof is None:
        return None
    forms = _until_limit(case)
    if any(outcome.outcome not in ("equal", "limit") for outcome in forms):
        _no_conflict(exact, forms)
        return None
    forms = [outcome for outcome in forms if outcome.outcome == "equal"]
    numeric = examine(claim, effort)
    _no_conflict(exact, numeric)
    evidence = (merged(exact), *([merged(forms)] if forms else []), *proof.outcomes, *numeric)
    reason = f"for all sizes and all steps in scope: {proof.outcomes[0].detail}"
    return Verdict("proved", reason, times=_scope(case), witnesses=evidence, certificate=proof.certificate)


def _until_limit(case: _Case) -> list[Outcome]:
    """The normal form at the first steps, up to the first limit that it reaches."""
    found: list[Outcome] = []
    for times in case.small:
        found.append(case.form_at(times))
        if found[-1].outcome == "limit":
            break
    return found


def _tested(case: _Case, exact: list[Outcome]) -> Verdict:
    """Both deciders at every concrete step up to the limit."""
    forms = [case.form_at(times) for times in case.times]
    numeric = examine(case.claim, case.effort)
    for field, form in zip(exact, forms, strict=True):
        _no_conflict([field], [form])
    _no_conflict(exact, numeric)
    evidence = (merged(exact), merged(forms), *numeric)
    scope = _scope(case, limit=None if case.claim.is_timeless else case.effort.steps)
    form, sizes = merged(forms), next((outcome.at_sizes for outcome in exact if outcome.at_sizes), "")
    if sizes and not any(outcome.outcome == "equal" for outcome in numeric):
        reason = f"the prime field alone finds it equal, at {sizes}; no other witness could tell"
        return Verdict("undecided", reason, times=scope, witnesses=evidence)
    if sizes:
        reason = f"the prime field finds it equal at {sizes} and speaks of no others; the normal form: {form.detail}"
    elif form.outcome == "equal" and is_exhausted(case.claim):
        reason = f"for all sizes, at each of the steps that there are: {_agree(exact[0])}"
        return Verdict("proved", reason, times=scope, witnesses=evidence)
    elif form.outcome == "equal":
        reason = f"every step up to {case.effort.steps} is decided for all sizes; no induction was found"
    else:
        reason = f"the normal form answers {form.outcome}: {form.detail}"
    return Verdict("tested", reason, sizes=sizes or "all", times=scope, witnesses=evidence)


def _without_prime_field(case: _Case, exact: list[Outcome]) -> Verdict:
    """The prime field reached a limit or an unknown construct: never more than tested."""
    forms = [case.form_at(times) for times in case.times]
    numeric = examine(case.claim, case.effort)
    for field, form in zip(exact, forms, strict=True):
        _no_conflict([field], [form])
    _no_conflict_at(case, forms, numeric)
    evidence = (merged(exact), merged(forms), *numeric)
    broken = [outcome for outcome in numeric if outcome.outcome == "differ"]
    if len(broken) > 1:  # two witnesses share no derivative: what both see on an instance is so
        found = smallest_instance(case.claim, broken, case.effort)
        message = f"false: {found.summary()}"
        return Verdict(
            "refuted", message, "value", times=_scope(case), witnesses=evidence, counterexample=found, claim=case.claim
        )
    stopped = next(outcome for outcome in exact if outcome.outcome != "equal")
    reason = f"the prime field answers {stopped.outcome}: {stopped.detail}"
    is_equal = all(outcome.outcome == "equal" for outcome in forms)
    if not is_equal and _is_analytic_fact(case.claim, forms, numeric):
        is_equal, reason = True, f"an analytic fact, by numbers alone: {reason}"
    scope = _scope(case, limit=None if case.claim.is_timeless else case.effort.steps)
    return Verdict("tested" if is_equal else "undecided", reason, times=scope, witnesses=evidence)


def _is_analytic_fact(claim: Claim, forms: list[Outcome], numeric: list[Outcome]) -> bool:
    """About exp, log and their kin, refuted by nobody, and equal for three numeric witnesses at least."""
    formulas = (claim.left, claim.right, *(equation.right for equation in claim.model.equations))
    kinds = {node.kind for f in formulas for node in sp.preorder_traversal(f) if isinstance(node, Elementwise)}
    has_softmax = any(f.has(Softmax) for f in formulas)
    is_refuted = any(outcome.outcome == "differ" for outcome in (*forms, *numeric))
    return bool(kinds & ANALYTIC or has_softmax) and not is_refuted and sum(o.outcome == "equal" for o in numeric) >= 3


def _refute(case: _Case, exact: list[Outcome]) -> Verdict:
    """The prime field differs: confirmed by an exact counterexample and by a second witness.

    A numeric witness that says equal is no conflict here: a difference of 1e-20 is a difference.
    """
    claim, effort = case.claim, case.effort
    tried = list(zip(case.times, exact, strict=False))
    false_at = [times for times, outcome in tried if outcome.outcome == "differ"]
    form = case.form_at(false_at[0])
    _no_conflict([o for o in exact if o.outcome == "differ"], [form])
    numeric = examine(claim, effort)
    found = counterexample.smallest(claim, seed=effort.seed)
    evidence = (merged(exact), form, *numeric)
    confirmed = form.outcome == "differ" or any(outcome.outcome == "differ" for outcome in numeric)
    if found is None or not confirmed:
        reason = "the deciders see a difference that no exact instance confirms"
        return Verdict("undecided", reason, times=_scope(case), witnesses=evidence)
    holds = [times for times, outcome in tried if outcome.outcome == "equal"]
    part = f"; it holds at {describe_instances(holds[:3])}" if holds else ""
    message = f"false: {found.summary()}{part}"
    return Verdict(
        "refuted", message, "value", times=_scope(case), witnesses=evidence, counterexample=found, claim=claim
    )


# --- agreement -------------------------------------------------------------------------------------------------


def _no_conflict(first: list[Outcome], second: list[Outcome]) -> None:
    """Two witnesses that are both sure, of the same steps or of all, agree."""
    for one in first:
        for other in second:
            if {one.outcome, other.outcome} == {"equal", "differ"}:
                raise WitnessConflict(_conflict(one, other))


def _no_conflict_at(case: _Case, decided: list[Outcome], numeric: list[Outcome]) -> None:
    """What a decider calls equal at some steps, no numeric witness sees differ at these steps."""
    for times, one in zip(case.times, decided, strict=True):
        steps = {str(letter): value for letter, value in times.items()}
        there = [o for o in numeric if case.claim.is_timeless or dict(o.where.get("times", {})) == steps]
        _no_conflict([one], [o for o in there if o.outcome == "differ"])


def _conflict(one: Outcome, other: Outcome) -> str:
    return (
        f"{one.witness} says {one.outcome} ({one.detail or _where(one)}), "
        f"{other.witness} says {other.outcome} ({other.detail or _where(other)})"
    )


def merged(outcomes: list[Outcome]) -> Outcome:
    """One line for one witness over many steps: the worst outcome, instances summed, error bounds added."""
    order = ("failed", "differ", "limit", "unknown", "equal")
    worst = min(outcomes, key=lambda outcome: order.index(outcome.outcome))
    bounds = [outcome.bound for outcome in outcomes if outcome.bound is not None]
    total = sum(outcome.instances for outcome in outcomes)
    return replace(worst, instances=total, bound=sum(bounds) if bounds else None)


# --- words -----------------------------------------------------------------------------------------------------


def _scope(case: _Case, limit: int | None = None) -> str:
    return "all" if case.claim.is_timeless else describe(case.claim, case.times, limit)


def _proof_text(claim: Claim, field: Outcome) -> str:
    steps = "" if claim.is_timeless else " and all steps in scope"
    return f"for all sizes{steps}: {_agree(field)}"


def _agree(field: Outcome) -> str:
    return f"prime field ({field.detail}) and normal form agree"


def _where(outcome: Outcome) -> str:
    parts: list[str] = []
    for key in ("sizes", "times"):
        values: dict[Any, Any] = dict(outcome.where.get(key, {}))
        parts.extend(f"{name} = {value}" for name, value in values.items())
    return ", ".join(parts) or outcome.detail


def _assumption_text(assumption: Any) -> str:
    from derive.language.show import show

    words = {
        "sum_one": "1ᵀ{} = 1", "symmetric": "{0} = {0}ᵀ", "zero": "{} = 0", "diagonal": "{} is diagonal",
        "one_hot": "{} is one-hot", "positive": "{} > 0",
        "invertible": "{} is invertible", "orthogonal": "{0}ᵀ {0} = I", "nonzero": "{} ≠ 0",
    }  # fmt: skip
    if assumption.kind == "bound":
        return f"{show(assumption.subject)} <= {show(assumption.value)}"
    return words[assumption.kind].format(show(assumption.subject))
