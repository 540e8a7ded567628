"""More general claims first: free values of members, free numbers for sizes; and degrees of different denominators."""

import pytest
import sympy as sp

from derive.language.build import diag, divide, hadamard, matadd, matmul, negate, ones, sequence, transpose
from derive.language.derivatives import Gradient, Jacobian
from derive.language.functions import elementwise
from derive.language.nodes import Scale, TimeSum
from derive.model import Equation, Loss, Model, Time
from verify.claim import Claim
from verify.deciders import normal_form, prime_field
from verify.deciders.prime_field import bounds, decide
from verify.deciders.prime_field.classes import Assumed
from verify.deciders.prime_field.fields import PrimeField
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.program import compiled

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
U, W, gain = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("g", n, 1)
a, v, w, s, x = sequence("a", n), sequence("v", n), sequence("w", n), sequence("s", n), sequence("x", m)
rho, delta = sequence("r", 1), sequence("delta", n)
f, root = elementwise("f"), elementwise("sqrt", "sqrt")
E = sp.MatrixSymbol("E", 1, 1)
P = matadd(sp.Identity(n), negate(matmul(1 / n, ones(n, 1), ones(1, n))))
NORMALISED = Model(
    (
        Equation(a[t], matadd(matmul(U, x[t]), matmul(W, s[t - 1])), t),
        Equation(v[t], matmul(P, a[t]), t),
        Equation(rho[t], root(matmul(1 / n, transpose(v[t]), v[t])), t),
        Equation(w[t], divide(v[t], rho[t]), t),
        Equation(s[t], f(hadamard(gain, w[t])), t),
        Equation(delta[t], Gradient(E, a[t]), t),
    ),
    Loss.last(s),
    Time(1, t),
)
slope = matmul(1 / n, divide(v[t], rho[t]))  # ∂ρ/∂v


def by_parts(outer=P, inner=slope):
    """∂w/∂a = (I - w (∂ρ/∂v)ᵀ) P / ρ."""
    inside = matadd(sp.Identity(n), negate(matmul(w[t], transpose(inner))))
    return divide(matmul(inside, outer), rho[t])


VALUES_FREE = {  # what holds whatever a and v are worth
    "∂ρ/∂v": (Gradient(rho[t], v[t]), divide(matmul(1 / n, v[t]), root(matmul(1 / n, transpose(v[t]), v[t])))),
    "∂w/∂a": (Jacobian(w[t], a[t]), by_parts()),
    "∂s/∂w": (Jacobian(s[t], w[t]), diag(hadamard(f.prime(hadamard(gain, w[t])), gain))),
    "∂v/∂s": (Jacobian(v[t], s[t - 1]), matmul(P, W)),
}
VALUES_BOUND = {  # what holds for the value that an equation gives, or for n as n
    "v": (v[t], matmul(P, a[t])),
    "1ᵀ v": (matmul(ones(1, n), v[t]), sp.ZeroMatrix(1, 1)),
    "P P": (matmul(P, P, a[t]), matmul(P, a[t])),
    "1ᵀ1/n": (matmul(1 / n, ones(1, n), ones(n, 1)), sp.Identity(1)),
    "P v": (matmul(P, v[t]), v[t]),
}
FALSE = {
    "∂w/∂a without P": (Jacobian(w[t], a[t]), by_parts(sp.Identity(n))),
    "∂w/∂a without 1/n": (Jacobian(w[t], a[t]), by_parts(inner=divide(v[t], rho[t]))),
    "∂v/∂a": (Jacobian(v[t], a[t]), sp.Identity(n)),
    "∂ρ/∂v": (Gradient(rho[t], v[t]), divide(v[t], rho[t])),
    "n for 1": (matmul(1 / n, v[t]), v[t]),
    "P P at n = 4": (matmul(n, P, P, a[t]), matmul(4, P, a[t])),
}


def claim(sides, model=NORMALISED):
    """The claim of two sides."""
    return Claim(*sides, model)


def at(sides, steps):
    """What the prime field says at a last step."""
    return prime_field.decide_at(claim(sides), {t: steps})


@pytest.mark.parametrize("name", VALUES_FREE)
def test_one_size_where_the_values_do_not_matter(name):
    """Layer normalisation at three steps: a single size, where the claim as it stands needs many."""
    found = at(VALUES_FREE[name], 3)
    assert found.outcome == "equal"
    assert "members' values and numbers beside them free" in found.detail
    assert "…" not in found.detail
    need = bounds.needs(compiled(claim(VALUES_FREE[name]), Limits()), {"t": 3}, Assumed())
    assert sum(need.degrees) > 15


@pytest.mark.parametrize("name", VALUES_BOUND)
def test_equal_where_the_values_matter(name):
    """What fails for other values, or other numbers, is decided as it stands."""
    found = at(VALUES_BOUND[name], 1)
    assert found.outcome == "equal"
    assert "members' values and numbers" not in found.detail


@pytest.mark.parametrize("name", FALSE)
@pytest.mark.parametrize("steps", [1, 2])
def test_false_claims_differ(name, steps):
    """A difference is always one of the claim as it stands."""
    assert at(FALSE[name], steps).outcome == "differ"


@pytest.mark.parametrize("table", [VALUES_FREE, VALUES_BOUND, FALSE], ids=["free", "bound", "false"])
def test_the_same_without_more_general_claims(table, monkeypatch):
    """At one step every claim is decided as it stands, with the same outcome."""
    before = [at(sides, 1).outcome for sides in table.values()]
    monkeypatch.setattr(decide, "GENERAL", ())
    assert [at(sides, 1).outcome for sides in table.values()] == before


def test_a_name_keeps_its_value():
    """y = z is no equation with a value of its own: a copy of a parameter stays that parameter."""
    y, z = sequence("y", n), sequence("z", n)
    model = Model((Equation(y[t], z[t], t), Equation(v[t], matadd(y[t], z[t]), t)), (), Time(1, t))
    rules = compiled(Claim(v[t], matmul(2, y[t]), model), Limits()).system.rules
    assert not rules["y"].is_polynomial
    assert rules["v"].is_polynomial


def test_a_sum_over_the_steps_keeps_its_value():
    """y = Σ_k a_k is taken as it is, so that what it is computed from is known; 1ᵀ1 asks for several sizes."""
    y, z = sp.MatrixSymbol("y", n, 1), sequence("z", n)
    k, last = sp.Symbol("k", integer=True), sp.Symbol("T", integer=True)
    model = Model((Equation(y, TimeSum(matmul(W, z[k]), k, sp.S.One, last)),), (), Time(1, last))
    loop = matmul(ones(n, 1), ones(1, n), Jacobian(y, z[k]))
    made = Claim(loop, matmul(ones(n, 1), ones(1, n), W), model)
    assert prime_field.decide_at(made, {last: 3, k: 2}).outcome == "equal"
    moved = Claim(matmul(ones(1, n), ones(n, 1), ones(1, n), y), matmul(n, ones(1, n), y), model)
    assert prime_field.decide_at(moved, {last: 3}).outcome == "equal"


def test_values_free_at_earlier_steps_are_not_evaluated():
    """A claim about step t costs no more at t = 6 than at t = 2: the same sizes and classes."""
    details = {prime_field.decide_at(claim(VALUES_FREE["∂w/∂a"]), {t: steps}).detail for steps in (2, 6)}
    assert len(details) == 1


def test_what_a_free_value_depends_on():
    """∂s_3/∂x_1 goes through every step between, whose values are free."""
    free = Jacobian(s[t], x[t - 2])
    path = matmul(Jacobian(s[t], s[t - 1]), Jacobian(s[t - 1], s[t - 2]), Jacobian(s[t - 2], x[t - 2]))
    assert prime_field.decide_at(claim((free, path)), {t: 3}).outcome == "equal"
    assert prime_field.decide_at(claim((free, sp.ZeroMatrix(n, m))), {t: 3}).outcome == "differ"


def test_numbers_are_spread_over_each_prime():
    """The number of a name is another one in each field, and takes every residue of a small prime."""
    residues = {PrimeField(3, 4, seed).number("n") % 7 for seed in range(200)}
    assert residues == set(range(7))
    assert PrimeField(3, 4, 1).number("n") != PrimeField(3, 4, 1).number("m")
    assert PrimeField(3, 4, 1).number("n").bit_length() > 29 * 3 + 64 - 40


# --- denominators ---------------------------------------------------------------------------------------------------

MATRIX = sp.MatrixSymbol("A", n, n)
STATIC = Model({})


def vanishing(sizes, shape):
    """Numbers c_1, c_2, … with Σ c_i / (n + i) = 0 at these sizes, as terms of a formula."""
    unknown = sp.symbols(f"c1:{len(sizes) + 2}")
    rows = [sum(c / sp.Integer(size + i) for i, c in enumerate(unknown, 1)) for size in sizes]
    (found,) = sp.solve([*rows, unknown[-1] - 1], unknown, dict=True)
    return [matmul(found[c] / (n + i), shape) for i, c in enumerate(unknown, 1)]


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_sum_over_different_denominators(count):
    """A sum of k + 1 fractions that vanishes at k of the sizes tried, whichever those are, differs."""
    sizes = [3 + 2 * i for i in range(count)]
    made = Claim(matadd(*vanishing(sizes, MATRIX)), sp.ZeroMatrix(n, n), STATIC)
    need = bounds.needs(compiled(made, Limits()), {}, Assumed())
    assert need.degrees[0] >= count
    assert prime_field.decide_at(made, {}).outcome == "differ"
    assert normal_form.decide_at(made, {}).outcome == "differ"


def test_arguments_over_different_denominators():
    """f(x / (n+1)) and f(x / 4) are one at n = 3 alone; f(n x) and f(9 x / n) likewise."""
    y = sp.MatrixSymbol("y", n, 1)

    def of(factor):
        return f(matmul(factor, y))

    ends = [matadd(of(1 / (n + 1)), negate(of(sp.Rational(1, size + 1)))) for size in (3, 5, 7)]
    made = Claim(hadamard(*ends), sp.ZeroMatrix(n, 1), STATIC)
    assert prime_field.decide_at(made, {}).outcome == "differ"
    twice = [matadd(of(n), negate(of(sp.Integer(size**2) / n))) for size in (3, 5)]
    made = Claim(hadamard(*twice), sp.ZeroMatrix(n, 1), STATIC)
    assert prime_field.decide_at(made, {}).outcome == "differ"


def test_a_prime_in_a_denominator():
    """1/p for a prime of the field has no value there: nothing is decided, and nothing is raised."""
    prime = PrimeField(1, 4, 0).primes[0]
    made = Claim(matmul(sp.Rational(1, prime), MATRIX), MATRIX, STATIC)
    assert prime_field.decide_at(made, {}).outcome in ("unknown", "differ")


def test_a_size_in_a_coefficient_times_itself():
    """n (1/n) A = A with free numbers; n A = 1ᵀ1 A with n itself."""
    back = matmul(n, Scale(sp.Identity(1), matmul(1 / n, MATRIX)))
    assert prime_field.decide_at(Claim(back, MATRIX, STATIC), {}).outcome == "equal"
    loop = Scale(matmul(ones(1, n), ones(n, 1)), MATRIX)
    assert prime_field.decide_at(Claim(matmul(n, MATRIX), loop, STATIC), {}).outcome == "equal"
