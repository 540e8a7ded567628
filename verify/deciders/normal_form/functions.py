"""f⁽ᵏ⁾(A) as a factor, keyed by the normal form of its argument, and what is known of the known functions."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from fractions import Fraction
from itertools import combinations, permutations
from math import factorial
from typing import cast

from verify.deciders.normal_form.algebra import add, contract, scale
from verify.deciders.normal_form.canonical import collect, components
from verify.deciders.normal_form.partial_fractions import Shifted, shifted
from verify.deciders.normal_form.store import Memo, Store
from verify.deciders.normal_form.term import (
    Atom,
    Coefficient,
    Factor,
    Form,
    Function,
    LimitReached,
    Permutation,
    Term,
    Unsupported,
    constant,
    of_atom,
)

RECIPROCAL = Function("reciprocal", "reciprocal", 0)
STEP = Function("relu", "relu", 1)
SIGMOID = Function("sigmoid", "sigmoid", 0)
LOG = Function("log", "log", 0)
DENSITY = Function("normal density", "normal density", 0)
NORMAL = Function("normal cdf", "normal cdf", 0)
LEAK = Fraction(1, 100)
EXP = Function("exp", "exp", 0)


def named(name: str, kind: str, order: int) -> Function:
    """A function by name; two names of one known kind are one function."""
    return Function(name if kind == "opaque" else kind, kind, order)


class LawBook:
    """Functions of forms for one store, and the laws that products of their atoms obey."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.inverses: dict[int, tuple[int, tuple[int, ...]]] = {}
        self.squares: dict[int, Form] = {}
        self.idempotent: set[int] = set()
        self.shifted: dict[int, Shifted] = {}
        self.cleared: Memo = {}  # forms without denominators

    def apply(self, function: Function, argument: Form) -> Form:
        """f⁽ᵏ⁾(A), entry by entry."""
        argument = collect(self.store, argument)
        key = (function, argument.key)
        return self.store.recall(self.store.applied, key, lambda: self._apply(function, argument))

    def merged(self, atom: int, labels: tuple[int, ...]) -> Form:
        """f(A) with equal labels: merge them in A and normalise it before keying."""
        function, argument = self.read(atom)
        distinct = tuple(dict.fromkeys(labels))
        return self.apply(function, contract(self.store, [(argument, labels)], distinct))

    def read(self, atom: int) -> tuple[Function, Form]:
        """The function of a function atom and its argument."""
        name, kind, order, number = cast(tuple[str, str, int, int], self.store.atoms[atom].data)
        return Function(name, kind, order), self.store.forms[number]

    def _apply(self, function: Function, argument: Form) -> Form:
        pair = _delta_pair(argument)
        if pair is not None and function.kind != "identity":
            return self._split(function, argument, pair)
        law = _LAWS.get(function.kind)
        known = law(self, function, argument) if law else None
        return known if known is not None else self._atom(function, argument)

    def _split(self, function: Function, argument: Form, pair: tuple[int, int]) -> Form:
        """f(A)_ij = f(A | i≠j)_ij + δ_ij (f(A | i=j) - f(A | i≠j))_i."""
        p, q = pair
        slots = tuple(range(len(argument.slots)))
        joined = tuple(p if slot == q else slot for slot in slots)
        once = tuple(slot for slot in slots if slot != q)
        apart = self.apply(
            function, Form(argument.slots, {t: c for t, c in argument.terms.items() if t.open[p] != t.open[q]})
        )
        equal = self.apply(function, contract(self.store, [(argument, joined)], once))
        return add(
            self.store,
            (1, apart),
            (1, contract(self.store, [(equal, once)], joined)),
            (-1, contract(self.store, [(apart, joined)], joined)),
        )

    def _atom(self, function: Function, argument: Form) -> Form:
        """The factor: slots that the argument does not depend on dropped, the others in canonical order."""
        needed = _needed_slots(argument)
        core = argument if len(needed) == len(argument.slots) else _without_slots(argument, needed)
        order, core, group = self._best_order(collect(self.store, core))
        number = self.store.atom(Atom("function", (*function, self.store.form(core)), core.slots, group))
        self._register(number, function, core)
        factor = of_atom(number, core.slots)
        layout = [needed[slot] for slot in order]
        absent: dict[Hashable, int] = {
            slot: argument.slots[slot] for slot in range(len(argument.slots)) if slot not in needed
        }
        return contract(self.store, [(factor, layout)], range(len(argument.slots)), absent)

    def _best_order(self, core: Form) -> tuple[Permutation, Form, tuple[Permutation, ...]]:
        """The slot order with the least form, and the slot permutations that keep it (f(W)ᵀ = f(Wᵀ))."""
        count = len(core.slots)
        if count < 2:
            return tuple(range(count)), core, ()
        if count > self.store.limits.slots:
            raise LimitReached(f"slots of one function's argument > {self.store.limits.slots}")
        found: dict[tuple[object, ...], list[tuple[Permutation, Form]]] = {}
        for order in permutations(range(count)):
            form = collect(self.store, contract(self.store, [(core, range(count))], order))
            found.setdefault(form.key, []).append((order, form))
        best = found[min(found)]
        first, form = best[0]
        group = (tuple(first.index(slot) for slot in other) for other, _ in best[1:])
        return first, form, tuple(group)

    def _register(self, number: int, function: Function, core: Form) -> None:
        if function.order:
            if function.kind == "relu":
                self.idempotent.add(number)
            return
        if function.kind == "sqrt":
            self.squares[number] = core
        elif function.kind == "reciprocal" and len(core.terms) == 1:
            ((term, coefficient),) = core.terms.items()
            if coefficient == 1 and not term.loops and len(term.factors) == 1 and len(term.sizes) == len(core.slots):
                atom, labels = term.factors[0]
                self.inverses[number] = (atom, tuple(term.open.index(label) for label in labels))
        elif function.kind == "reciprocal" and (found := shifted(core)) is not None:
            self.shifted[number] = found

    def power(self, form: Form, exponent: int) -> Form:
        """A ⊙ … ⊙ A, with 1/A for a negative exponent."""
        if exponent < 0:
            return self.power(self.apply(RECIPROCAL, form), -exponent)
        slots = range(len(form.slots))
        result = constant(form.slots)
        for _ in range(exponent):
            result = contract(self.store, [(result, slots), (form, slots)], slots)
        return result

    def times(self, first: Form, second: Form) -> Form:
        """A ⊙ B of forms with the same slots."""
        slots = range(len(first.slots))
        return contract(self.store, [(first, slots), (second, slots)], slots)


def _delta_pair(argument: Form) -> tuple[int, int] | None:
    """Two slots of the argument that some term makes equal."""
    for term in argument.terms:
        if len(set(term.open)) < len(term.open):
            return next((p, q) for p, q in combinations(range(len(term.open)), 2) if term.open[p] == term.open[q])
    return None


def _needed_slots(argument: Form) -> list[int]:
    """The slots that the argument depends on."""
    return [
        slot
        for slot in range(len(argument.slots))
        if any(term.open[slot] in labels for term in argument.terms for _, labels in term.factors)
    ]


def _without_slots(argument: Form, needed: list[int]) -> Form:
    """The argument without the slots that it does not depend on."""
    slots = tuple(argument.slots[slot] for slot in needed)
    return Form(slots, {t._replace(open=tuple(t.open[slot] for slot in needed)): c for t, c in argument.terms.items()})


# --- known functions: None where the function stays an atom ------------------------------------------------------


def law_identity(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """id(z) = z, id' = 1."""
    return argument if function.order == 0 else constant(argument.slots, 1 if function.order == 1 else 0)


def law_exp(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """exp' = exp, exp(0) = 1, exp(-z) = 1/exp(z)."""
    if function.order:
        laws.store.used.add("exp' = exp")
        return laws.apply(EXP, argument)
    if argument.is_zero:
        return constant(argument.slots)
    if argument.terms[min(argument.terms)] < 0:
        laws.store.used.add("exp(-z) = 1/exp(z)")
        return laws.apply(RECIPROCAL, laws.apply(EXP, scale(argument, -1)))
    return None


def law_log(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """log' = 1/z, log 1 = 0."""
    if function.order:
        laws.store.used.add("log'(z) = 1/z")
        return laws.apply(RECIPROCAL._replace(order=function.order - 1), argument)
    return constant(argument.slots, 0) if _number(argument) == 1 else None


def law_reciprocal(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """(1/z)⁽ᵏ⁾ = (-1)ᵏ k! / zᵏ⁺¹; 1/(abc) = (1/a)(1/b)(1/c); 1/(1/a) = a."""
    if function.order:
        laws.store.used.add("(1/z)' = -1/z²")
        sign = (-1) ** function.order * factorial(function.order)
        return scale(laws.power(argument, -1 - function.order), sign)
    if argument.is_zero:
        raise Unsupported("1/0")
    if len(argument.terms) > 1:
        lead = argument.terms[min(argument.terms)]
        if lead == 1:
            return None
        return scale(laws.apply(RECIPROCAL, scale(argument, Fraction(1) / lead)), Fraction(1) / lead)
    ((term, coefficient),) = argument.terms.items()
    if coefficient == 1 and not term.loops and len(components(term)) == 1:
        return _inverse_of_inverse(laws, term)
    return _factored(laws, argument, term, coefficient)


def _inverse_of_inverse(laws: LawBook, term: Term) -> Form | None:
    """1/(1/a) = a; 1/√z = √z/z."""
    if len(term.factors) > 1 or len(term.sizes) > len(set(term.open)):
        return None
    ((atom, labels),) = term.factors
    if laws.store.atoms[atom].kind != "function":
        return None
    function, argument = laws.read(atom)
    slots = tuple(term.sizes[label] for label in term.open)
    if function == RECIPROCAL:
        laws.store.used.add("a · (1/a) = 1")
        inverse = argument
    elif function.kind == "sqrt" and function.order == 0:
        root = of_atom(atom, laws.store.atoms[atom].slots)
        inverse = laws.times(root, laws.apply(RECIPROCAL, argument))
    else:
        return None
    absent: dict[Hashable, int] = dict(zip(term.open, slots, strict=True))
    return contract(laws.store, [(inverse, labels)], term.open, absent)


def _factored(laws: LawBook, argument: Form, term: Term, coefficient: Coefficient) -> Form:
    """1/(c abc) = (1/c)(1/a)(1/b)(1/c) over the components of a single term."""
    loops = tuple((size, -exponent) for size, exponent in term.loops)
    result = constant(argument.slots, Fraction(1) / coefficient, loops)
    for group in components(term):
        part = Form(argument.slots, {_part(term, group): 1})
        result = laws.times(result, laws.apply(RECIPROCAL, part))
    return result


def _part(term: Term, group: list[Factor]) -> Term:
    """A term with the factors of one component only."""
    used = dict.fromkeys((*term.open, *(label for _, labels in group for label in labels)))
    number = {label: position for position, label in enumerate(used)}
    return Term(
        (),
        tuple(term.sizes[label] for label in used),
        tuple(number[label] for label in term.open),
        tuple((atom, tuple(number[label] for label in labels)) for atom, labels in group),
    )


def law_sqrt(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """√⁽ᵏ⁾(z) = ½(½-1)…(½-k+1) √z / zᵏ; √0 = 0, √1 = 1."""
    laws.store.used.add("(√z)² = z")
    if function.order:
        laws.store.used.add("sqrt'(z) = 1/(2 sqrt(z))")
        factor = Fraction(1)
        for k in range(function.order):
            factor *= Fraction(1, 2) - k
        root = laws.apply(function._replace(order=0), argument)
        return scale(laws.times(root, laws.power(argument, -function.order)), factor)
    return argument if argument.is_zero or _number(argument) == 1 else None


def law_relu(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """relu(z) = z step(z), relu'' = 0."""
    if function.order == 0:
        laws.store.used.add("relu(z) = z relu'(z)")
        return laws.times(argument, laws.apply(function._replace(order=1), argument))
    return constant(argument.slots, 0) if function.order > 1 else None


def law_leaky_relu(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """leaky relu(z) = a z + (1 - a) z relu'(z), leaky relu' = a + (1 - a) relu', a = 1/100."""
    if function.order > 1:
        return constant(argument.slots, 0)
    laws.store.used.add("leaky relu' = 1/100 + 99/100 relu'")
    slope = add(laws.store, (LEAK, constant(argument.slots)), (1 - LEAK, laws.apply(STEP, argument)))
    return slope if function.order else laws.times(argument, slope)


def law_softplus(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """softplus' = σ."""
    if function.order == 0:
        return None
    laws.store.used.add("softplus' = σ")
    return laws.apply(SIGMOID._replace(order=function.order - 1), argument)


def law_normal_density(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """φ⁽ᵏ⁺¹⁾(z) = -z φ⁽ᵏ⁾(z) - k φ⁽ᵏ⁻¹⁾(z)."""
    if function.order == 0:
        return None
    laws.store.used.add("φ'(z) = -z φ(z)")
    k = function.order - 1
    first = laws.times(argument, laws.apply(DENSITY._replace(order=k), argument))
    rest = [(-k, laws.apply(DENSITY._replace(order=k - 1), argument))] if k else []
    return add(laws.store, (-1, first), *rest)


def law_normal_cdf(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """Φ' = φ, Φ(0) = 1/2."""
    if function.order == 0:
        return constant(argument.slots, Fraction(1, 2)) if argument.is_zero else None
    laws.store.used.add("Φ' = φ")
    return laws.apply(DENSITY._replace(order=function.order - 1), argument)


def law_gelu(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """gelu(z) = z Φ(z), so gelu⁽ᵏ⁾(z) = z Φ⁽ᵏ⁾(z) + k Φ⁽ᵏ⁻¹⁾(z)."""
    laws.store.used.add("gelu(z) = z Φ(z)")
    k = function.order
    first = laws.times(argument, laws.apply(NORMAL._replace(order=k), argument))
    rest = [(k, laws.apply(NORMAL._replace(order=k - 1), argument))] if k else []
    return add(laws.store, (1, first), *rest)


def law_tanh(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """tanh(0) = 0."""
    return constant(argument.slots, 0) if argument.is_zero and function.order == 0 else None


def law_sigmoid(laws: LawBook, function: Function, argument: Form) -> Form | None:
    """σ(0) = 1/2."""
    return constant(argument.slots, Fraction(1, 2)) if argument.is_zero and function.order == 0 else None


def _number(argument: Form) -> Coefficient | None:
    """The value of a form that is a number, None where it is none."""
    if len(argument.terms) != 1:
        return None
    ((term, coefficient),) = argument.terms.items()
    return None if term.factors or term.loops else coefficient


_LAWS: dict[str, Callable[[LawBook, Function, Form], Form | None]] = {
    "identity": law_identity,
    "exp": law_exp,
    "log": law_log,
    "reciprocal": law_reciprocal,
    "sqrt": law_sqrt,
    "relu": law_relu,
    "leaky relu": law_leaky_relu,
    "softplus": law_softplus,
    "gelu": law_gelu,
    "normal cdf": law_normal_cdf,
    "normal density": law_normal_density,
    "tanh": law_tanh,
    "sigmoid": law_sigmoid,
}


def slope(laws: LawBook, function: Function, argument: Form) -> Form:
    """tanh⁽ᵏ⁾ and σ⁽ᵏ⁾ as polynomials in the function: tanh' = 1 - tanh², σ' = σ (1 - σ)."""
    value = laws.apply(function._replace(order=0), argument)
    rule, powers = ("tanh' = 1 - tanh²", (1, 0, -1)) if function.kind == "tanh" else ("σ' = σ (1 - σ)", (0, 1, -1))
    laws.store.used.add(rule)
    polynomial = [0, 1]
    for _ in range(function.order):
        derivative = [k * c for k, c in enumerate(polynomial)][1:]
        polynomial = [
            sum(derivative[i] * powers[k - i] for i in range(len(derivative)) if 0 <= k - i < 3)
            for k in range(len(derivative) + 2)
        ]
    return add(laws.store, *((c, laws.power(value, k)) for k, c in enumerate(polynomial)))


def by_exponentials(laws: LawBook, function: Function, argument: Form) -> Form:
    """tanh = (e^z - e^-z)/(e^z + e^-z), σ(z) = 1/(1 + e^-z), softplus(z) = log(1 + e^z)."""
    rising, falling = laws.apply(EXP, argument), laws.apply(EXP, scale(argument, -1))
    if function.kind == "tanh":
        laws.store.used.add("tanh = (e^z - e^-z)/(e^z + e^-z)")
        below = laws.apply(RECIPROCAL, add(laws.store, (1, rising), (1, falling)))
        return laws.times(add(laws.store, (1, rising), (-1, falling)), below)
    if function.kind == "softplus":
        laws.store.used.add("softplus(z) = log(1 + e^z)")
        return laws.apply(LOG, add(laws.store, (1, constant(argument.slots)), (1, rising)))
    laws.store.used.add("σ(z) = 1/(1 + e^-z)")
    return laws.apply(RECIPROCAL, add(laws.store, (1, constant(argument.slots)), (1, falling)))
