"""The last lines of a backward pass: gradients from the δ's of all steps, each sum of outer products one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from derive.code.calls import Calls
from derive.code.joined import Joined
from derive.code.places import Places
from derive.code.plan import At, Operand
from derive.code.program import Program

Pair = tuple[Operand, Operand | None]
Run = tuple[str, Operand | None, list[tuple[str, Operand]]]  # kind, right operand, (key, left operand)


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
        runs = [(kind, right, run) for (kind, right), members in groups.items() for run in self._runs(members)]
        lines: list[str] = []
        for one in self.joined:
            taken = self._of_rows(one, runs)
            if len(taken) > 1:
                lines += self._joined(one, taken, texts)
                runs = [run for run in runs if run not in taken]
        for kind, right, run in runs:
            lines += self._run(kind, right, run, texts)
        return lines, texts

    def _of_rows(self, one: Joined, runs: list[Run]) -> list[Run]:
        """The sums of one row of δ's with h, x and 1, in this order."""
        rights: list[tuple[str, Operand | None]] = [("outer", one.state), ("outer", one.source)]
        rights += [("plain", None)] if one.weights else []
        found: list[Run] = []
        for kind, right in rights:
            for run in runs:
                lefts = [left for _, left in run[2]]
                if run[:2] == (kind, right) and (not found or lefts == [left for _, left in found[0][2]]):
                    found.append(run)
                    break
        return found if len(found) == len(rights) else []

    def _joined(self, one: Joined, runs: list[Run], texts: dict[str, list[str]]) -> list[str]:
        """Σ δ [h | x | 1] where rows are narrow, else one sum after another."""
        operands = [left for _, left in runs[0][2]]
        many = len(operands) > 1
        left = self.places.steps(operands)
        names = [self.calls.names.fresh(f"sums_{word}") for word in ("state", "input", "one")[: len(runs)]]
        row = self.places.row(one.state)
        rows = f"{self.calls.rows_of(one)}[{row or ''}:{f'T + {row}' if row else 'T'}]"
        width = f"{one.size}:{one.size} + {one.width}"
        flat = f"rows({left})" if many else left
        lines = [f"if {self.calls.rows_of(one)} is not None:"]
        lines.append(f"    sums = ({flat}.T @ {rows}).reshape({len(operands)}, {operands[0].variable.size}, -1)")  # type: ignore[union-attr]
        cuts = [f"[:, :, :{one.size}]", f"[:, :, {width}]", "[:, :, -1]"]
        lines += [f"    {name} = sums{cut}" for name, cut in zip(names, cuts, strict=False)]
        lines.append("else:")
        for name, (_, right, run) in zip(names, runs, strict=True):
            lines.append(f"    {name} = {self._sum(right, [o for _, o in run])}")
            for at, (key, _) in enumerate(run):
                texts[key].append(f"{name}[{at}]")
        self.calls.body.helpers.add("rows")
        return lines

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
        if kind == "entrywise":
            assert isinstance(right, At)
            self.calls.body.helpers.add("matrix")
            for key, operand in run:
                factors = f"matrix({self.places.steps([operand])}), matrix({self.places.steps([right])})"
                texts[key].append(f'np.einsum("tn,tn->n", {factors})')
            return []
        text = self._sum(right, [operand for _, operand in run])
        if len(run) == 1:
            texts[run[0][0]].append(f"{text}[0]")
            return []
        name = self.calls.names.fresh("sums")
        for at, (key, _) in enumerate(run):
            texts[key].append(f"{name}[{at}]")
        return [f"{name} = {text}"]

    def _sum(self, right: Operand | None, operands: list[Operand]) -> str:
        """Σ of neighbouring δ's, or of their outer products with one thing."""
        left = self.places.steps(operands) + ("" if len(operands) > 1 else "[:, None]")
        self.calls.body.helpers.add("summed" if right is None else "outer")
        return f"summed({left}, one)" if right is None else f"outer({left}, {self.places.steps([right])}, one)"
