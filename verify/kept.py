"""A verdict as plain data and back, exactly: what does not come back as it was is not kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from verify.claim import Claim
from verify.counterexample import Counterexample
from verify.deciders.outcome import Outcome
from verify.verdict import Verdict

# of a document's line, or the claim itself
_OWN = ("readings", "place", "seconds", "repairs", "repair_note", "is_proved_at_each", "claim")
_TUPLE = "()"  # JSON has lists only; {"()": […]} is a tuple


class NotKept(Exception):
    """The verdict holds something that plain data cannot give back."""


def to_data(verdict: Verdict, claim: Claim) -> dict[str, Any]:
    """The verdict on a claim as JSON data. Raises `NotKept` where reading it back gives anything else."""
    if verdict.readings or verdict.place is not None or verdict.repairs:
        raise NotKept("a verdict over readings belongs to a document's line")
    if verdict.claim not in (None, claim):
        raise NotKept("a verdict on a part of a claim")
    data = _parts(verdict)
    try:
        plain: dict[str, Any] = json.loads(json.dumps(_packed(data)))
        back = from_data(plain, claim)
    except (TypeError, ValueError, KeyError, RecursionError) as error:
        raise NotKept(str(error)) from error
    if exactly(back) != exactly(verdict) or back.certificate != verdict.certificate:
        raise NotKept("it does not come back as it was")
    return plain


def _parts(verdict: Verdict) -> dict[str, Any]:
    """Everything that belongs to the claim, by name."""
    data = {part.name: getattr(verdict, part.name) for part in fields(verdict) if part.name not in _OWN}
    data["witnesses"] = tuple(dict(vars(outcome)) for outcome in verdict.witnesses)
    data["refutes"] = verdict.claim is not None
    data["counterexample"] = None if verdict.counterexample is None else dict(vars(verdict.counterexample))
    return data


def exactly(verdict: Verdict) -> str:
    """The parts as Python writes them, which tells 1 from 1.0 and from True; the certificate is compared as data."""
    return repr({**_parts(verdict), "certificate": None})


def from_data(data: dict[str, Any], claim: Claim) -> Verdict:
    """The verdict on a claim that data describe. Raises `TypeError`, `ValueError` or `KeyError` for anything else."""
    found = _unpacked(data)
    refutes = found.pop("refutes")
    example = found["counterexample"]
    witnesses = tuple(Outcome(**outcome) for outcome in found["witnesses"])
    shown = None if example is None else Counterexample(**example)
    refuted = claim if refutes else None
    return Verdict(**{**found, "witnesses": witnesses, "counterexample": shown, "claim": refuted})


def _packed(value: Any) -> Any:
    if isinstance(value, tuple):
        return {_TUPLE: [_packed(item) for item in value]}
    if isinstance(value, list):
        return [_packed(item) for item in value]
    if isinstance(value, Mapping):
        if _TUPLE in value:
            raise ValueError(f"a key {_TUPLE!r} stands for a tuple")
        return {key: _packed(item) for key, item in value.items()}
    return value


def _unpacked(value: Any) -> Any:
    if isinstance(value, list):
        return [_unpacked(item) for item in value]
    if isinstance(value, dict):
        if _TUPLE in value:
            return tuple(_unpacked(item) for item in value[_TUPLE])
        return {key: _unpacked(item) for key, item in value.items()}
    return value
