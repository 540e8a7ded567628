"""The last lines of a backward pass: gradients from the δ's of all steps, each sum of outer products one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.code.calls import Calls
from derive.code.places import Places
from derive.code.plan import At, Operand
from derive.code.program import Program

Pair = tuple[Operand, Operand | None]


@dataclass
class Gradients:
    """Writes the gradients of a program, whose sums, steps and ends have been planned."""

    program: Program
    places: Places
    calls: Calls
    sums: Mapping[str, Sequence[tuple[str, Pair]]]  # by key: (kind, operands)
    steps: Mapping[str, Operand]
    ends: Mapping[str, Operand]

    def lines(self) -> list[str]:
        """One line a gradient, after the products that serve several."""
        made, texts = self._shared()
        lines = list(made)
        for one in self.program.parameters:
            lines += self._line(one.key, " + ".join(texts[one.key]))
        for sequence in self.program.sequences:
            if sequence.key in self.steps:
                array = self.places.steps([self.steps[sequence.key]])
                lines += self._line(sequence.key, f"{array}.reshape(T, B, {sequence.size})")
        for boundary in self.program.boundaries:
            lines += self._line(boundary.key, f"{self._end(boundary.key, boundary.side)}.reshape(B, {boundary.size})")
        if self.program.loss:
            lines += ["if scale != 1:", "    for gradient in gradients.values():", "        gradient *= scale"]
        return [*lines, "return gradients"]

    def _line(self, key: str, text: str) -> list[str]:
        formula = self.program.formulas.get(key, "")
        return [*([f"# {formula}"] if formula else []), f'gradients["{key}"] = {text}']

    def _end(self, key: str, side: int) -> str:
        operand = self.ends[key]
        home = self.places.of(operand)
        if not home.stored:  # what the last step of the loop leaves
            return self.places.array(home)
        return f"{self.places.steps([operand])}[{0 if side < 0 else -1}]"

    def _shared(self) -> tuple[list[str], dict[str, list[str]]]:
        """Sums of products with the same right factor and neighbouring left ones are one product."""
        texts: dict[str, list[str]] = {key: [] for key in self.sums}
        groups: dict[tuple[str, Operand | None], list[tuple[str, Operand]]] = {}
        for key, pairs in self.sums.items():
            for kind, (left, right) in pairs:
                groups.setdefault((kind, right), []).append((key, left))
        lines: list[str] = []
        for (kind, right), members in groups.items():
            for run in self._runs(members):
                lines += self._run(kind, right, run, texts)
        return lines, texts

    def _runs(self, members: list[tuple[str, Operand]]) -> list[list[tuple[str, Operand]]]:
        """Members whose left operands are neighbours, one run a row of neighbours."""
        def place(member: tuple[str, Operand]) -> tuple[str, int]:
            home = self.places.of(member[1])
            shared = self.places.buffer(home)
            return self.places.array(home), shared.slot(home) if shared else 0

        runs: list[list[tuple[str, Operand]]] = []
        for member in sorted(members, key=place):
            array, slot = place(member)
            last = place(runs[-1][-1]) if runs else None
            same_row = bool(runs) and self.places.row(runs[-1][-1][1]) == self.places.row(member[1])
            if last == (array, slot - 1) and same_row:
                runs[-1].append(member)
            else:
                runs.append([member])
        return runs

    def _run(
        self, kind: str, right: Operand | None, run: list[tuple[str, Operand]], texts: dict[str, list[str]]
    ) -> list[str]:
        operands = [operand for _, operand in run]
        left = self.places.steps(operands) + ("" if len(run) > 1 else "[:, None]")
        if kind == "entrywise":
            assert isinstance(right, At)
            self.calls.body.helpers.add("matrix")
            for key, operand in run:
                factors = f"matrix({self.places.steps([operand])}), matrix({self.places.steps([right])})"
                texts[key].append(f'np.einsum("tn,tn->n", {factors})')
            return []
        if right is None:
            self.calls.body.helpers.add("summed")
            text = f"summed({left}, one)"
        else:
            self.calls.body.helpers.add("outer")
            text = f"outer({left}, {self.places.steps([right])}, one)"
        if len(run) == 1:
            texts[run[0][0]].append(f"{text}[0]")
            return []
        name = self.calls.names.fresh("sums")
        for at, (key, _) in enumerate(run):
            texts[key].append(f"{name}[{at}]")
        return [f"{name} = {text}"]
