"""A user's own elementwise function: its rule is settled before it is used, in Python and in documents."""

import pytest
import sympy as sp

import verify
from derive import (
    Loss,
    Model,
    RuleError,
    Time,
    as_document,
    elementwise,
    gradient,
    hadamard,
    jacobian,
    matadd,
    matmul,
    negate,
    ones,
    sequence,
    show,
)
from derive.language.nodes import Softmax
from verify.api import claim
from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

n, m = sp.symbols("n m", integer=True, positive=True)
t = sp.Symbol("t", integer=True)
W, U = sp.MatrixSymbol("W", n, n), sp.MatrixSymbol("U", n, m)
s, net, x = sequence("s", n), sequence("Net", n), sequence("x", m)
sigma, tanh = elementwise("\\sigma", "sigmoid"), elementwise("tanh", "tanh")
FEW = {"examples": 8}


def swish(derivative=None):
    return elementwise("swish", value=lambda z: hadamard(z, sigma(z)), derivative=derivative)


def right(value, z):
    """swish' = swish + σ ⊙ (1 - swish)."""
    return matadd(value, hadamard(sigma(z), matadd(ones(*z.shape), negate(value))))


def wrong(value, z):
    return matadd(value, hadamard(sigma(z), matadd(ones(*z.shape), value)))


def cell(f):
    equations = {net[t]: matadd(matmul(U, x[t]), matmul(W, s[t - 1])), s[t]: f(net[t])}
    return Model(equations, loss=Loss.last(s), time=Time(1, t))


VALUES = {
    "swish": lambda z: hadamard(z, sigma(z)),
    "mish": lambda z: hadamard(z, tanh(elementwise("softplus", "softplus")(z))),
    "square": lambda z: hadamard(z, z),
    "cube": lambda z: sp.Basic.__new__(sp.HadamardPower, z, sp.Integer(3)),
    "inverse": lambda z: elementwise("reciprocal", "reciprocal")(matadd(ones(*z.shape), hadamard(z, z))),
    "gaussian": lambda z: elementwise("\\exp", "exp")(negate(hadamard(z, z))),
    "affine": lambda z: matadd(matmul(3, z), ones(*z.shape)),
    "nested": lambda z: sigma(tanh(matmul(2, z))),
    "constant": lambda z: ones(*z.shape),
    "of gelu": lambda z: hadamard(elementwise("g", "gelu")(z), z),
    "root": lambda z: elementwise("\\sqrt", "sqrt")(matadd(ones(*z.shape), hadamard(z, z))),
}


@pytest.mark.parametrize("name", VALUES)
def test_the_rule_that_derive_makes_of_a_value_is_proved(name):
    assert verify.function(elementwise("f", value=VALUES[name]), **FEW).verdict == "proved"


@pytest.mark.parametrize("name", VALUES)
def test_a_rule_that_is_off_by_the_value_is_refuted(name):
    """The rule of each with the argument added to it."""
    f = elementwise("f", value=VALUES[name], derivative=lambda value, z: matadd(derived(name, z), z))
    assert verify.function(f, **FEW).verdict == "refuted"


def derived(name, z):
    from derive.language.laws import law
    from derive.rules.entrywise import slope_of

    found = law("f", VALUES[name], None)
    return found.at(slope_of(found), z)


def test_a_rule_is_a_claim_that_is_proved_or_refuted():
    assert verify.function(swish(right), **FEW).verdict == "proved"
    assert verify.function(swish(wrong), **FEW).verdict == "refuted"


def test_without_a_value_there_is_nothing_to_check():
    f = elementwise("swish", derivative=lambda value, z: matadd(value, sigma(z)))
    verdict = verify.function(f, **FEW)
    assert verdict.verdict == "undecided"
    assert "swish'(z) = swish(z) + σ(z) is assumed, and nothing says what swish is: give its value" in verdict.message
    assert verify.function(elementwise("f"), **FEW).verdict == "undecided"


@pytest.mark.parametrize("rule", [None, right])
def test_what_is_derived_with_a_right_rule_is_proved(rule):
    model = cell(swish(rule))
    for derivation in (jacobian(model, net[t], net[t - 1]), gradient(model, W)):
        found = claim(derivation.left, derivation.right, model=derivation.model_with_definitions, **FEW)
        assert found.verdict == "proved", found.message


def test_what_is_derived_with_a_wrong_rule_is_refuted():
    model = cell(swish(wrong))
    derivation = jacobian(model, net[t], net[t - 1])
    assert claim(derivation.left, derivation.right, model=model, **FEW).verdict == "refuted"


@pytest.mark.parametrize(
    ("right", "verdict"),
    [("rule", "tested"), ("two", "undecided"), ("value", "proved")],
)
def test_what_rests_on_a_rule_that_is_only_tested(right, verdict):
    """f(z) = z with f' = exp(log z)/z + 10^-60: wrong by less than any number tells, and no ground for a proof.

    f' = rule is false, though both deciders say equal once f' is written by the rule; the value rests on no rule.
    """
    exp, log, inverse = (elementwise(name, name) for name in ("exp", "log", "reciprocal"))
    tiny = matmul(sp.Rational(1, 10**60), ones(n, 1))
    f = elementwise("f", value=lambda z: z, derivative=lambda _, z: matadd(hadamard(exp(log(z)), inverse(z)), tiny))
    y = sp.MatrixSymbol("y", n, 1)
    assert verify.function(f, **FEW).verdict == "tested"
    sides = {
        "rule": (f.prime(y), matadd(hadamard(exp(log(y)), inverse(y)), tiny)),
        "two": (f.prime(y), matmul(2, ones(n, 1))),
        "value": (f(y), y),
    }
    found = claim(*sides[right], model=Model(()), **FEW)
    assert found.verdict == verdict
    assert right == "value" or "is only tested" in found.message


def test_the_hypothesis_is_named_until_it_is_checked():
    derivation = jacobian(cell(swish(right)), net[t], net[t - 1])
    ((slope, rule),) = derivation.hypotheses
    assert (show(slope), show(rule)) == ("swish'(z)", "swish(z) + σ(z) ⊙ (1 - swish(z))")
    assert jacobian(cell(swish()), net[t], net[t - 1]).hypotheses == ()
    assert "own_rule" in {name for step in derivation.steps for name in step.names}


def test_a_claim_that_writes_the_derivative_says_which_rule_it_used():
    f = swish(right)
    found = claim(f.prime(net[t]), right(f(net[t]), net[t]), model=cell(f), **FEW)
    assert found.verdict == "proved"
    assert found.assumptions == ("swish'(z) = swish(z) + σ(z) ⊙ (1 - swish(z)) (proved)",)


def test_a_claim_that_needs_a_wrong_rule_is_undecided():
    f = swish(wrong)
    found = claim(f.prime(net[t]), wrong(f(net[t]), net[t]), model=cell(f), **FEW)
    assert found.verdict == "undecided"
    assert found.message.startswith("swish'(z) = swish(z) + σ(z) ⊙ (1 + swish(z)) is refuted: false")


def test_the_second_derivative_is_checked_as_well():
    f = swish(right)
    z = net[t]
    second = hadamard(matadd(ones(*z.shape), hadamard(z, matadd(ones(*z.shape), matmul(-1, sigma(z))))), sigma.prime(z))
    twice = matadd(matmul(2, sigma.prime(z)), hadamard(z, sigma.prime.prime(z)))
    found = claim(f.prime.prime(z), twice, model=cell(f), **FEW)
    assert found.verdict == "proved"
    assert [text.split("(")[0] for text in found.assumptions] == ["swish'", "swish''"]
    assert claim(f.prime.prime(z), second, model=cell(f), **FEW).verdict == "refuted"


def test_of_a_function_without_a_value_what_holds_for_every_function_is_proved():
    f = elementwise("f", derivative=lambda value, z: value)
    model = cell(f)
    delta = gradient(model, W)
    assert claim(delta.left, delta.right, model=delta.model_with_definitions, **FEW).verdict == "proved"
    found = claim(f.prime(net[t]), f(net[t]), model=model, **FEW)
    assert found.verdict == "undecided"
    assert "nothing says what f is" in found.message


@pytest.mark.parametrize("argument", [W, matmul(W, W), sp.MatrixSymbol("a", 1, 1), sp.MatrixSymbol("r", 1, n)])
def test_an_argument_of_any_shape(argument):
    """f'(A) of a matrix, a scalar, a row: as of a column."""
    f, ordinary = swish(), matadd(sigma(argument), hadamard(argument, sigma.prime(argument)))
    assert claim(f.prime(argument), ordinary, model=Model(()), **FEW).verdict == "proved"
    assert claim(f.prime(argument), sigma(argument), model=Model(()), **FEW).verdict == "refuted"


def test_two_functions_of_one_name_are_not_mixed_up():
    other = elementwise("swish", value=lambda z: hadamard(z, z))
    found = claim(matadd(swish()(s[t]), other(s[t])), matadd(swish()(s[t]), other(s[t])), model=cell(swish()), **FEW)
    assert found.verdict == "undecided"
    assert "two functions are called swish" in found.message
    assert swish()(s[t]) == swish()(s[t])
    assert swish()(s[t]) != other(s[t])
    assert swish()(s[t]) != elementwise("swish")(s[t])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Softmax, "f: softmax(z) does not act entry by entry"),
        (lambda z: matmul(W, z), "f: W z does not act entry by entry"),
        (lambda z: hadamard(z, sp.MatrixSymbol("b", n, 1)), "f: b is not the function's argument"),
        (lambda z: matadd(z, elementwise("f")(z)), "f is defined by itself"),
    ],
)
def test_what_does_not_act_entry_by_entry_is_refused(value, message):
    with pytest.raises(RuleError, match="^" + message.replace("(", r"\(").replace(")", r"\)")):
        elementwise("f", value=value)


def test_a_kind_of_which_all_is_known_takes_no_rule():
    with pytest.raises(ValueError, match="f is a tanh, of which all is known"):
        elementwise("f", "tanh", value=lambda z: z)


@pytest.mark.parametrize("rule", [None, right])
def test_what_derive_writes_down_verify_proves(rule):
    model = cell(swish(rule))
    text = as_document("cell", [jacobian(model, net[t], net[t - 1]).named("a"), gradient(model, W).named("b")])
    found = verdicts(text)
    assert {key: one.verdict for key, one in found.items()} == {"a": "proved", "b": "proved"}
    assert verdicts(text.replace(r"z \odot \sigma(z)", r"z \odot z \odot \sigma(z)"))["a"].verdict == "refuted"


# --- documents ---------------------------------------------------------------------------------------------------

DOCUMENT = r"""
```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, U: n x m, W: n x n, swish: elementwise, z: n, '\sigma': sigmoid}
time: 1..t
layout: numerator
given: ['f', '1']
```
$$swish(z) = z \odot \sigma(z) \tag{f}$$
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = swish(\mathrm{Net}_t) \tag{1}$$
$$swish'(z) = \sigma(z) + z \odot \sigma'(z) \tag{a}$$
$$swish'(z) = swish(z) + \sigma(z) \tag{b}$$
$$\frac{\partial s_t}{\partial s_{t-1}} = \operatorname{diag}(swish'(\mathrm{Net}_t)) W \tag{c}$$
$$\frac{\partial s_t}{\partial s_{t-1}} = \operatorname{diag}(\sigma(\mathrm{Net}_t)) W \tag{d}$$
"""
GIVEN = r"swish(z) = z \odot \sigma(z)"


def verdicts(text):
    document = read("own.md", text)
    assert not document.errors, document.errors
    entries = Judge(document, Effort(examples=8)).entries()
    return {entry.id: entry.verdict for entry in entries if entry.role == "claim"}


def test_a_given_says_what_a_function_is():
    found = verdicts(DOCUMENT)
    assert {key: one.verdict for key, one in found.items()} == {
        "a": "proved", "b": "refuted", "c": "proved", "d": "refuted",
    }  # fmt: skip
    assert "swish'" in found["c"].assumptions[0]


def test_a_rule_may_be_given_and_is_settled_first():
    rule = r"swish(z) + \sigma(z) \odot (1 - swish(z))"
    assert verdicts(DOCUMENT.replace(GIVEN, rf"{GIVEN}, \quad swish'(z) = {rule}"))["c"].verdict == "proved"
    found = verdicts(DOCUMENT.replace(GIVEN, rf"{GIVEN}, \quad swish'(z) = {rule.replace('-', '+')}"))["c"]
    assert (found.verdict, "is refuted: false" in found.message) == ("undecided", True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (r"swish(z) = W z", "does not act entry by entry"),
        (r"swish(z) = z \odot x_t", "(n×1) and x[t] (m×1)"),
        (r"swish(\mathrm{Net}_t) = \mathrm{Net}_t", "f(z) = …, or its rule f'(z) = …, for a declared vector z"),
        (r"swish(z) = z \odot swish(z)", "swish is defined by itself"),
        (r"swish(z) = z, \quad swish(z) = z \odot z", "two givens say what swish is"),
    ],
)
def test_a_given_that_says_no_such_thing_is_named(given, message):
    found = verdicts(DOCUMENT.replace(GIVEN, given))
    assert {one.verdict for one in found.values()} == {"unreadable"}
    assert message in found["c"].message


# --- the package's door ------------------------------------------------------------------------------------------


def test_public_functions_come_before_modules_of_their_names():
    """`verify.claim` is a function, and a module that every import of the package loads."""
    import verify.claim as module_or_function
    import verify.document.block

    assert callable(verify.claim)
    assert callable(verify.document)
    assert module_or_function is verify.claim
    assert verify.claim(W, W, model=Model(()), examples=0).verdict == "proved"
