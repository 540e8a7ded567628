"""What changed since a lock was written, in mathematical terms: better results are changes too."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from verify.lock.entries import (
    EFFORT,
    QUANTITIES,
    STANDARD_INPUT,
    SUITE,
    Locked,
    LockedDocument,
    check_readable,
    is_unnamed,
)
from verify.lock.meaning import look_alikes
from verify.lock.reworded import changes_of_meaning, has_same_form, is_restated
from verify.lock.words import changes_of_result, state
from verify.report.model import Difference

ANEW = "run `backproof lock`"
MOST_QUESTIONS = 100  # whether a claim that is gone and a new one, both without a name, say the same


Wanted = Callable[[str], bool]


def differences(
    old: Mapping[str, LockedDocument], new: Mapping[str, LockedDocument], wanted: Mapping[str, Wanted], seed: int = 0
) -> tuple[Difference, ...]:
    """How the documents of a run differ from those of a lock; others in the lock are not looked at.

    `wanted` says for a document's key which claims were asked for. Raises `CallError` where the lock is damaged.
    """
    found: list[Difference] = []
    for key, document in sorted(new.items()):
        if key not in old and document.claims:  # with a filter none may be asked for
            again = "" if key.startswith((SUITE, QUANTITIES)) else " -" if key == STANDARD_INPUT else f" {key}"
            found.append(Difference(key, "", "new", f"the document is not in the lock (run `backproof lock{again}`)"))
        elif key in old:
            found += _Documents(key, old[key], document, wanted.get(key, lambda _: True), seed).differences()
    return tuple(found)


@dataclass(frozen=True)
class _Documents:
    """One document then and now."""

    key: str
    old: LockedDocument
    new: LockedDocument
    wanted: Wanted
    seed: int

    def differences(self) -> Iterator[Difference]:
        yield from self._of_effort()
        old = {key: claim for key, claim in self.old.claims.items() if self._is_wanted(key)}
        gone, fresh = old.keys() - self.new.claims.keys(), self.new.claims.keys() - self.old.claims.keys()
        restated = dict(self._restated(sorted(gone), sorted(fresh)))
        for key, claim in self.new.claims.items():
            before = old.get(restated.get(key, key))
            if before is None and key in fresh:
                yield Difference(self.key, claim.id, "new", f"is new: {state(claim)} ({ANEW})", claim.place)
            elif before is not None:
                yield from self._of_claim(before, claim)
                if (was := restated.get(key, key)) != key and not (is_unnamed(was, before) and is_unnamed(key, claim)):
                    yield Difference(self.key, claim.id, "id", f"was called {was} ({ANEW})", claim.place)
        for key in sorted(gone - set(restated.values())):
            yield Difference(self.key, key, "gone", f"was {state(old[key])}, is gone", old[key].place)

    @cached_property
    def _apart(self) -> frozenset[str]:
        """Plain names that two names of the document have, then or now: their fonts tell them apart."""
        return look_alikes(self.old.names) | look_alikes(self.new.names)

    def _is_wanted(self, key: str) -> bool:
        """Whether a claim of the lock was asked for, by its own id or, as 2.1/2, by its equation's.

        A claim without a name is asked for by a line, which the lock does not know: with a filter it counts only if
        it was found.
        """
        return key in self.new.claims or self.wanted(key) or self.wanted(key.rpartition("/")[0])

    def _of_effort(self) -> Iterator[Difference]:
        for name in EFFORT:
            was, now = self.old.effort[name], self.new.effort[name]
            if was != now:
                message = f"the lock was made with --{name} {was}, and this run has --{name} {now}"
                yield Difference(self.key, "", "effort", message)

    def _restated(self, gone: list[str], fresh: list[str]) -> Iterator[tuple[str, str]]:
        """New claims that say what a claim that is gone said, as (new key, old key).

        Without names both are asked of the deciders, under another name they have one canonical form.
        """
        left, questions = list(gone), 0
        for key in gone if fresh else ():
            check_readable(self.old.claims[key])
        for key in fresh:
            claim = self.new.claims[key]
            for other in left:
                before = self.old.claims[other]
                may_ask = questions < MOST_QUESTIONS and is_unnamed(key, claim) and is_unnamed(other, before)
                questions += may_ask
                if has_same_form(before, claim, self._apart) or (
                    may_ask and is_restated(before, claim, self.seed, self._apart)
                ):
                    left.remove(other)
                    yield key, other
                    break

    def _of_claim(self, old: Locked, new: Locked) -> Iterator[Difference]:
        meant, letters = changes_of_meaning(
            old, new, self.old.conventions, self.new.conventions, self.seed, self._apart
        )
        for kind, message in (*meant, *changes_of_result(old, new, letters)):
            yield Difference(self.key, new.id, kind, message, new.place)
