"""The last lines of a backward pass: gradients from the δ's of all steps, each sum of outer products one product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from derive.code.calls import Calls
from derive.code.joined import Joined
from derive.code.places import Places, span
from derive.code.plan import At, Operand
from derive.code.program import Program
from derive.code.writing import INDENT

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
    first: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    returned: set[str] = field(default_factory=set)

    def lines(self) -> list[str]:
        """What is collected, once or in each window of steps; `first` and `last` hold what stands around."""
        lines, texts = self._shared()
        self.last.append("gradients = {}")
        for one in self.program.parameters:
            self.last += self._line(one.key, " + ".join(texts[one.key]) or f"np.zeros({one.shape}, dtype)")
        for sequence in self.program.sequences:
            if sequence.key in self.steps:
                operand = self.steps[sequence.key]
                array = self.places.steps([operand])
                self.last += self._line(sequence.key, self._own(operand, f"{array}[:, None]" if self.one else array))
        for boundary in self.program.boundaries:
            end = self._end(boundary.key, boundary.side)
            text = self._own(self.ends[boundary.key], f"{end}[None]" if self.one else end)
            self.last += self._line(boundary.key, text)
        if self.program.loss:
            self.last += [
                "if scale != 1:",
                f"{INDENT}scale = np.asarray(scale, dtype)",
                f"{INDENT}gradients = {{key: gradient * scale for key, gradient in gradients.items()}}",
            ]
        self.last.append("return gradients")
        return lines

    def _own(self, operand: Operand, text: str) -> str:
        """A gradient shares no memory with another, with a cotangent, or with what the forward pass has kept."""
        is_shared = text in self.returned or self.places.of(operand) in self.places.homes.given
        self.returned.add(text)
        return f"{text}.copy()" if is_shared else text

    @property
    def one(self) -> bool:
        """Whether the form for one sample is written."""
        return self.calls.prepared.one

    def _line(self, key: str, text: str) -> list[str]:
        formula = self.program.formulas.get(key, "")
        return [*([f"# {formula}"] if formula else []), f'gradients["{key}"] = {text}']

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
        """The lines of one sum for all its left factors."""
        if not self.one:
            return self._accumulated(found, texts)
        if found.kind == "entrywise":
            for key, left in found.lefts:
                texts[key].append(f'np.einsum("tn,tn->n", {self.places.steps([left])}, {self._right(found)})')
            return []
        text = self._text(found)
        if len(found.lefts) == 1:
            texts[found.lefts[0][0]].append(text)
            return []
        name = self.calls.names.fresh("sums")
        for at, (key, _) in enumerate(found.lefts):
            texts[key].append(f"{name}[{at}]")
        return [f"{name} = {text}"]

    def _accumulated(self, found: Sum, texts: dict[str, list[str]]) -> list[str]:
        """Sums that grow with each window of steps."""
        left = found.operands[0]
        assert isinstance(left, At)
        right = "" if found.right is None else self._right(found)
        columns = f", {found.right.variable.size}" if found.kind == "outer" and isinstance(found.right, At) else ""
        name = self.calls.names.fresh("sums")
        self.first.append(f"{name} = np.zeros(({len(found.lefts)}, {left.variable.size}{columns}), dtype)")
        for at, (key, _) in enumerate(found.lefts):
            texts[key].append(f"{name}[{at}]")
        low, high = self.calls.low, self.calls.high
        if found.kind == "entrywise":
            views = [self.places.steps([one], low, high) for one in found.operands]
            return [f'{name}[{at}] += np.einsum("tbn,tbn->n", {one}, {right})' for at, one in enumerate(views)]
        view = self.places.steps(found.operands, low, high) + ("" if len(found.lefts) > 1 else "[:, None]")
        helper = "outer_many" if right else "summed_many"
        self.calls.prepared.helpers.add(helper)
        return [f"{helper}({view}, {right}, {name})" if right else f"{helper}({view}, {name})"]

    def _right(self, found: Sum) -> str:
        assert isinstance(found.right, At)
        return self.places.steps([found.right], self.calls.low, self.calls.high)

    def _text(self, found: Sum) -> str:
        """Σ left rightᵀ, or Σ left, of one sample; of several neighbours all of them."""
        left = self.places.steps(found.operands)
        if found.right is None:
            shape = f".reshape({self._size(found)})" if len(found.lefts) > 1 else ""
            return f"{left}.sum(axis=0){shape}"
        right = self.places.steps([found.right])
        if len(found.lefts) == 1:
            return f"np.dot({left}.T, {right})"
        return f"np.dot({left}.T, {right}).reshape({self._size(found)})"

    def _size(self, found: Sum) -> str:
        first = found.operands[0]
        assert isinstance(first, At)
        return f"{len(found.lefts)}, {first.variable.size}{', -1' if found.right is not None else ''}"

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
        text = f"np.dot({left}.T, {steps})"
        text += f".reshape({self._size(sums[0])})" if many else ""
        lines = [f"if {joined} is not None:", f"{INDENT}sums = {text}"]
        lines += [f"{INDENT}{name} = sums[{all_rows}{cut}]" for name, cut in zip(names, cuts, strict=False)]
        lines.append("else:")
        for name, found in zip(names, sums, strict=True):
            lines.append(f"{INDENT}{name} = {self._text(found)}")
            for at, (key, _) in enumerate(found.lefts):
                texts[key].append(f"{name}[{at}]" if many else name)
        return lines
