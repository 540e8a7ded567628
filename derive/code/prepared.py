"""What a function of generated code prepares before its loops: constants, matrices side by side, scratch, views.

Text only: each thing gets a name when it is first asked for, and a line that makes it. `one` is the form for a batch of
one sample, whose arrays have no batch axis; the other form is for many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import sympy as sp

from derive.code.identifiers import Identifiers, plain
from derive.code.places import Places, columns
from derive.code.plan import At, Factor, Operand
from derive.code.values import Number, Weight
from derive.code.writing import INDENT
from derive.language.nodes import Size

WORDS = {sp.S.One: "unit", sp.Rational(1, 2): "half", sp.S.NegativeOne: "minus_one"}


@dataclass
class Entry:
    """The lines that make a thing; `guard` is the condition under which alone it is needed."""

    guard: str
    lines: list[str]


@dataclass
class Prepared:
    """The lines before the loops, and the names of what they make; `guard` is the condition that now holds."""

    names: Identifiers
    places: Places
    matrices: dict[str, str]  # the identifiers of the parameters
    one: bool
    guard: str = ""
    entries: dict[object, Entry] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    known: dict[object, str] = field(default_factory=dict)

    def make(self, key: object, wish: str, text: str) -> str:
        """The name of a thing, made by `name = text` when it is first asked for."""
        if key not in self.known:
            self.known[key] = self.names.fresh(wish)
            self.entries[key] = Entry(self.guard, [f"{self.known[key]} = {text}"])
        return self.needed(key)

    def needed(self, key: object) -> str:
        """The name of a thing that is needed under the condition that now holds."""
        entry = self.entries[key]
        if entry.guard != self.guard:
            entry.guard = ""
        return self.known[key]

    @property
    def lines(self) -> list[str]:
        """All lines, those under a condition together."""
        found = [line for entry in self.entries.values() if not entry.guard for line in entry.lines]
        for guard in dict.fromkeys(entry.guard for entry in self.entries.values() if entry.guard):
            found.append(f"if {guard}:")
            found += [INDENT + line for e in self.entries.values() if e.guard == guard for line in e.lines]
        return found

    def shape(self, *sizes: object) -> str:
        """The shape of an array with the batch before its last axis."""
        *front, last = [str(size) for size in sizes]
        return f"({', '.join([*front, *([] if self.one else ['B']), last])}{',' if self.one and not front else ''})"

    # --- numbers and parameters ----------------------------------------------------------------------------------

    def constant(self, column: Sequence[Operand]) -> str:
        """A number as an array without axes, which ufuncs take fastest; parameters of neighbours as one array."""
        first = column[0]
        if isinstance(first, Number):
            wish = WORDS.get(first.number, "constant")
            return self.make(("number", first.number), wish, f"np.array({number(first.number)}, dtype)")
        weights = [one for one in column if isinstance(one, Weight)]
        texts = [self.weight(one) for one in weights]
        if len(texts) == 1:
            return texts[0] if texts[0].isidentifier() else self.make(texts[0], plain(weights[0].name), texts[0])
        listed = f"[{', '.join(texts)}]"
        text = f"np.concatenate({listed})" if self.one else f"np.array({listed})[:, None]"
        return self.make(text, joint(one.name for one in weights), text)

    def weight(self, one: Weight) -> str:
        """A parameter times its number."""
        return times(one.number, self.matrices[one.name])

    def factor(self, one: Factor, across: bool = False) -> str:
        """A matrix times its number, transposed or `across`."""
        return times(one.number, self.matrices[one.matrix] + (".T" if one.transposed != across else ""))

    def stack(self, factors: Iterable[Factor], across: bool = False) -> str:
        """Matrices as a list."""
        return "[" + ", ".join(self.factor(one, across) for one in factors) + "]"

    def across(self, factors: Sequence[Factor], summed: bool) -> str:
        """Matrices of neighbours, transposed: one by one for many samples; for one sample as one matrix.

        `summed`: each multiplies its own neighbour and the products are added, so they lie below one another; else
        all multiply the same, and they lie side by side.
        """
        label = joint(one.matrix for one in factors)
        listed = self.stack(factors, across=True)
        if not self.one:
            return self.make(("across", tuple(factors)), label, f'np.array({listed}, order="C")')
        text = f"np.concatenate({listed})" if summed else f"np.concatenate({self.stack(factors)}).T"
        return self.make(("across", tuple(factors), summed), label, text)

    def product(self, factors: Sequence[Factor], summed: bool) -> str:
        """What multiplies a step's vector: a bound method for one sample, the transposed matrices for many.

        `summed`: the matrices multiply neighbours and the products are added; else all multiply the same.
        """
        key = ("matrix", tuple(factors), summed)
        label = joint(one.matrix for one in factors) + ("_T" if factors[0].transposed else "")
        if self.one:
            if len(factors) == 1:
                text = self.factor(factors[0])
            elif summed:
                text = f"np.concatenate({self.stack(factors, across=True)}).T"
            else:
                text = f"np.concatenate({self.stack(factors)})"
            return self.make(key, f"by_{label}", f"{brackets(text)}.dot")
        if len(factors) == 1:
            text = self.factor(factors[0], across=True)
            return self.make(key, label, f"{brackets(text)}.copy()" if not text.isidentifier() else text)
        return self.make(key, label, f'np.array({self.stack(factors, across=True)}, order="C")')

    # --- places --------------------------------------------------------------------------------------------------

    def scratch(self, operands: Sequence[Operand]) -> str:
        """A place that all steps share."""
        home = self.places.of(operands[0])
        array, shared = self.places.array(home), self.places.buffer(home)
        if array not in self.known:
            self.known[array] = array
            filled = "zeros" if home.carried else "empty"
            count = len(shared.homes) if shared else 1
            shape = (
                f"({columns(count, home.size)},)" if self.one else self.shape(*([count] if shared else []), home.size)
            )
            self.entries[array] = Entry(self.guard, [f"{array} = np.{filled}({shape}, dtype)"])
        text = self.needed(array)
        if shared and len(operands) < len(shared.homes):
            text = f"{array}[{self.places.slots(operands)}]"
        if text == array:
            return array
        return self.make(text, joint(self.places.label(self.places.of(one)) for one in operands), text)

    def copies(self, targets: Sequence[At]) -> str:
        """Room for an operand that neighbours share, once for each."""
        size, key = targets[0].variable.size, ("copies", len(targets), targets[0].variable.size)
        if key not in self.known:
            name = self.make(key, "copies", f"np.empty(({columns(len(targets), size)},), dtype)")
            self.entries[key].lines.append(f"{name}_each = {name}.reshape({len(targets)}, {size})")
        return self.needed(key)

    def part(self, size: Size, count: int = 0) -> str:
        """Room for a term before it is added, or for `count` terms."""
        sizes = [count, size] if count else [size]
        return self.make(("part", size, count), "parts" if count else "part", f"np.empty({self.shape(*sizes)}, dtype)")


def joint(names: Iterable[str]) -> str:
    """One word for neighbours: what their names begin with once, then what each ends with."""
    words = list(dict.fromkeys(plain(name) for name in names))
    front = words[0].partition("_")[0]
    if len(words) > 1 and all(word.startswith(f"{front}_") for word in words):
        words = [front, *(word[len(front) + 1 :] for word in words)]
    return "_".join(words)


def number(value: Any) -> str:
    """A number in Python."""
    value = sp.sympify(value)
    return str(float(value)) if value.is_Rational and not value.is_Integer else str(value)


def times(factor: Any, text: str) -> str:
    """c A in Python."""
    return text if factor == 1 else f"{number(factor)} * {text}"


def brackets(text: str) -> str:
    """In brackets where a dot behind it would bind too tightly."""
    return f"({text})" if " " in text and not text.startswith("np.") else text
