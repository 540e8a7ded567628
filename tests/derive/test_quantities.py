"""What is asked of a model follows from its equations."""

import pytest
import sympy as sp

from derive.language.build import matadd, matmul, sequence
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, W, k, m, n, net, s, t, x
from derive.models.systems import system
from derive.quantities import Options, quantities_of


def formulas(model, **options):
    found = {q.id: q.ask(model, Options(**options)) for q in quantities_of(model)}
    return {id: f"{derivation}" for id, derivation in found.items()}


def test_the_lstm():
    """Hochreiter and Schmidhuber's cell: δ of every gate and state, all gradients, as textbooks write them."""
    found = formulas(system("lstm", loss="every").model)
    assert found["delta.Net_i"] == "δ^i[k] = diag(σ'(Net^i[k])) (g[k] ⊙ δ^c[k])"
    assert found["delta.Net_o"] == "δ^o[k] = diag(σ'(Net^o[k])) (tanh(c[k]) ⊙ δ^h[k])"
    assert found["delta.c"] == "δ^c[k] = f[k+1] ⊙ δ^c[k+1] + diag(tanh'(c[k])) (o[k] ⊙ δ^h[k])"
    assert found["delta.c.last"] == "δ^c[t] = diag(tanh'(c[t])) (o[t] ⊙ δ^h[t])"
    gates = " + ".join(f"W_{a}ᵀ δ^{a}[k+1]" for a in "ifgo")
    assert found["delta.h"] == f"δ^h[k] = e[k] + {gates}"
    assert found["grad.W_f"] == "∂E/∂W_f = Σ_{k=1..t} δ^f[k] h[k-1]ᵀ"
    assert found["grad.c0"] == "∂E/∂c[0] = f[1] ⊙ δ^c[1]"
    assert {f"grad.{kind}_{gate}" for kind in "UWb" for gate in "ifog"} | {"grad.x", "grad.h0", "grad.c0"} == {
        id for id in found if id.startswith("grad.")
    }


def test_recurrences_that_run_backwards_start_at_the_first_step():
    """r_t reads r_{t+1}, so δ^r_k reads δ^r_{k-1}, and the state behind the last step is an input."""
    found = formulas(system("bidirectional", bias=False).model)
    assert found["delta.Net_r"] == "δ^r[k] = diag(f'(Net^r[k])) (Qᵀ δ^r[k-1] + Pᵀ e[k])"
    assert found["delta.Net_r.first"] == "δ^r[1] = diag(f'(Net^r[1])) Pᵀ e[1]"
    assert found["delta.Net_s.last"] == "δ^s[t] = diag(f'(Net^s[t])) Vᵀ e[t]"
    assert found["grad.r_end"] == "∂E/∂r[t+1] = Qᵀ δ^r[t]"
    assert not any(id.startswith("J.Net_r.") or id == "J.r.r+1" for id in found)


def test_conditions_say_where_a_recursion_runs():
    """δ^r_k for 2 ≤ k, δ^s_k for k < t."""
    model = system("bidirectional").model
    found = {q.id: q.ask(model, Options()) for q in quantities_of(model)}
    assert found["delta.Net_r"].conditions == ((sp.Integer(2), "<=", k),)
    assert found["delta.Net_s"].conditions == ((k, "<", t),)


def test_two_steps_back_have_two_ends():
    """Net_t = U x_t + W s_{t-1} + V s_{t-2}: the last step and the one before lack readers."""
    U, V = sp.MatrixSymbol("U", n, m), sp.MatrixSymbol("V", n, n)
    affine = matadd(matmul(U, x[t]), matmul(W, s[t - 1]), matmul(V, s[t - 2]))
    model = Model({net[t]: affine, s[t]: elementwise("f")(net[t])}, Loss.every(s), STEPS)
    found = formulas(model)
    assert found["delta.Net.last"] == "δ[t] = diag(f'(Net[t])) e[t]"
    assert found["delta.Net.last-1"] == "δ[t-1] = diag(f'(Net[t-1])) (e[t-1] + Wᵀ δ[t])"
    assert {"grad.s0", "grad.s-1"} <= set(found)


def test_without_a_loss_there_are_jacobians_alone():
    model = Model({net[t]: matmul(W, s[t - 1]), s[t]: elementwise("f")(net[t])}, time=STEPS)
    assert set(formulas(model)) == {"J.Net.s-1", "J.s.Net", "J.s.s-1", "K.Net.W"}


def test_inputs_that_are_fixed_and_targets_have_no_gradient():
    assert "grad.S" not in {q.id for q in system("convolution").asked}
    assert "grad.y" not in {q.id for q in system("lstm", loss="outputs").asked}


def test_one_convolution_for_every_stride_and_padding():
    """By the input it is the transposed convolution, by the kernel a correlation; S_j is any selection."""
    found = formulas(system("convolution").model)
    assert found["grad.X"] == "∂E/∂X = Σ_{j=1..K} W[j]ᵀ ∂E/∂Y S[j]ᵀ"
    assert found["grad.W"] == "∂E/∂W[k] = ∂E/∂Y S[k]ᵀ Xᵀ"
    assert found["grad.b"] == "∂E/∂b = ∂E/∂Y 1"


def test_options_turn_jacobians_and_pick_partials():
    found = formulas(system("stacked").model, layout="denominator", vec="row")
    assert found["K.Net1.U1"] == "(∂⁺Net^1[t]/∂vec(U^1))ᵀ = I ⊗ x[t]"
    chosen = system("stacked").quantities("W1", Options(partial="total"))
    assert [d.name for d in chosen] == ["grad.W1"]


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_a_stack_grows_by_as_many_quantities_a_layer(layers):
    assert len(system("stacked", layers=layers).asked) == 14 * layers - 1


def test_states_of_vectors_that_are_no_columns_are_left_out():
    """A row state has gradients, and no Jacobian in the column language."""
    r = sequence("r", 1, n)
    model = Model({r[t]: matmul(r[t - 1], W)}, Loss.last(r), STEPS)
    assert all(not id.startswith("J.") for id in formulas(model))
