"""Numbers of a counterexample as MathML: names with their steps, matrices, the entries in which two sides differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from markupsafe import Markup

from verify.counterexample import Counterexample, differ
from verify.errors import clean

MANY_ENTRIES = 400  # of one array; more of them are counted, not drawn
Marks = Callable[[int, int], bool]


def name(text: str) -> Markup:
    """W, or x with its step below: an input is called x@2."""
    base, _, step = clean(text).partition("@")
    letter = Markup("<mi>{}</mi>").format(base)
    return Markup("<msub>{}<mtext>{}</mtext></msub>").format(letter, step) if step else letter


def array(value: Any, marks: Marks = lambda row, column: False) -> Markup:
    """A number, a vector or a matrix; what has more axes as nested brackets. An entry that is marked is boxed."""
    rows = _rows(value)
    if rows is None:
        return _number(value) if not isinstance(value, list | tuple) else _nested(value)
    if sum(map(len, rows)) > MANY_ENTRIES:
        return Markup("<mtext>a {} × {} matrix</mtext>").format(len(rows), len(rows[0]))
    if len(rows) == len(rows[0]) == 1:
        return _entry(rows[0][0], marks(0, 0))
    lines = Markup("").join(
        Markup("<mtr>{}</mtr>").format(
            Markup("").join(Markup("<mtd>{}</mtd>").format(_entry(entry, marks(i, j))) for j, entry in enumerate(row))
        )
        for i, row in enumerate(rows)
    )
    return Markup("<mrow><mo>[</mo><mtable>{}</mtable><mo>]</mo></mrow>").format(lines)


def equation(left: Markup, right: Markup) -> Markup:
    """left = right as a formula."""
    return Markup('<math display="block">{}<mo>=</mo>{}</math>').format(left, right)


def inputs(example: Counterexample) -> list[Markup]:
    """What goes in, a formula each; many zeros share the last one."""
    together = example.zeros
    found = [equation(name(key), array(value)) for key, value in example.values.items() if key not in together]
    if together:
        found.append(equation(Markup("<mo>,</mo>").join(map(name, together)), Markup("<mn>0</mn>")))
    return found


def functions(example: Counterexample) -> list[Markup]:
    """The tables of the functions that were used: f(0) = 1."""
    return [
        equation(_applied(key, point), array(value))
        for key, table in example.functions.items()
        for point, value in table.items()
    ]


def sides(example: Counterexample) -> tuple[Markup, Markup, int]:
    """Both sides, the entries that differ marked in both, and how many these are."""
    left, right = _rows(example.left), _rows(example.right)
    if left is None or right is None or [len(row) for row in left] != [len(row) for row in right]:
        return _math(array(example.left)), _math(array(example.right)), 0

    def differs(row: int, column: int) -> bool:
        return differ(left[row][column], right[row][column])

    count = sum(differs(i, j) for i, row in enumerate(left) for j in range(len(row)))
    return _math(array(example.left, differs)), _math(array(example.right, differs)), count


def _math(inside: Markup) -> Markup:
    return Markup('<math display="block">{}</math>').format(inside)


def _applied(function: str, point: str) -> Markup:
    """f(0), or the words by which a table of a loss's derivatives names a point."""
    inner = clean(str(point)).strip()
    around = "" if inner.startswith("(") else "()"
    inside = Markup("<mtext>{}</mtext>").format(f"({inner})" if around else inner)
    base = clean(function).rstrip("'")
    primes = "′" * (len(clean(function)) - len(base))
    letter = Markup("<mi>{}</mi>").format(base)
    return Markup("<msup>{}<mo>{}</mo></msup>{}").format(letter, primes, inside) if primes else letter + inside


def _entry(value: Any, is_marked: bool) -> Markup:
    """An entry; a marked one is boxed and starred, so that no colour is needed to see it."""
    number = _number(value) if not isinstance(value, list | tuple) else _nested(value)
    if not is_marked:
        return number
    return Markup('<mrow class="differs"><msup>{}<mo>∗</mo></msup></mrow>').format(number)


def _number(value: Any) -> Markup:
    """An exact rational as a fraction, a ball as middle ± radius, anything else as it is written."""
    if isinstance(value, Mapping):
        return Markup("<mn>{}</mn><mo>±</mo><mn>{}</mn>").format(clean(str(value["mid"])), clean(str(value["rad"])))
    text = clean(str(value))
    sign, digits = ("−", text[1:]) if text.startswith("-") else ("", text)
    over, slash, under = digits.partition("/")
    number = (
        Markup("<mfrac><mn>{}</mn><mn>{}</mn></mfrac>").format(over, under)
        if slash
        else Markup("<mn>{}</mn>").format(digits)
    )
    return Markup('<mrow><mo form="prefix">{}</mo>{}</mrow>').format(sign, number) if sign else number


def _nested(value: Any) -> Markup:
    inner = Markup("<mo>,</mo>").join(
        _nested(item) if isinstance(item, list | tuple) else _number(item) for item in value[:MANY_ENTRIES]
    )
    return Markup("<mrow><mo>[</mo>{}<mo>]</mo></mrow>").format(inner)


def _rows(value: Any) -> list[list[Any]] | None:
    """A matrix as rows, a vector as a column; None for what is neither."""
    if not isinstance(value, list | tuple) or not value:
        return None
    if all(isinstance(row, list | tuple) for row in value):
        is_matrix = len({len(row) for row in value}) == 1 and len(value[0]) > 0
        is_flat = not any(isinstance(entry, list | tuple) for row in value for entry in row)
        return [list(row) for row in value] if is_matrix and is_flat else None
    return None if any(isinstance(row, list | tuple) for row in value) else [[entry] for entry in value]
