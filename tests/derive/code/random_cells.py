"""Cells drawn at random as documents, each with a naive evaluation at a step that knows nothing of `derive`."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np

FAMILIES = [
    "h",
    r"\tilde{h}",
    "c",
    "s",
    r"\hat{c}",
    "a^i",
    "a^f",
    r"\lambda",
    "r",
    r"\mathbf{z}",
    "in",
    "rows",
    "q",
    r"\Gamma",
]
PARAMETERS = ["W", "U_i", r"\Theta", "V", "P_f", r"\mathbf{Q}", "A", "K_2", "R", "G"]
COLUMNS = ["b", "b_i", "z_p", r"\beta", "w", "g", "d_2", r"\gamma", "half", "dtype", "l", "o"]


# --- expressions: a text, and a value at step t ----------------------------------------------------------------------


@dataclass
class Expr:
    """A column (or a scalar): its text, how tightly it binds (0 sum, 1 ⊙, 2 product, 3 atom), its value at a step."""

    size: str
    text: str
    binds: int
    value: object  # run, t -> array (probes, B, size)

    def at_least(self, binds):
        """The text, in brackets where it binds less tightly."""
        return self.text if self.binds >= binds else rf"\left( {self.text} \right)"


def erf(z):
    """erf of complex numbers whose imaginary parts are tiny."""
    real = np.vectorize(math.erf, otypes=[float])(z.real)
    return real + 2j / np.sqrt(np.pi) * np.exp(-(z.real**2)) * z.imag


def softmax(z):
    found = np.exp(z - z.real.max(axis=-1, keepdims=True))
    return found / found.sum(axis=-1, keepdims=True)


FUNCTIONS = {
    r"\tanh": np.tanh,
    r"\sigma": lambda z: 1 / (1 + np.exp(-z)),
    r"\operatorname{relu}": lambda z: z * (z.real > 0),
    r"\operatorname{LeakyReLU}": lambda z: z * np.where(z.real > 0, 1, 0.01),
    r"\operatorname{softplus}": lambda z: np.log(1 + np.exp(z)),
    r"\operatorname{GELU}": lambda z: z * (1 + erf(z / np.sqrt(2))) / 2,
    r"\operatorname{softmax}": softmax,
    r"\operatorname{swish}": lambda z: z / (1 + np.exp(-z)),
    r"\exp": lambda z: np.exp(z),
}
BOUNDED = [r"\tanh", r"\sigma", r"\tanh", r"\sigma", r"\operatorname{softmax}"]


@dataclass
class Family:
    name: str
    size: str
    layer: int
    carried: bool  # read at the neighbouring step
    seen: bool = False  # by the loss


@dataclass
class Cell:
    """A drawn cell: families in the order in which a step computes them, layers one after the other."""

    draw: random.Random
    inputs: dict[str, str] = field(default_factory=dict)  # sequences with their sizes
    families: list[Family] = field(default_factory=list)
    equations: list[tuple[Family, Expr]] = field(default_factory=list)
    matrices: dict[str, tuple[str, str]] = field(default_factory=dict)
    columns: dict[str, str] = field(default_factory=dict)
    directions: list[int] = field(default_factory=list)  # of each layer: 1 from step 1 on, -1 from step T back
    loss: str = ""
    loss_summand: Expr | None = None
    shuffled: list[int] = field(default_factory=list)

    # --- drawing -----------------------------------------------------------------------------------------------

    def make(self):
        draw = self.draw
        self.sizes = draw.sample(["n", "m", "p", "d_h"], draw.choice([1, 2, 2, 3]))
        self.inputs = {"x": draw.choice(self.sizes)}
        if draw.random() < 0.3:
            self.inputs["u"] = draw.choice([*self.sizes, "1"])
        self.directions = [draw.choice([1, 1, 1, -1]) for _ in range(draw.choice([1, 1, 1, 2, 2, 3]))]
        names = draw.sample(FAMILIES, draw.randint(2, 5))
        for name in names:
            layer = draw.randrange(len(self.directions))
            size = draw.choice([*self.sizes, *self.sizes, *self.sizes, *(["1"] if layer else [])])
            self.families.append(Family(name, size, layer, draw.random() < 0.5))
        self.families.sort(key=lambda one: one.layer)
        if not any(one.carried for one in self.families):
            self.families[0].carried = True
        for family in self.families:
            inner = self.expression(family.size, draw.choice([1, 2, 2, 3]), family)
            self.equations.append((family, self.bounded(self.with_input(family, inner))))
        self.choose_loss()
        self.shuffled = draw.sample(range(len(self.equations)), len(self.equations))
        return self

    def with_input(self, family, inner):
        """The formula with an input added: what says how many steps there are."""
        if family is not self.families[0]:
            return inner
        found = self.matrix(family.size, self.inputs["x"])
        x = self.input("x")
        return Expr(
            family.size,
            f"{inner.at_least(1)} + {found[0]} {x.text}",
            0,
            lambda run, t: inner.value(run, t) + found[1](run, x.value(run, t)),
        )

    def bounded(self, inner):
        """An equation of the family: mostly a bounded function, or a convex mix, sometimes the formula itself."""
        draw = self.draw
        if draw.random() < 0.25:
            return inner
        return self.applied(draw.choice(BOUNDED if inner.size != "1" else BOUNDED[:4]), inner)

    def choose_loss(self):
        draw = self.draw
        kind = draw.choice(["each", "each", "last", "formula", "each two"])
        seen = draw.sample(self.families, min(len(self.families), 2 if kind == "each two" else 1))
        if kind == "formula":
            self.loss = "formula"
            size = seen[0].size
            read = self.read(seen[0], 0)
            self.inputs["y"] = size
            target = self.input("y")
            power = Expr(
                "1",
                rf"\|{read.text} - {target.text}\|^2" if size != "1" else f"{read.text} {target.text} {target.text}",
                2,
                lambda run, t: (
                    ((read.value(run, t) - target.value(run, t)) ** 2).sum(axis=-1, keepdims=True)
                    if size != "1"
                    else read.value(run, t) * target.value(run, t) ** 2
                ),
            )
            weight = None
            if draw.random() < 0.5:
                self.inputs[r"\mu"] = "1"
                weight = self.input(r"\mu")
            dot = self.dotted(read, target) if draw.random() < 0.3 and size != "1" else power
            self.loss_summand = dot if weight is None else self.product_of_scalars(weight, dot)
            return
        self.loss = f"loss({', '.join(f'{kind.split()[0]} {one.name}' for one in seen)})"

    def product_of_scalars(self, a, b):
        return Expr("1", f"{a.at_least(2)} {b.at_least(2)}", 2, lambda run, t: a.value(run, t) * b.value(run, t))

    # --- leaves ------------------------------------------------------------------------------------------------

    def read(self, family, shift):
        written = {0: "t", -1: "t-1", 1: "t+1"}[shift]
        return Expr(
            family.size, rf"{indexed(family.name, written)}", 3, lambda run, t: run.state(family.name, t + shift)
        )

    def input(self, name):
        return Expr(self.inputs[name], indexed(name, "t"), 3, lambda run, t: run.state(name, t))

    def column(self, size):
        draw = self.draw
        known = [name for name, one in self.columns.items() if one == size]
        if known and draw.random() < 0.4:
            name = draw.choice(known)
        else:
            name = draw.choice([one for one in COLUMNS if one not in self.columns] or known or [""])
            if not name:
                return self.input("x") if self.inputs["x"] == size else None
            self.columns[name] = size
        return Expr(size, name, 3, lambda run, t: run.parameter(name)[:, None, :])

    def matrix(self, rows, columns):
        """A parameter with this shape, or the transpose of one with the other: text, and what it does to a value."""
        draw = self.draw
        known = [(n, False) for n, shape in self.matrices.items() if shape == (rows, columns)]
        known += [(n, True) for n, shape in self.matrices.items() if shape == (columns, rows)]
        free = [one for one in PARAMETERS if one not in self.matrices]
        if known and (not free or draw.random() < 0.35):
            name, turned = draw.choice(known)
        elif free:
            name, turned = draw.choice(free), draw.random() < 0.2
            self.matrices[name] = (columns, rows) if turned else (rows, columns)
        else:
            return None
        axes = "pjk,pbj->pbk" if turned else "pkj,pbj->pbk"
        text = rf"{name}^\top" if turned else name
        return text, lambda run, value: np.einsum(axes, run.parameter(name), value)

    def leaf(self, size, family):
        """What a formula of this family may read at step t."""
        draw = self.draw
        place = self.families.index(family)
        now = [one for one in self.families[:place] if one.size == size]
        back = -self.directions[family.layer]
        then = [one for one in self.families if one.layer == family.layer and one.carried and one.size == size]
        found = [self.read(one, 0) for one in now] + 2 * [self.read(one, back) for one in then]
        found += [self.input(name) for name, one in self.inputs.items() if one == size]
        if not found or draw.random() < 0.12:
            return self.column(size) or self.ones(size)
        return draw.choice(found)

    def ones(self, size):
        if size == "1":
            return Expr("1", "1", 3, lambda run, t: run.number(1.0, 1))
        return Expr(size, r"\mathbf{1}", 3, lambda run, t: run.number(1.0, run.length(size)))

    # --- nodes -------------------------------------------------------------------------------------------------

    def expression(self, size, depth, family):
        draw = self.draw
        if depth == 0:
            return self.leaf(size, family)
        sub = lambda wanted=size, less=1: self.expression(wanted, max(0, depth - less), family)  # noqa: E731
        rules = [self.sum, self.sum, self.sum, self.hadamard, self.hadamard, self.product, self.product, self.product]
        rules += [self.scaled, self.function, self.gate, self.power, self.of_scalar, self.quotient, self.two_matrices]
        rules += [self.summed_matrices, self.mean, self.gated_product]
        for _ in range(20):
            found = draw.choice(rules)(size, sub)
            if found is not None:
                return found
        return self.leaf(size, family)

    def sum(self, size, sub):
        terms = [sub() for _ in range(self.draw.choice([2, 2, 3, 4]))]
        signs = [1, *(self.draw.choice([1, 1, -1]) for _ in terms[1:])]
        text = terms[0].at_least(1) + "".join(
            f" {'+' if sign > 0 else '-'} {term.at_least(1)}" for sign, term in zip(signs[1:], terms[1:], strict=True)
        )
        return Expr(
            size, text, 0, lambda run, t: sum(sign * one.value(run, t) for sign, one in zip(signs, terms, strict=True))
        )

    def hadamard(self, size, sub):
        factors = [sub() for _ in range(self.draw.choice([2, 2, 3]))]

        def value(run, t):
            found = factors[0].value(run, t)
            for one in factors[1:]:
                found = found * one.value(run, t)
            return found

        if size == "1":
            return Expr(size, " ".join(one.at_least(3) for one in factors), 2, value)
        return Expr(size, r" \odot ".join(one.at_least(2) for one in factors), 1, value)

    def product(self, size, sub):
        inner = self.draw.choice(self.sizes)
        if size == "1":
            return self.dotted(sub(inner), sub(inner))
        found = self.matrix(size, inner)
        if found is None:
            return None
        text, act = found
        operand = sub(inner)
        return Expr(size, f"{text} {operand.at_least(3)}", 2, lambda run, t: act(run, operand.value(run, t)))

    def dotted(self, left, right):
        return Expr(
            "1",
            rf"{left.at_least(3) if left.binds < 3 else left.text}^\top {right.at_least(3)}"
            if left.binds < 3
            else rf"{transposed(left.text)} {right.at_least(3)}",
            2,
            lambda run, t: (left.value(run, t) * right.value(run, t)).sum(axis=-1, keepdims=True),
        )

    def gated_product(self, size, sub):
        """a ⊙ (M v): the old reset gate."""
        made = self.product(size, sub)
        if made is None or size == "1":
            return None
        gate = sub()
        return Expr(
            size,
            rf"{gate.at_least(2)} \odot \left( {made.text} \right)",
            1,
            lambda run, t: gate.value(run, t) * made.value(run, t),
        )

    def two_matrices(self, size, sub):
        if size == "1":
            return None
        middle, inner = self.draw.choice(self.sizes), self.draw.choice(self.sizes)
        first, second = self.matrix(size, middle), self.matrix(middle, inner)
        if first is None or second is None:
            return None
        operand = sub(inner)
        return Expr(
            size,
            f"{first[0]} {second[0]} {operand.at_least(3)}",
            2,
            lambda run, t: first[1](run, second[1](run, operand.value(run, t))),
        )

    def summed_matrices(self, size, sub):
        if size == "1":
            return None
        inner = self.draw.choice(self.sizes)
        first, second = self.matrix(size, inner), self.matrix(size, inner)
        if first is None or second is None:
            return None
        operand = sub(inner)

        def value(run, t):
            found = operand.value(run, t)
            return first[1](run, found) + second[1](run, found)

        return Expr(size, rf"\left( {first[0]} + {second[0]} \right) {operand.at_least(3)}", 2, value)

    def scaled(self, size, sub):
        text, factor = self.draw.choice([("2", 2), (r"\frac{1}{2}", 0.5), (r"\frac{2}{3}", 2 / 3), ("-", -1)])
        inner = sub()
        return Expr(size, f"{text} {inner.at_least(3)}", 0, lambda run, t: factor * inner.value(run, t))

    def function(self, size, sub):
        name = self.draw.choice([one for one in FUNCTIONS if size != "1" or "softmax" not in one])
        return self.applied(r"\tanh" if name == r"\exp" else name, sub())

    def applied(self, name, inner):
        return Expr(
            inner.size, rf"{name}\left( {inner.text} \right)", 3, lambda run, t: FUNCTIONS[name](inner.value(run, t))
        )

    def gate(self, size, sub):
        """(1 - z) ⊙ a + z ⊙ b."""
        z, a, b = sub(), sub(), sub()
        dot = " " if size == "1" else r" \odot "
        text = rf"\left( 1 - {z.at_least(1)} \right){dot}{a.at_least(3)} + {z.at_least(3)}{dot}{b.at_least(3)}"

        def value(run, t):
            gate = z.value(run, t)
            return (1 - gate) * a.value(run, t) + gate * b.value(run, t)

        return Expr(size, text, 0, value)

    def power(self, size, sub):
        inner, exponent = sub(), self.draw.choice([2, 2, 3])
        if "1" in (size, inner.size):
            return Expr(size, f"{inner.at_least(3)} {inner.at_least(3)}", 2, lambda run, t: inner.value(run, t) ** 2)
        return Expr(size, rf"\left( {inner.text} \right)^{exponent}", 3, lambda run, t: inner.value(run, t) ** exponent)

    def of_scalar(self, size, sub):
        """(vᵀ w) u."""
        if size == "1":
            return None
        scalar, inner = self.applied(r"\tanh", sub("1")), sub()
        return Expr(
            size,
            f"{scalar.at_least(3)} {inner.at_least(3)}",
            2,
            lambda run, t: scalar.value(run, t) * inner.value(run, t),
        )

    def quotient(self, size, sub):
        """a / (1 + b²), a / √(1 + b²)."""
        a, b = sub(), sub()
        rooted = self.draw.random() < 0.5
        below = rf"1 + \left( {b.text} \right)^2"
        text = rf"\frac{{{a.text}}}{{\sqrt{{{below}}}}}" if rooted else rf"\frac{{{a.text}}}{{{below}}}"

        def value(run, t):
            found = 1 + b.value(run, t) ** 2
            return a.value(run, t) / (np.sqrt(found) if rooted else found)

        return Expr(size, text, 3, value)

    def mean(self, size, sub):
        """v - (1/n) 1 1ᵀ v, or the mean itself where a scalar is asked for."""
        inner = sub(size if size != "1" else self.draw.choice(self.sizes))
        of = inner.size
        mean = rf"\frac{{1}}{{{of}}} \mathbf{{1}}^\top {inner.at_least(3)}"
        if size == "1":
            return Expr("1", mean, 2, lambda run, t: inner.value(run, t).mean(axis=-1, keepdims=True))

        def value(run, t):
            found = inner.value(run, t)
            return found - found.mean(axis=-1, keepdims=True)

        return Expr(
            size,
            rf"{inner.at_least(1)} - \frac{{1}}{{{of}}} \mathbf{{1}} \mathbf{{1}}^\top {inner.at_least(3)}",
            0,
            value,
        )

    # --- the document ------------------------------------------------------------------------------------------

    def document(self):
        """The cell as a document with given equations."""
        symbols = {indexed(name, "t"): size for name, size in self.inputs.items()}
        symbols |= {indexed(one.name, "t"): one.size for one in self.families}
        symbols |= {name: f"{a} x {b}" for name, (a, b) in self.matrices.items()} | self.columns
        symbols |= {r"\sigma": "sigmoid"}
        equations = [f"{indexed(one.name, 't')} = {expr.text}" for one, expr in self.equations]
        equations = [equations[place] for place in self.shuffled]
        if any("swish" in one for one in equations):
            symbols |= {"swish": "elementwise", "v": "n"}
            equations.append(r"\operatorname{swish}(v) = v \odot \sigma(v)")
        if self.loss == "formula":
            symbols["E"] = "1"
            equations.append(rf"E = \sum_{{t=1}}^{{T}} {self.loss_summand.at_least(2)}")
        else:
            symbols["E"] = self.loss
        lines = ["# A drawn cell", "", "```backproof", "symbols:"]
        lines += [f"  '{name}': {kind}" for name, kind in symbols.items()]
        lines += ["time: 1..T", f"given: [{', '.join(f'g{at}' for at in range(len(equations)))}]", "```", ""]
        for at, one in enumerate(equations):
            lines += [rf"$${one} \tag{{g{at}}}$$", ""]
        return "\n".join(lines)


def indexed(name, index):
    """A family's name with its index: in the subscript."""
    return f"{name}_{{{index}}}" if index != "t" else f"{name}_t"


def transposed(text):
    """vᵀ of a name with or without a superscript."""
    return rf"{{{text}}}^\top" if "^" in text else rf"{text}^\top"


def drawn_cell(seed):
    """A cell by its seed."""
    return Cell(random.Random(seed)).make()
