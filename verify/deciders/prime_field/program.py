"""A claim compiled once: every node becomes a function (scope, steps) → jet, so an evaluation touches no SymPy.

`COMPILE` has one function for each node type of the language. What a node means is `docs/language.md`; derivatives
are taken by perturbing members (`scope`), never symbolically.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sympy as sp
from sympy.matrices.expressions.hadamard import HadamardPower, HadamardProduct

from derive.language import nodes
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Gradient, Jacobian
from derive.language.nodes import Member, split_size
from derive.language.shapes import NODE_TYPES, axes, component_letters, is_coefficient
from derive.language.show import show
from derive.model import Model
from verify.claim import Assumption, Claim
from verify.deciders.prime_field import functions, jets
from verify.deciders.prime_field.coefficients import arithmetic, at_steps
from verify.deciders.prime_field.fields import word
from verify.deciders.prime_field.jets import Axis, Jet, Value
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.problems import LimitReached, Unsupported
from verify.deciders.prime_field.scope import Env, Key, Rule, Scope, Shape, System, Thunk

DRAWN = ("sum_one", "symmetric", "diagonal", "zero")  # assumptions that inputs are drawn to meet
DENSE = ("bound", "invertible", "positive", "nonzero")  # an identity where they hold is one everywhere: none needed


@dataclass(frozen=True, eq=False)
class Program:
    """A compiled claim.

    `letters`: component letters and their axes, `free` those of the claim itself; `sorts`: the basic sizes of all
    axes that are no numbers; `symbols`: the size letters in them; `kinds`: the known functions that occur;
    `ignored`: assumptions that were not drawn so.
    """

    claim: Claim
    left: Thunk
    right: Thunk
    shape: Shape
    system: System
    letters: dict[str, Axis]
    sorts: tuple[Any, ...]
    symbols: tuple[str, ...]
    kinds: frozenset[str]
    ignored: tuple[str, ...]
    key: int
    limits: Limits


@lru_cache(maxsize=512)
def compiled(claim: Claim, limits: Limits) -> Program:
    """The program of a claim. Raises `Unsupported`, `LimitReached`."""
    if claim.relation != "=":
        raise Unsupported(f"the relation {claim.relation} is settled by numbers only")
    return Compiler(claim, limits).program()


def names_in(expr: Any) -> set[str]:
    """Names of members and symbols in a formula."""
    return {str(n.name) for n in sp.preorder_traversal(expr) if isinstance(n, Member | sp.MatrixSymbol)}


class Compiler:
    """Compiles one claim; collects letters, sizes and functions on the way."""

    def __init__(self, claim: Claim, limits: Limits) -> None:
        self.claim, self.model, self.limits = claim, claim.model, limits
        self.letters: dict[str, Axis] = {}
        self.bound: dict[str, Axis] = {str(k.name): v for k, v in claim.letters.items()}
        self.sizes: dict[Any, None] = {}
        self.kinds: set[str] = set()

    def program(self) -> Program:
        """The whole claim with its model."""
        claim = self.claim
        left, right = self(claim.left), self(claim.right)
        shape = axes(claim.left)
        used = self._used()
        rules = {name: rule for name, rule in self._rules(self.model).items() if name in used}
        kinds, ignored = self._assumptions(used)
        last = self.model.time.last
        system = System(
            rules,
            {name: loss.parts for name, loss in self.model.loss_by_name.items()},
            arithmetic(last),
            str(last.name) if isinstance(last, sp.Symbol) else None,
            kinds,
        )
        self._note(shape.rows + shape.cols)
        sorts = tuple(size for size in self.sizes if not size.is_Integer)
        symbols = {str(s.name) for size in self.sizes for s in size.free_symbols}
        return Program(
            claim=claim,
            left=left,
            right=right,
            shape=shape.plain,
            system=system,
            letters=dict(self.letters),
            sorts=tuple(sorted(sorts, key=str)),
            symbols=tuple(sorted(symbols)),
            kinds=frozenset(self.kinds),
            ignored=ignored,
            key=word(show(claim.left), show(claim.right)),
            limits=self.limits,
        )

    def __call__(self, expr: Any) -> Thunk:
        """The function that evaluates a formula."""
        kind = type(expr)
        make = COMPILE.get(kind) or next((m for base, m in COMPILE.items() if issubclass(kind, base)), None)
        if make is None:
            raise Unsupported(f"{kind.__name__} is no node of the formula language")
        return make(self, expr)

    def shape(self, expr: Any) -> Shape:
        """Rows and columns, noted."""
        found = axes(expr)
        self._note(found.rows + found.cols)
        return found.plain

    def _note(self, axis: Axis) -> None:
        self.sizes.update(dict.fromkeys(axis))

    def letter(self, symbol: Any) -> str:
        """The name of a component letter, with its axis noted."""
        if not isinstance(symbol, sp.Symbol):
            raise Unsupported(f"the component index {symbol} is no letter")
        name = str(symbol.name)
        if name not in self.bound:
            raise Unsupported(f"nothing says over what {name} runs")
        axis = self.bound[name]
        self._note(axis)
        if self.letters.setdefault(name, axis) != axis:
            raise Unsupported(f"the component letter {name} runs over two axes")
        return name

    def _used(self) -> set[str]:
        """All names that the claim can reach."""
        found: set[str] = set()
        todo = names_in(self.claim.left) | names_in(self.claim.right)
        while todo:
            name = todo.pop()
            if name in found:
                continue
            found.add(name)
            if name in self.model.by_name:
                todo |= names_in(self.model.by_name[name].right)
            if name in self.model.loss_by_name:
                todo |= {part for part, _ in self.model.loss_by_name[name].parts}
        return found

    def _rules(self, model: Model) -> dict[str, Rule]:
        used = self._used()
        found: dict[str, Rule] = {}
        for equation in model.equations:
            if equation.name not in used:
                continue
            first = model.time.first if equation.first is None else equation.first
            last = model.time.last if equation.last is None else equation.last
            found[equation.name] = Rule(
                None if equation.index is None else str(equation.index.name),
                arithmetic(sp.sympify(first)),
                arithmetic(sp.sympify(last)),
                self(equation.right),
                self.shape(equation.left),
            )
        return found

    def _assumptions(self, used: set[str]) -> tuple[dict[tuple[str, int | None], str], tuple[str, ...]]:
        drawn: dict[tuple[str, int | None], str] = {}
        ignored: list[str] = []
        for assumption in self.claim.assumptions:
            if not names_in(assumption.subject) & used or assumption.kind in DENSE:
                continue
            key = self._drawn_key(assumption)
            if key is None or key in drawn:
                ignored.append(assumption.kind)
            else:
                drawn[key] = assumption.kind
        return drawn, tuple(ignored)

    def _drawn_key(self, assumption: Assumption) -> tuple[str, int | None] | None:
        """Which input an assumption shapes; None where it cannot be drawn so."""
        subject = assumption.subject
        if assumption.kind not in DRAWN or not isinstance(subject, Member | sp.MatrixSymbol):
            return None
        if self.model.equation_of(subject) is not None and not _is_before(subject, self.model):
            return None
        if assumption.kind == "sum_one" and not axes(subject).is_vector:
            return None
        is_fixed = isinstance(subject, Member) and subject.indices and subject.time.is_Integer
        return str(subject.name), int(subject.time) if is_fixed else None


def _is_before(subject: Any, model: Model) -> bool:
    """s_0: a member at a fixed step before its equation's first."""
    made = model.produced(str(subject.name))
    return bool(made is not None and subject.time.is_Integer and made[0].is_Integer and subject.time < made[0])


# --- one function a node ---------------------------------------------------------------------------------------


def of_name(c: Compiler, expr: Any) -> Thunk:
    """A symbol or member: its value in the scope."""
    shape = c.shape(expr)
    name = str(expr.name)
    if isinstance(expr, sp.MatrixSymbol) or not expr.indices:
        fixed: Key = (name, ())
        return lambda scope, env: scope.member(fixed, shape)
    if len(expr.indices) == 1:
        at = arithmetic(expr.time)
        return lambda scope, env: scope.member((name, (at(env),)), shape)
    places = [arithmetic(index) for index in expr.indices]
    return lambda scope, env: scope.member((name, tuple(place(env) for place in places)), shape)


def of_identity(c: Compiler, expr: Any) -> Thunk:
    """I."""
    rows, _ = c.shape(expr)
    return lambda scope, env: {0: scope.run.algebra.identity(rows)}


def of_zero(c: Compiler, expr: Any) -> Thunk:
    """0 has no coefficients."""
    c.shape(expr)
    return lambda scope, env: {}


def of_ones(c: Compiler, expr: Any) -> Thunk:
    """The matrix of ones."""
    rows, cols = c.shape(expr)
    return lambda scope, env: {0: scope.run.algebra.ones(rows, cols)}


def of_commutation(c: Compiler, expr: nodes.Commutation) -> Thunk:
    """K vec(A) = vec(Aᵀ)."""
    c.shape(expr)
    n, m = (split_size(size) for size in expr.args)
    return lambda scope, env: {0: scope.run.algebra.commutation(n, m)}


def of_sum(c: Compiler, expr: Any) -> Thunk:
    """A + B + …."""
    terms = [c(term) for term in expr.args]
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        found: Jet = {}
        for term in terms:
            found = jets.add(scope.run.algebra, found, term(scope, env))
        return found

    return run


def of_product(c: Compiler, expr: Any) -> Thunk:
    """c A B …: from the right where the product ends in a column, from the left otherwise."""
    numbers = [at_steps(f, c.limits.bits) for f in expr.args if is_coefficient(f)]
    formulas = [f for f in expr.args if not is_coefficient(f)]
    factors = [c(f) for f in formulas]
    shapes = [c.shape(f) for f in formulas]
    joined = [shape[0] for shape in shapes[1:]]
    from_right = not shapes[-1][1] and bool(shapes[0][0])

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        values = [factor(scope, env) for factor in factors]
        found = _fold(algebra, values, joined, from_right)
        for number in numbers:
            by = number(env)
            found = {mask: algebra.times(by, value) for mask, value in found.items()}
        return found

    return run


def _fold(algebra: jets.Algebra, values: list[Jet], joined: list[Axis], from_right: bool) -> Jet:
    if not all(values):
        return {}
    found = values[-1 if from_right else 0]
    places = range(len(joined) - 1, -1, -1) if from_right else range(len(joined))
    for place in places:
        axis = joined[place]

        def multiply(x: Value, y: Value, axis: Axis = axis) -> Value:
            return algebra.matmul(x, y, axis)

        pair = (values[place], found) if from_right else (found, values[place + 1])
        found = jets.bilinear(algebra, multiply, *pair)
    return found


def _linear(method: str, *more: Any) -> Callable[[Compiler, Any], Thunk]:
    def make(c: Compiler, expr: Any) -> Thunk:
        inner = c(expr.args[0])
        c.shape(expr)

        def run(scope: Scope, env: Env) -> Jet:
            operation = getattr(scope.run.algebra, method)
            return {mask: operation(value) for mask, value in inner(scope, env).items()}

        return run

    return make


of_transpose = _linear("transpose")  # Aᵀ
of_diag = _linear("diag")  # diag(v)
of_collect = _linear("collect")  # back axes become rows and columns


def of_vec(c: Compiler, expr: nodes.Vec) -> Thunk:
    """vec A."""
    inner, order = c(expr.matrix), expr.order
    c.shape(expr)
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.vec(a, order), inner(scope, env))


def of_trace(c: Compiler, expr: nodes.Tr) -> Thunk:
    """tr A."""
    inner, (axis, _) = c(expr.args[0]), c.shape(expr.args[0])
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.trace(a, axis), inner(scope, env))


def of_hadamard(c: Compiler, expr: Any) -> Thunk:
    """A ⊙ B ⊙ …."""
    factors = [c(factor) for factor in expr.args]
    rows, cols = c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        found = factors[0](scope, env)
        for factor in factors[1:]:
            found = jets.bilinear(algebra, lambda x, y: algebra.hadamard(x, y, rows, cols), found, factor(scope, env))
        return found

    return run


def of_hadamard_power(c: Compiler, expr: Any) -> Thunk:
    """A to a whole power entry by entry; a negative one is a power of the reciprocal."""
    inner, (rows, cols) = c(expr.args[0]), c.shape(expr)
    exponent = _exponent(c, expr.args[1], expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra, power = scope.run.algebra, exponent(env)
        if power == 0:
            return {0: algebra.ones(rows, cols)}
        value = inner(scope, env)
        if power < 0:
            memo = scope.run.memo(id(run), env)
            value = functions.apply(algebra, "reciprocal", "reciprocal", 0, value, rows, cols, memo)
        found = value
        for _ in range(abs(power) - 1):
            found = jets.bilinear(algebra, lambda x, y: algebra.hadamard(x, y, rows, cols), found, value)
        return found

    return run


def _exponent(c: Compiler, expr: Any, whole: Any) -> Callable[[Env], int]:
    at, limit = arithmetic(sp.sympify(expr)), c.limits.exponent

    def exponent(env: Env) -> int:
        power = at(env)
        if power != int(power):
            raise Unsupported(f"the exponent of {show(whole)} is no integer")
        if abs(power) > limit:
            raise LimitReached(f"the exponent {power}; the limit is {limit}")
        return int(power)

    return exponent


def of_power(c: Compiler, expr: nodes.Power) -> Thunk:
    """A^e, e ≥ 0: a repeated product."""
    inner, (axis, _) = c(expr.base), c.shape(expr)
    exponent = _exponent(c, expr.exponent, expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra, power = scope.run.algebra, exponent(env)
        if power < 0:
            raise Unsupported(f"the negative power {show(expr)}")
        if power == 0:
            return {0: algebra.identity(axis)}
        return _fold(algebra, [inner(scope, env)] * power, [axis] * (power - 1), False)

    return run


def of_elementwise(c: Compiler, expr: nodes.Elementwise) -> Thunk:
    """f⁽ᵏ⁾(A)."""
    inner, (rows, cols) = c(expr.argument), c.shape(expr)
    kind, name, order = expr.kind, expr.name, expr.order
    if kind != "opaque":
        c.kinds.add(kind)

    return _application(inner, kind, name, order, rows, cols)


def _application(inner: Thunk, kind: str, name: str, order: int, rows: Axis, cols: Axis) -> Thunk:
    def run(scope: Scope, env: Env) -> Jet:
        memo = scope.run.memo(id(run), env)
        return functions.apply(scope.run.algebra, kind, name, order, inner(scope, env), rows, cols, memo)

    return run


def of_softmax(c: Compiler, expr: nodes.Softmax) -> Thunk:
    """softmax(z)."""
    inner, (rows, cols) = c(expr.argument), c.shape(expr)
    c.kinds.add("softmax")
    return _application(inner, "softmax", "softmax", 0, rows, cols)


def of_kronecker(c: Compiler, expr: nodes.Kronecker) -> Thunk:
    """A ⊗ B."""
    left, right = (c(factor) for factor in expr.args)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        return jets.bilinear(algebra, algebra.kron, left(scope, env), right(scope, env))

    return run


def of_scale(c: Compiler, expr: nodes.Scale) -> Thunk:
    """c A."""
    scalar, matrix = (c(part) for part in expr.args)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        algebra = scope.run.algebra
        return jets.bilinear(algebra, algebra.scale, scalar(scope, env), matrix(scope, env))

    return run


def of_norm(c: Compiler, expr: nodes.Norm) -> Thunk:
    """‖A‖ is analytic."""
    raise Unsupported(f"the norm {show(expr)} is settled by numbers only")


def of_time_sum(c: Compiler, expr: nodes.TimeSum) -> Thunk:
    """Σ over steps, term by term; an empty one is 0."""
    body, steps, name = c(expr.body), _range(c, expr), str(expr.index.name)
    c.shape(expr)

    def run(scope: Scope, env: Env) -> Jet:
        found: Jet = {}
        for k in steps(env):
            found = jets.add(scope.run.algebra, found, body(scope, {**env, name: k}))
        return found

    return run


def of_time_product(c: Compiler, expr: nodes.TimeProduct) -> Thunk:
    """Π over steps; descending puts the highest step leftmost; an empty one is I."""
    body, steps, name = c(expr.body), _range(c, expr), str(expr.index.name)
    axis, _ = c.shape(expr)
    is_descending = expr.direction == "descending"

    def run(scope: Scope, env: Env) -> Jet:
        values = [body(scope, {**env, name: k}) for k in steps(env)]
        if not values:
            return {0: scope.run.algebra.identity(axis)}
        values = values[::-1] if is_descending else values
        return _fold(scope.run.algebra, values, [axis] * (len(values) - 1), False)

    return run


def _range(c: Compiler, expr: Any) -> Callable[[Env], range]:
    lo, hi, limit = arithmetic(expr.lo), arithmetic(expr.hi), c.limits.steps

    def steps(env: Env) -> range:
        first, last = int(lo(env)), int(hi(env))
        if last < first - 1:
            raise Unsupported(f"the range {first}..{last} of {show(expr)} is below empty")
        if last - first >= limit:
            raise LimitReached(f"{last - first + 1} steps in one sum or product; the limit is {limit}")
        return range(first, last + 1)

    return steps


def of_component(c: Compiler, expr: nodes.Component) -> Thunk:
    """[A]_ij."""
    inner = c(expr.matrix)
    c.shape(expr.matrix)
    row, col = (None if letter is None else c.letter(letter) for letter in (expr.row, expr.col))
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.component(a, row, col), inner(scope, env))


def of_delta(c: Compiler, expr: nodes.Delta) -> Thunk:
    """δ_ij."""
    i, j = (c.letter(letter) for letter in expr.args)
    return lambda scope, env: {0: scope.run.algebra.delta(i, j)}


def of_component_sum(c: Compiler, expr: nodes.ComponentSum) -> Thunk:
    """Σ_i over a component letter."""
    outer, inside = c.bound, component_letters(expr.body)
    if expr.letter not in inside:
        raise Unsupported(f"nothing says over what {expr.letter} runs in {show(expr)}")
    c.bound = {**outer, str(expr.letter.name): inside[expr.letter]}
    body, letter = c(expr.body), c.letter(expr.letter)
    c.bound = outer
    c.shape(expr)
    return lambda scope, env: jets.linear(lambda a: scope.run.algebra.component_sum(a, letter), body(scope, env))


def _derivative(close: Callable[[Any, Value, int, Shape, str], Value]) -> Callable[[Compiler, Any], Thunk]:
    """∂what/∂by: evaluate `what` where `by` moves, take the coefficient of its ε, lay the directions out."""

    def make(c: Compiler, expr: Any) -> Thunk:
        target, order = (expr.by.matrix, expr.by.order) if isinstance(expr.by, nodes.Vec) else (expr.by, "row")
        if not isinstance(target, Member | sp.MatrixSymbol):
            raise Unsupported(f"a derivative by {show(expr.by)}, which is no symbol or member")
        what, shape, key = c(expr.what), c.shape(target), _key(target)
        c.shape(expr)
        held = _held(c, expr, target)

        def run(scope: Scope, env: Env) -> Jet:
            by = key(env)
            inside = what(scope.perturbed(by, shape, held(env, by)), env)
            bit, algebra = 1 << scope.level, scope.run.algebra
            return {
                mask ^ bit: close(algebra, value, scope.level, shape, order)
                for mask, value in inside.items()
                if mask & bit
            }

        return run

    return make


def _key(target: Any) -> Callable[[Env], Key]:
    name = str(target.name)
    places = [arithmetic(index) for index in getattr(target, "indices", ())]
    return lambda env: (name, tuple(place(env) for place in places))


Held = Callable[[Key], bool] | None


def _held(c: Compiler, expr: Any, target: Any) -> Callable[[Env, Key], Held]:
    """What a derivative holds fixed: nothing (total); other steps' members; all other members."""
    if expr.mode == "total":
        return lambda env, by: None
    if isinstance(target, Member) and target.indices:
        if str(getattr(expr.what, "name", "")) not in c.model.loss_by_name:
            raise Unsupported(f"{show(expr)}: the immediate derivative by a member is one of an opaque loss")
        loss = (str(expr.what.name), ())
        return lambda env, by: lambda key: key not in (by, loss)
    inner = expr.what
    while isinstance(inner, nodes.Vec | sp.Transpose):
        inner = inner.args[0]
    if isinstance(inner, Member) and inner.indices:
        at = arithmetic(inner.time)
        return lambda env, by: _other_step(at(env))
    if isinstance(inner, Member | sp.MatrixSymbol) and c.model.equation_of(inner) is None:
        return lambda env, by: None
    raise Unsupported(f"{show(expr)}: the immediate derivative by a parameter is one of a member")


def _other_step(step: int) -> Callable[[Key], bool]:
    return lambda key: bool(key[1]) and key[1][-1] != step


of_jacobian = _derivative(lambda algebra, value, level, shape, order: algebra.jacobian(value, level, *shape, order))
of_gradient = _derivative(lambda algebra, value, level, shape, order: algebra.gradient(value, level, *shape))
of_family = _derivative(lambda algebra, value, level, shape, order: algebra.family(value, level, *shape))
of_block = _derivative(lambda algebra, value, level, shape, order: algebra.block(value, level, *shape))

COMPILE: dict[type, Callable[[Compiler, Any], Thunk]] = {
    sp.MatrixSymbol: of_name,
    sp.Identity: of_identity,
    sp.ZeroMatrix: of_zero,
    sp.OneMatrix: of_ones,
    sp.MatAdd: of_sum,
    sp.MatMul: of_product,
    sp.Transpose: of_transpose,
    HadamardProduct: of_hadamard,
    HadamardPower: of_hadamard_power,
    Member: of_name,
    nodes.Elementwise: of_elementwise,
    nodes.Softmax: of_softmax,
    nodes.Diag: of_diag,
    nodes.Vec: of_vec,
    nodes.Commutation: of_commutation,
    nodes.Kronecker: of_kronecker,
    nodes.Scale: of_scale,
    nodes.Tr: of_trace,
    nodes.Norm: of_norm,
    nodes.Power: of_power,
    nodes.TimeSum: of_time_sum,
    nodes.TimeProduct: of_time_product,
    nodes.Component: of_component,
    nodes.Delta: of_delta,
    nodes.ComponentSum: of_component_sum,
    Jacobian: of_jacobian,
    Gradient: of_gradient,
    BlockJacobian: of_block,
    FamilyDerivative: of_family,
    Collect: of_collect,
}

MISSING = frozenset(NODE_TYPES) - frozenset(COMPILE)
