"""Over a batch: the same equations with a column for each sample."""

import pytest
import sympy as sp
from check import check_derivation

from derive.batch import batched
from derive.errors import RuleError
from derive.language.build import diag, hadamard, matadd, matmul, ones, transpose
from derive.language.functions import elementwise
from derive.language.nodes import Scale
from derive.language.show import show
from derive.model import Model
from derive.models.letters import STEPS, W, n, s, t
from derive.models.systems import system
from derive.printed import over_batch

f = elementwise("f")
p = sp.MatrixSymbol("p", n, 1)


def right(equations, loss=None):
    return show(batched(Model(equations, loss, STEPS)).equations[0].right)


def test_parameters_are_repeated_for_every_sample():
    """b 1ᵀ beside W S_{t-1}, p 1ᵀ in p ⊙ S_{t-1}, ones as ones."""
    assert right({s[t]: f(matadd(matmul(W, s[t - 1]), p))}) == "f(W s[t-1] + p 1ᵀ)"
    assert right({s[t]: hadamard(p, s[t - 1])}) == "p 1ᵀ ⊙ s[t-1]"
    found = batched(Model({s[t]: matadd(ones(n, 1), s[t - 1])}, None, STEPS)).equations[0].right
    assert found.args[0].shape == (n, sp.Symbol("B", integer=True, positive=True))


@pytest.mark.parametrize(
    "formula",
    [
        matmul(s[t - 1], transpose(s[t - 1]), p),
        matmul(diag(s[t - 1]), p),
        Scale(matmul(transpose(p), s[t - 1]), s[t - 1]),
    ],
    ids=["outer product", "diagonal", "scalar product"],
)
def test_what_mixes_the_entries_of_a_sample_is_refused(formula):
    with pytest.raises(RuleError, match="has no form over a batch"):
        batched(Model({s[t]: formula}, None, STEPS))


def test_a_loss_that_a_formula_gives_is_refused():
    with pytest.raises(RuleError, match="the equation of E has no form over a batch: choose an opaque loss"):
        batched(system("lstm", loss="outputs").model)


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru", "residual", "bidirectional", "dense"])
def test_every_quantity_over_a_batch_in_numbers(name):
    chosen = over_batch(system(name))
    assert chosen.title.endswith("over a batch")
    for derivation in chosen.quantities():
        check_derivation(derivation, last=3, with_steps=False)


def test_biases_sum_over_the_samples():
    (found,) = over_batch(system("stacked", layers=1)).quantities("b1")
    assert str(found) == "∂E/∂b^1 = Σ_{k=1..t} δ^1[k] 1"
