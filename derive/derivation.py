"""A derivation: what was asked, the closed formula, and every step between them as a checkable claim."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property, wraps
from typing import Any

import sympy as sp

from derive.errors import BackproofError, RuleError
from derive.language.build import transpose
from derive.language.derivatives import BlockJacobian, FamilyDerivative, Jacobian, slot_of, variable_of
from derive.language.laws import PLACE, laws_in
from derive.language.nodes import Application, Elementwise, Member, Softmax, Vec
from derive.language.shapes import axes
from derive.language.show import show
from derive.language.substitute import free_letters
from derive.model import Equation, Model, members
from derive.rules.dependence import Dependence, check_causal, check_shifts
from derive.rules.differential import Setting, rule_for
from derive.rules.logistic import slope_of_sigmoid
from derive.rules.rewriting import Rule, Step, everywhere, open_nodes, replaced, step
from derive.rules.simplify import simplified

Bounds = tuple[sp.Symbol, sp.Expr, sp.Expr]  # a free step letter and its range
Order = tuple[sp.Expr, str, sp.Expr]  # left < right or left <= right


@dataclass(frozen=True, repr=False)
class Derivation:
    """left = right, found by `steps`; each step's before and after are formulas of the language.

    `definitions` are the names for derivatives that the formulas use (δ_t = ∂E/∂Net_t), as equations for the
    model; `conditions` say where a symbolic step may lie (k < t); `assumptions` are pairs (formula, value).
    `name` is the id under which documents and reports know it.
    """

    left: Any
    right: Any
    steps: tuple[Step, ...]
    model: Model
    definitions: tuple[Equation, ...] = ()
    conditions: tuple[Order, ...] = ()
    assumptions: tuple[tuple[Any, Any], ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        left, right = axes(self.left), axes(self.right)
        if left != right:
            raise RuleError(f"{show(self.left)} is {left}, but what was derived, {show(self.right)}, is {right}")

    @cached_property
    def model_with_definitions(self) -> Model:
        """The model in which left = right is claimed."""
        return with_definitions(self.model, self.definitions)

    @cached_property
    def indices(self) -> tuple[Bounds, ...]:
        """The free step letters beside the last step's own, each with the range of the model's steps."""
        last = self.model.time.last
        written = {m for side in (self.left, self.right) for m in members(side)}
        free = free_letters(self.left) | free_letters(self.right)
        letters = {s for m in written for s in free_letters(sp.Tuple(*m.indices))} & free - {last}
        first = sp.Integer(self.model.time.first)
        return tuple((letter, first, last) for letter in sorted(letters, key=str))

    @cached_property
    def hypotheses(self) -> tuple[tuple[Any, Any], ...]:
        """Rules that a user gave, as pairs f'(z) = rule: taken over unchecked (`verify.function` checks)."""
        formulas = [self.left, self.right, *(side for s in self.steps for side in (s.before, s.after))]
        formulas += [equation.right for equation in self.model.equations]
        laws = [law for law in laws_in(formulas) if law.slope is not None]
        return tuple((Elementwise(law.function, law, 1, PLACE), law.slope) for law in laws)

    def named(self, name: str) -> Derivation:
        """The same derivation under an id."""
        return replace(self, name=name)

    def latex(self) -> str:
        """`left = right` as LaTeX."""
        from derive.latex.printer import latex

        return f"{latex(self.left)} = {latex(self.right)}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _repr_html_(self) -> str:
        from derive.notebook import html_of_derivation

        return html_of_derivation(self)

    def __str__(self) -> str:
        return f"{show(self.left)} = {show(self.right)}"

    def __repr__(self) -> str:
        return f"<Derivation {self.name}: {self}>" if self.name else f"<Derivation {self}>"


def with_definitions(model: Model, definitions: tuple[Equation, ...]) -> Model:
    """A model that also knows these names for derivatives. Raises RuleError where a name already means something."""
    for equation in definitions:
        known = model.by_name.get(equation.name)
        if (known is not None and known.right != equation.at(known.left.time)) or (
            known is None and equation.name in _inputs(model)
        ):
            raise RuleError(
                f"the name {equation.name} already stands for something else in the model; give the gradient another"
            )
    new = tuple(equation for equation in definitions if equation.name not in model.by_name)
    return Model(model.equations + new, model.losses, model.time) if new else model


def _inputs(model: Model) -> set[str]:
    return {str(leaf.name) for equation in model.equations for leaf in equation.leaves}


def jacobian(model: Model, y: Any, x: Any, partial: str = "total", layout: str = "numerator") -> Derivation:
    """∂y/∂x of vectors (or vecs), entry (a, b) = ∂y_a/∂x_b; `layout="denominator"` gives its transpose.

    By a shared parameter (`x = vec(W)`) `partial="immediate"` holds the members of other steps than y's; the total
    one is a recurrence: it stops where y's family comes again. By a member at a symbolic distance (Net_t by Net_k)
    it is the product over the steps between. Raises `RuleError` where no rule applies, `ShapeError` where y or x
    is a matrix without vec.
    """
    _check_choice("partial", partial, ("total", "immediate"))
    _check_choice("layout", layout, ("numerator", "denominator"))
    x = _without_column_vec(x)
    node = Jacobian(y, x, _mode(y, x, partial))
    axes(node)
    if _is_distant(y, x):
        from derive.unroll import product_over_steps  # which asks for the Jacobian of one step in turn

        found = product_over_steps(model, y, x)
    else:
        found = differentiated(model, node)
    return found if layout == "numerator" else transposed(found)


def block(model: Model, y: Any, x: Any) -> Derivation:
    """[∂Y/∂x_ij], the block form: of X by itself it is vec(I) vec(I)ᵀ, not I ⊗ I."""
    return differentiated(model, BlockJacobian(y, x))


def family(model: Model, y: Any, x: Any, partial: str = "total") -> Derivation:
    """∂Y/∂X as a family of Y's shape, by one differential of y's equation: (∂W/∂W) s_{t-1} + W ∂s_{t-1}/∂W."""
    return differentiated(model, FamilyDerivative(y, x, _mode(y, x, partial)), once=y)


def differentiated(
    model: Model, node: Any, once: Any = None, within: Any = None, kept: frozenset[str] = frozenset()
) -> Derivation:
    """A derivative node followed through the rules until only recurrences are left.

    `once` is the only member whose equation is put in its place, where one is given; `within` the only step at which
    that is done, and `kept` the families that stay there too.
    """
    setting = replace(_setting(model, node, once), within=within, kept=kept)
    expr, steps = node, []
    while True:
        found = next(iter(open_nodes(expr, lambda n: _is_open(setting, n))), None)
        if found is None:
            break
        rule = rule_for(setting, found)
        assert rule is not None
        after = replaced(expr, found, rule(setting, found))
        steps.append(step([rule], expr, after))
        expr, tidy = simplified(after)
        steps.extend(tidy)
    expr, steps = folded(model, expr, steps)
    conditions = _produced(model, setting.followed, (node, expr))
    return Derivation(node, expr, tuple(_outside_the_language(steps)), model, conditions=conditions)


def _produced(model: Model, followed: list[Any], written: tuple[Any, ...]) -> tuple[Order, ...]:
    """2 <= t where s_{t-1} was replaced by its equation, which holds from the first step on: s_0 is an input.

    What follows from the letters' own range, or from the existence of a member that is written, is left out.
    """
    first = sp.Integer(model.time.first)
    lows = [(letter, low) for side in written for letter, low in _existence(model, side)]
    found: dict[Order, None] = {}
    for member in followed:
        made = model.produced(str(member.name))
        if made is None or not isinstance(member, Member):
            continue
        shift, letter = member.time.as_coeff_Add()
        known = [first, *(low for other, low in lows if other == letter)]
        if letter.is_Symbol and not any((low - made[0] + shift).is_nonnegative for low in known):
            found[(made[0] - shift, "<=", letter)] = None
    return tuple(found)


def _existence(model: Model, formula: Any) -> Iterator[tuple[Any, Any]]:
    """(letter, low) for every member of a formula that exists from letter = low on only."""
    for member in members(formula):
        shift, letter = member.time.as_coeff_Add()
        spans = model.spans(member.name)
        if spans and all(low.is_Integer for low, _ in spans):
            yield letter, min(low for low, _ in spans) - shift


def folded(model: Model, expr: Any, steps: list[Step]) -> tuple[Any, list[Step]]:
    """Softmaxes and sigmoids of a formula by the names that the model gives them, and what can be tidied then."""
    for rule in (name_of_softmax, slope_of_sigmoid):
        after = everywhere(_in(model, rule), expr)
        if after != expr:
            tidied, tidy = simplified(after)
            expr, steps = tidied, [*steps, step([rule], expr, after), *tidy]
    return expr, steps


def _in(model: Model, rule: Rule) -> Rule:
    """A rule that looks names up in a model, as a rule of nodes alone."""

    @wraps(rule)
    def applied(node: Any) -> Any:
        return rule(model, node)

    return applied


def name_of_softmax(model: Model, node: Any) -> Any:
    """A value is written by its name: softmax(z_k) is o_k where the model says so."""
    if not isinstance(node, Softmax) or not isinstance(node.argument, Member):
        return None
    for equation in model.forward:
        right = equation.right
        if equation.index is None or not isinstance(right, Softmax) or not isinstance(right.argument, Member):
            continue
        if node.argument.name == right.argument.name:
            return equation.left.at(node.argument.time - (right.argument.time - equation.index))
    return None


def transposed(derivation: Derivation) -> Derivation:
    """The same fact in the other layout: both sides transposed, transposes pushed inside products."""
    left = transpose(derivation.left)
    turned = [replace(s, before=transpose(s.before), after=transpose(s.after)) for s in derivation.steps]
    right, tidy = simplified(transpose(derivation.right))
    return replace(derivation, left=left, right=right, steps=(*turned, *tidy))


def _setting(model: Model, node: Any, once: Any) -> Setting:
    variable = node.by.matrix if isinstance(node.by, Vec) else node.by
    held = None
    if node.mode == "immediate":
        subject = node.what.matrix if isinstance(node.what, Vec) else node.what
        if not isinstance(subject, Member) or not subject.indices:
            raise RuleError(f"an immediate derivative is of a member, and {show(subject)} is none")
        held = subject.time
    if isinstance(variable, Member) and variable.indices:
        check_causal(model, node.what)
    elif model.equation_of(variable) is not None:
        raise RuleError(
            f"{show(variable)} is defined by an equation; differentiate by a parameter, an input or a member"
        )
    check_shifts(model)
    setting = Setting(model, node.by, node.mode, Dependence(model, variable, held), once is None)
    if once is not None:
        setting.unfolded.update({equation.name: once for equation in model.equations})
    return setting


def _is_open(setting: Setting, node: Any) -> bool:
    return (
        isinstance(node, Jacobian | BlockJacobian | FamilyDerivative)
        and node.by == setting.by
        and rule_for(setting, node) is not None
    )


def _outside_the_language(steps: list[Step]) -> list[Step]:
    """Steps whose formulas no text can write are joined into one."""
    joined: list[Step] = []
    for one in steps:
        if joined and _cannot_be_written(joined[-1].after):
            before = joined.pop()
            one = Step(_both(before.rule, one.rule), before.before, one.after, (*before.names, *one.names))
        joined.append(one)
    return joined


def _both(first: str, second: str) -> str:
    return "; ".join(dict.fromkeys([*first.split("; "), *second.split("; ")]))


def _cannot_be_written(expr: Any) -> bool:
    """∂⁺ of an operation, and the total derivative of F(a, b) by a, which as a text is the one by the slot."""
    found = open_nodes(expr, lambda n: isinstance(n, Jacobian | FamilyDerivative) and slot_of(n) is None)
    whats = [(n, n.what.matrix if isinstance(n.what, Vec) else n.what) for n in found]
    return any(
        (n.mode == "immediate" and not isinstance(what, Member | sp.MatrixSymbol))
        or (isinstance(what, Application) and variable_of(n.by) in what.arguments)
        for n, what in whats
    )


def _mode(y: Any, x: Any, partial: str) -> str:
    """Immediate concerns a member by a shared parameter only; every other derivative is total."""
    variable = x.matrix if isinstance(x, Vec) else x
    is_parameter = not (isinstance(variable, Member) and variable.indices)
    subject = y.matrix if isinstance(y, Vec) else y
    return partial if is_parameter and isinstance(subject, Member) and subject.indices else "total"


def _is_distant(y: Any, x: Any) -> bool:
    """Two members of one sequence at a distance that is no number."""
    are_members = all(isinstance(side, Member) and side.indices for side in (y, x))
    return are_members and bool((y.time - x.time).free_symbols)


def _without_column_vec(x: Any) -> Any:
    return x.matrix if isinstance(x, Vec) and axes(x.matrix).cols == () else x


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise BackproofError(f"{name} is one of {', '.join(choices)}, not {value!r}")
