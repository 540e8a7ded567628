"""What can be wrong with a claim, as the rules that code scanners list: an id, a title, what it means, what to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from verify.judge import Entry


@dataclass(frozen=True)
class Rule:
    """One way not to be as it should be.

    `level` is error where something is wrong, warning where nothing is known to be wrong but the run fails.
    """

    title: str
    meaning: str
    remedy: str
    level: str = "error"


RULES: Mapping[str, Rule] = {
    "refuted-value": Rule(
        "The equation is false",
        "Under the document's own declarations the two sides differ. The smallest counterexample found says at which "
        "sizes, steps and values, all exact.",
        "Compute both sides at the counterexample: `backproof verify FILE --explain ID` prints a NumPy program that "
        "does. Where one edit mends the line, the report shows the mended line, which is proved. A line that is meant "
        "to be wrong says so with the directive `expect: refuted`.",
    ),
    "refuted-shape": Rule(
        "The equation is ill-typed",
        "In no reading of the conventions that the document leaves open do the shapes of the two sides fit.",
        "Look at the two shapes that the message names: most often a transpose is missing, factors stand in the wrong "
        "order, or a size is declared the other way round.",
    ),
    "conditional": Rule(
        "The equation holds in one convention only",
        "The document leaves a convention open (layout, shape of gradients, order of products or of vec…). In one "
        "reading the equation holds, in another it does not.",
        "Declare the convention that is meant in the document's backproof block; the message names it.",
        "warning",
    ),
    "undecided": Rule(
        "The equation could not be decided",
        "The deciders reached a limit, or the equation uses a construct outside their language; the message names it.",
        "Give it longer with `--time-limit`, or split the equation into smaller ones.",
        "warning",
    ),
    "unreadable": Rule(
        "The equation could not be read",
        "The formula does not parse, or names something that the document does not declare. Nothing is guessed.",
        "Mend what the message names, declare it in the backproof block, or leave the line out with `skip`.",
    ),
    "tested": Rule(
        "The equation is tested, not proved",
        "No instance refutes the equation, but no proof was found, and the run asks for one (`--require-proof`).",
        "State the equation so that it can be proved, or let the document expect it: `expect: tested`.",
        "warning",
    ),
    "unexpected": Rule(
        "The verdict is not the one that the document expects",
        "A directive says which verdict is expected of the equation, and another one was found.",
        "If the equation was mended, strike the directive `expect`; if not, look at what changed.",
    ),
    "changed": Rule(
        "The claim is not as the lock says",
        "Since `backproof lock` wrote the lock file the claim, its verdict, its scope or what it rests on has changed.",
        "If that is meant, run `backproof lock` again and commit the file; if not, look at what changed.",
    ),
    "declaration": Rule(
        "A declaration is wrong",
        "A backproof block or a directive says something that cannot be, or names what does not exist.",
        "Mend the declaration; the message says what was expected.",
    ),
}


def rule_of(entry: Entry) -> str:
    """The rule that an entry breaks which is not as it should be."""
    assert entry.verdict is not None
    if entry.role == "claim" and entry.expected is not None:
        return "unexpected"
    if entry.verdict.verdict == "refuted":
        return "refuted-shape" if entry.verdict.reason == "shape" else "refuted-value"
    return entry.verdict.verdict
