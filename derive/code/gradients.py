"""The last lines of a backward pass: gradients from the δ's of all steps, each sum of outer products one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.code.calls import INDENT, Calls
from derive.code.joined import Joined
from derive.code.places import Places, span
from derive.code.plan import At, Operand
from derive.code.program import Program

Pair = tuple[Operand, Operand | None]


@dataclass(frozen=True)
class Sum:
    """Σ over steps and samples of left rightᵀ (outer), left ⊙ right (entrywise) or left (plain), left by left.

    `lefts` are neighbours, each with the key of the gradient that its sum is a part of.
    """

    kind: str
    right: Operand | None
    lefts: tuple[tuple[str, Operand], ...]

    @property
    def operands(self) -> list[Operand]:
        """The left operands."""
        return [left for _, left in self.lefts]


@dataclass
class Gradients:
    """Writes the gradients of a program, whose sums, steps and ends have been planned."""

    program: Program
    places: Places
    calls: Calls
    sums: Mapping[str, Sequence[tuple[str, Pair]]]  # by key: (kind, operands)
    steps: Mapping[str, Operand]
    ends: Mapping[str, Operand]
    joined: Sequence[Joined]

    def lines(self) -> list[str]:
        """One line a gradient, after the products that serve several."""
        lines, texts = self._shared()
        lines.append("gradients = {}")
        for one in self.program.parameters:
            lines += self._line(one.key, " + ".join(texts[one.key]))
        for sequence in self.program.sequences:
            if sequence.key in self.steps:
                array = self.places.steps([self.steps[sequence.key]])
                lines += self._line(sequence.key, self._batched(array, f"T, B, {sequence.size}", "[:, None]"))
        for boundary in self.program.boundaries:
            end = self._end(boundary.key, boundary.side)
            lines += self._line(boundary.key, self._batched(end, f"B, {boundary.size}", "[None]"))
        if self.program.loss:
            lines += ["if scale != 1:", f"{INDENT}for gradient in gradients.values():", f"{INDENT * 2}gradient *= scale"]
        return [*lines, "return gradients"]

    @property
    def one(self) -> bool:
        """Whether the form for one sample is written."""
        return self.calls.prepared.one

    def _line(self, key: str, text: str) -> list[str]:
        formula = self.program.formulas.get(key, "")
        return [*([f"# {formula}"] if formula else []), f'gradients["{key}"] = {text}']

    def _batched(self, array: str, shape: str, axis: str) -> str:
        """An array with the batch as an axis."""
        return f"{array}{axis}" if self.one else array

    def _end(self, key: str, side: int) -> str:
        operand = self.ends[key]
        home = self.places.of(operand)
        if not home.stored:  # what the last step of the loop leaves
            return self.places.array(home)
        return f"{self.places.steps([operand])}[{0 if side < 0 else -1}]"

    # --- sums over the steps -------------------------------------------------------------------------------------

    def _shared(self) -> tuple[list[str], dict[str, list[str]]]:
        """The products that serve several gradients, and the terms of each gradient."""
        texts: dict[str, list[str]] = {key: [] for key in self.sums}
        sums = self._grouped()
        lines: list[str] = []
        for one in self.joined:
            taken = self._of_rows(one, sums)
            if len(taken) > 1:
                lines += self._by_rows(one, taken, texts)
                sums = [found for found in sums if found not in taken]
        for found in sums:
            lines += self._sum(found, texts)
        return lines, texts

    def _grouped(self) -> list[Sum]:
        """Sums with the same right factor and neighbouring left ones are one."""
        groups: dict[tuple[str, Operand | None], list[tuple[str, Operand]]] = {}
        for key, pairs in self.sums.items():
            for kind, (left, right) in pairs:
                groups.setdefault((kind, right), []).append((key, left))
        found = []
        for (kind, right), members in groups.items():
            run: list[tuple[str, Operand]] = []
            for member in sorted(members, key=lambda member: self.places.order(member[1])):
                if run and not self.places.is_next(run[-1][1], member[1]):
                    found.append(Sum(kind, right, tuple(run)))
                    run = []
                run.append(member)
            found.append(Sum(kind, right, tuple(run)))
        return found

    def _sum(self, found: Sum, texts: dict[str, list[str]]) -> list[str]:
        if found.kind == "entrywise":
            for key, left in found.lefts:
                texts[key].append(self._entrywise(left, found.right))
            return []
        text = self._text(found)
        if len(found.lefts) == 1:
            texts[found.lefts[0][0]].append(text)
            return []
        name = self.calls.names.fresh("sums")
        for at, (key, _) in enumerate(found.lefts):
            texts[key].append(f"{name}[{at}]")
        return [f"{name} = {text}"]

    def _entrywise(self, left: Operand, right: Operand | None) -> str:
        assert isinstance(right, At)
        a, b = self.places.steps([left]), self.places.steps([right])
        if self.one:
            return f'np.einsum("tn,tn->n", {a}, {b})'
        return f'np.einsum("tbn,tbn->n", {a}, {b})'

    def _text(self, found: Sum) -> str:
        """Σ left rightᵀ, or Σ left; of several neighbours all of them."""
        left, many = self.places.steps(found.operands), len(found.lefts) > 1
        right = "" if found.right is None else self.places.steps([found.right])
        if self.one:
            if not many:
                return f"{left}.T @ {right}" if right else f"{left}.sum(axis=0)"
            self.calls.prepared.helpers.add("rows")
            size = self._size(found)
            return f"(rows({left}).T @ {right}).reshape({size})" if right else f"{left}.sum(axis=0)"
        self.calls.prepared.helpers.add("matrix")
        if not many:
            return f"matrix({left}).T @ matrix({right})" if right else f"matrix({left}).sum(axis=0)"
        slot = f"matrix({left}[:, a])"
        each = f"{slot}.T @ matrix({right})" if right else f"{slot}.sum(axis=0)"
        return f"[{each} for a in range({len(found.lefts)})]"

    def _size(self, found: Sum) -> str:
        first = found.operands[0]
        assert isinstance(first, At)
        return f"{len(found.lefts)}, {first.variable.size}, -1"

    # --- sums with the rows [h | x | 1] --------------------------------------------------------------------------

    def _of_rows(self, one: Joined, sums: list[Sum]) -> list[Sum]:
        """The sums of one row of δ's with h, x and 1, in this order."""
        rights: list[tuple[str, Operand | None]] = [("outer", one.state), ("outer", one.source)]
        rights += [("plain", None)] if one.weights else []
        found: list[Sum] = []
        for kind, right in rights:
            for candidate in sums:
                if (candidate.kind, candidate.right) != (kind, right):
                    continue
                if not found or candidate.operands == found[0].operands:
                    found.append(candidate)
                    break
        return found if len(found) == len(rights) else []

    def _by_rows(self, one: Joined, sums: list[Sum], texts: dict[str, list[str]]) -> list[str]:
        """Σ δ [h | x | 1] where rows are narrow, else one sum after another."""
        many = len(sums[0].lefts) > 1
        left = self.places.steps(sums[0].operands)
        joined = self.calls.rows_of(one)
        steps = f"{joined}[{span('T', self.places.row(one.state))}]"
        names = [self.calls.names.fresh(f"sums_{word}") for word in ("h", "x", "1")[: len(sums)]]
        cuts = [f":{one.size}", one.columns, "-1"]
        all_rows = ":, :, " if many else ":, "
        text = f"(rows({left}).T @ {steps}).reshape({self._size(sums[0])})" if many else f"{left}.T @ {steps}"
        lines = [f"if {joined} is not None:", f"{INDENT}sums = {text}"]
        lines += [f"{INDENT}{name} = sums[{all_rows}{cut}]" for name, cut in zip(names, cuts, strict=False)]
        lines.append("else:")
        for name, found in zip(names, sums, strict=True):
            lines.append(f"{INDENT}{name} = {self._text(found)}")
            for at, (key, _) in enumerate(found.lefts):
                texts[key].append(f"{name}[{at}]" if many else name)
        self.calls.prepared.helpers.add("rows")
        return lines
