"""Verdicts, ranges and routes in words: `proved for all t`, `tested for t up to 6`, `by induction`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from verify.lock.entries import DECIDERS, Locked
from verify.lock.meaning import in_letters

Change = tuple[str, str]  # what kind, and in words
Letters = tuple[Mapping[str, str], Mapping[str, str]]  # the canonical letter of each letter, then and now
_FROM = re.compile(r"(\d+) <= (\S+)")
_UP_TO = re.compile(r"(\S+) in (\d+)\.\.(\d+)")


def state(claim: Locked) -> str:
    """What is known of a claim: its verdict, and for which sizes and steps."""
    if claim.verdict in ("unreadable", "undecided", "conditional"):
        return claim.verdict
    if claim.verdict == "refuted":
        return "refuted: ill-typed" if claim.reason == "shape" else "refuted"
    sizes = "" if claim.sizes == "all" else f" at the sizes {claim.sizes}"
    return f"{claim.verdict}{_steps(claim.steps)}{sizes}"


def _steps(text: str) -> str:
    """`1 <= t` is `for all t`, `t in 1..6` is `for t up to 6`."""
    if text == "all":
        return ""
    parts = [_range(part) for part in text.split(", ")]
    return f" for {', '.join(parts)}"


def _range(part: str) -> str:
    if match := _FROM.fullmatch(part):
        return f"all {match[2]}" if match[1] in ("0", "1") else f"all {match[2]} >= {match[1]}"
    if match := _UP_TO.fullmatch(part):
        return f"{match[1]} up to {match[3]}" if match[2] in ("0", "1") else f"{match[2]} <= {match[1]} <= {match[3]}"
    return part


def changes_of_result(old: Locked, new: Locked, letters: Letters) -> Iterator[Change]:
    """How a claim's verdict, scope, route, assumptions, readings and expectation changed."""
    if (old.verdict, old.reason) != (new.verdict, new.reason) or not _is_same_range(old, new, letters):
        if state(old) != state(new):  # of what is refuted or undecided, the range is the claim's own
            yield "verdict", f"was {state(old)}, now {state(new)}"
        elif old.verdict in ("proved", "tested"):  # `for all t` is from the first step on, which is 0 or 1
            yield "verdict", f"was {old.verdict} for {old.steps}, now for {new.steps}"
    elif old.by != new.by and old.meaning == new.meaning:  # another way of writing it may take another route
        yield from _routes(old, new)
    if old.assumed != new.assumed and _in(old.assumed, letters[0]) != _in(new.assumed, letters[1]):
        yield from (("assumption", f"the assumption {text} is new") for text in _only(new.assumed, old.assumed))
        yield from (("assumption", f"the assumption {text} is gone") for text in _only(old.assumed, new.assumed))
    if old.readings != new.readings:
        yield "readings", f"was read as {_listed(old.readings)}; now as {_listed(new.readings)}"
    if old.expected != new.expected:
        yield "expectation", f"the document expected {old.expected or 'nothing'}, now {new.expected or 'nothing'}"


def _is_same_range(old: Locked, new: Locked, letters: Letters) -> bool:
    if (old.steps, old.sizes) == (new.steps, new.sizes):
        return True
    steps = (sorted(in_letters(one.steps, own).split(", ")) for one, own in zip((old, new), letters, strict=True))
    sizes = (
        sorted(re.split("[,;] ", in_letters(one.sizes, own))) for one, own in zip((old, new), letters, strict=True)
    )
    return next(steps) == next(steps) and next(sizes) == next(sizes)


def _in(texts: tuple[str, ...], letters: Mapping[str, str]) -> list[str]:
    return sorted(in_letters(text, letters) for text in texts)


def _only(texts: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    return [text for text in texts if text not in others]


def _listed(texts: tuple[str, ...]) -> str:
    return "; ".join(texts) or "one reading alone"


def _routes(old: Locked, new: Locked) -> Iterator[Change]:
    """Another proof; or a witness that stopped or began to see it."""
    before, after = (_proof(one.by) for one in (old, new))
    if before != after:
        yield "route", f"was {old.verdict} {before}, now {after}"
    gone, fresh = (_only(_numeric(one.by), _numeric(other.by)) for one, other in ((old, new), (new, old)))
    if gone:
        yield "route", f"was also seen by {', '.join(gone)}, which cannot tell any more"
    if fresh:
        yield "route", f"is now also seen by {', '.join(fresh)}"


def _proof(by: tuple[str, ...]) -> str:
    """What the deciders did."""
    inductions = [name for name in by if name.startswith("induction")]
    deciders = [name for name in by if name.startswith(DECIDERS) and name not in inductions]
    if inductions:
        way = "; ".join(name.partition(": ")[2] for name in inductions if ": " in name)
        return f"by induction ({way})" if way else "by induction"
    return f"by {' and '.join(deciders)}" if deciders else "by no decider"


def _numeric(by: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in by if not name.startswith(DECIDERS))
