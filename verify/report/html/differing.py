"""The difference of two formulas, sign by sign: what goes is marked in the old one, what comes in the new one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from xml.etree import ElementTree

from markupsafe import Markup, escape

from verify.report.html.maths import mathml

_APPLY = "&ApplyFunction;"
_LEAVES = ("mi", "mo", "mn", "mtext")
_PLACES = {"msub": ("", "_"), "msup": ("", "^"), "msubsup": ("", "_", "^"), "mfrac": ("over", "under"),
           "munder": ("", "_"), "mover": ("", "^"), "munderover": ("", "_", "^")}  # fmt: skip
_BRACKETS = {"[": "(", "]": ")"}  # which sort of bracket stands somewhere is no mathematics
_UNSEEN = {"", "\u2061", "\u2062", "\u2063"}


@dataclass(frozen=True)
class Difference:
    """Both formulas with their changed signs marked, and the same in words for those who do not see them."""

    before: Markup
    after: Markup
    words_before: Markup
    words_after: Markup


@dataclass(frozen=True)
class _Sign:
    element: ElementTree.Element
    text: str
    place: str  # below, above, over, under: the same letter in a subscript is another sign


def difference(before: str, after: str) -> Difference | None:
    """How a formula of LaTeX differs from another; None where one of them cannot be laid out."""
    trees = [_tree(before), _tree(after)]
    old, new = trees
    if old is None or new is None:
        return None
    first, second = _signs(old, ""), _signs(new, "")
    matcher = SequenceMatcher(None, [(s.text, s.place) for s in first], [(s.text, s.place) for s in second], False)
    gone, come = set[int](), set[int]()
    for kind, low, high, start, end in matcher.get_opcodes():
        if kind != "equal":
            gone |= set(range(low, high))
            come |= set(range(start, end))
    _mark(first, gone, "gone")
    _mark(second, come, "come")
    return Difference(_text(old), _text(new), _words(first, gone, "del"), _words(second, come, "ins"))


def _tree(latex: str) -> ElementTree.Element | None:
    found = mathml(latex, display=True)
    if found is None:
        return None
    try:
        return ElementTree.fromstring(str(found).replace(_APPLY, "\u2061"))
    except ElementTree.ParseError:  # an entity that XML does not know: shown without marks
        return None


def _signs(node: ElementTree.Element, place: str) -> list[_Sign]:
    """The signs of a formula in the order in which they are read."""
    if node.tag in _LEAVES:
        text = (node.text or "").strip()
        return [] if text in _UNSEEN else [_Sign(node, _BRACKETS.get(text, text), place)]
    places = _PLACES.get(node.tag, ())
    return [
        sign
        for number, child in enumerate(node)
        for sign in _signs(child, place + places[number] if number < len(places) else place)
    ]


def _mark(signs: list[_Sign], changed: set[int], name: str) -> None:
    for number in sorted(changed):
        element = signs[number].element
        element.set("class", " ".join(filter(None, [element.get("class"), name])))


def _words(signs: list[_Sign], changed: set[int], tag: str) -> Markup:
    """The formula as one line of text with <del> or <ins> around each run of changed signs."""
    parts: list[Markup] = []
    run: list[str] = []
    for number, sign in enumerate(signs):
        if number in changed:
            run.append(sign.text)
            continue
        parts += _run(run, tag)
        run = []
        parts.append(escape(sign.text))
    return Markup(" ").join([*parts, *_run(run, tag)])


def _run(run: list[str], tag: str) -> list[Markup]:
    return [Markup("<{0}>{1}</{0}>").format(Markup(tag), " ".join(run))] if run else []


def _text(tree: ElementTree.Element) -> Markup:
    text = ElementTree.tostring(tree, encoding="unicode", short_empty_elements=False)
    return Markup(re.sub(r"></mspace>", "/>", text))
