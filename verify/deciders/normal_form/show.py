"""Forms as text, in index notation: `2 Σ_a W_ia f'(Net[3])_a`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from derive.language.show import show, show_name
from verify.deciders.normal_form import applications
from verify.deciders.normal_form.functions import LawBook
from verify.deciders.normal_form.term import Form, Monomial, Term

_OPEN, _SUMMED = "ijklpqrs", "abcdeghmnouvwxyz"
StepText = Callable[[int | None], str]


class Printer:
    """Prints forms of one law book; `step` gives the text of a step."""

    def __init__(self, laws: LawBook, step: StepText | None = None) -> None:
        self.laws = laws
        self.store = laws.store
        self.step = step or (lambda step: "" if step is None else f"[{step}]")
        self.names: dict[int, str] = {}  # of atoms: a name that holds an argument is asked for at every level above it

    def form(self, form: Form, names: Sequence[str] = ()) -> str:
        """A form as a sum of terms, sorted by text; `names` are the names of its slots."""
        texts = self.terms(form, names)
        return " + ".join(texts).replace("+ -", "- ") if texts else "0"

    def terms(self, form: Form, names: Sequence[str] = ()) -> list[str]:
        """Each term as text."""
        given = list(names) or [_letter(_OPEN, slot) for slot in range(len(form.slots))]
        return sorted(self._term(term, coefficient, given) for term, coefficient in form.terms.items())

    def _term(self, term: Term, coefficient: Any, names: Sequence[str]) -> str:
        letters: dict[int, str] = {}
        deltas = []
        for label, name in zip(term.open, names, strict=True):
            if letters.setdefault(label, name) != name:
                deltas.append(f"δ_{letters[label]}{name}")
        ordered = self._ordered(term, letters)
        summed = list(dict.fromkeys(label for _, labels in ordered for label in labels if label not in letters))
        summed += [label for label in range(len(term.sizes)) if label not in letters and label not in summed]
        free = [name for name in (*_SUMMED, *(f"a{k}" for k in range(len(summed)))) if name not in names]
        letters.update(zip(summed, free, strict=False))
        sign = f"Σ_{''.join(letters[label] for label in summed)}" if summed else ""
        factors = [self._factor(atom, [letters[label] for label in labels]) for atom, labels in ordered]
        number = "" if abs(coefficient) == 1 else str(abs(coefficient))
        parts = [number, self._loops(term.loops), sign, *deltas, *factors]
        text = " ".join(part for part in parts if part) or "1"
        return ("-" if coefficient < 0 else "") + text

    def _ordered(self, term: Term, letters: dict[int, str]) -> list[tuple[int, tuple[int, ...]]]:
        """The factors by name, then by open letters: atoms' numbers tell which claims came before."""
        return sorted(
            term.factors, key=lambda factor: (self._name(factor[0]), [letters.get(label, "~") for label in factor[1]])
        )

    def _loops(self, loops: Monomial) -> str:
        sizes = self.store.sizes
        return " ".join(f"{sizes[size]}" if power == 1 else f"{sizes[size]}^{power}" for size, power in loops)

    def _factor(self, atom: int, letters: Sequence[str]) -> str:
        below = "_" + "".join(letters) if letters else ""
        return self._name(atom) + below

    def _name(self, atom: int) -> str:
        if atom not in self.names:
            self.names[atom] = self._spelled(atom)
        return self.names[atom]

    def _spelled(self, atom: int) -> str:
        kind, data = self.store.atoms[atom].kind, self.store.atoms[atom].data
        if kind == "tensor":
            return show_name(str(data[0])) + self.step(data[1])  # type: ignore[arg-type]
        if kind == "function":
            return self._function(atom)
        if kind == "loss":
            return self._loss(*data)
        if kind == applications.KIND:
            return self._application(atom)
        if kind in ("slide", "flip"):
            return kind
        if kind == "closed":
            return f"({show(data[0])})"
        what, by = (self._name(part) for part in data)  # type: ignore[arg-type]
        return {"past": f"∂{what}/∂{by}", "future": f"∂{what}(later)/∂{by}", "history": f"∂{what}(earlier)/∂{by}"}[kind]

    def _function(self, atom: int) -> str:
        function, argument = self.laws.read(atom)
        name = {"reciprocal": "1/", "relu": "relu"}.get(function.kind, show_name(function.name))
        return f"{name}{chr(39) * function.order}({self._argument(argument)})"

    def _argument(self, argument: Form) -> str:
        """An argument: a plain tensor without its letters."""
        if len(argument.terms) == 1:
            ((term, coefficient),) = argument.terms.items()
            if coefficient == 1 and len(term.factors) == 1 and term.factors[0][1] == term.open and not term.loops:
                return self._name(term.factors[0][0])
        return self.form(argument)

    def _application(self, atom: int) -> str:
        """∂_1∂_2F(a, b): the slots by number."""
        name, _, by, arguments = applications.read(self.store, atom)
        order = "".join(f"∂_{place + 1}" for place in by)
        return f"{order}{show_name(name.partition('(')[0])}({', '.join(map(self._argument, arguments))})"

    def _loss(self, name: Any, parts: Any) -> str:
        if not parts:
            return str(name)
        order = "" if len(parts) == 1 else str(len(parts)).translate(str.maketrans("23456789", "²³⁴⁵⁶⁷⁸⁹"))
        return f"∂⁺{order}{name}/" + "".join(f"∂{self._name(part)}" for part in parts)


def _letter(letters: str, position: int) -> str:
    return letters[position] if position < len(letters) else f"{letters[0]}{position}"
