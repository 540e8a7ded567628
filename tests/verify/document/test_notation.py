"""Every notation of the document format, read: what each line means, and what is said of lines that mean nothing."""

import pytest

from derive.language.show import show
from verify.document.interpret import Interpreter
from verify.document.statements import read
from verify.judge import RELATION_SIGNS

BLOCK = r"""```backproof
symbols:
  x_t: m
  s_t: n
  'h^{(t)}': n
  'c^{\langle t\rangle}': n
  'z_{ft}': n
  '\delta_{h_t}': n
  '\mathrm{net}_t': n
  '\hat y_t': q
  y_t: label q
  U: n x m
  W: n x n
  w: entries of W
  V: n x n
  b: n
  '\mathbf{a}': n
  'dh_t': n
  '\delta\mathbf c^t': n
  '\nabla_a C': n
  Loss: 1
  '\sigma^2': 1
  r: 1 x n
  '\gamma': 1
  P: n x n
  f: elementwise
  '\sigma': 'tanh, prime of output'
  sm: softmax rows
  'W_f': n x (n+m)
  'a^l': n_l
  'w^l': 'n_l x n_{l-1}'
  E: loss(last s)
  '\mathcal{L}': loss(each s)
  'X_{[t]}': n x n
  d_k: 1
  'g_t': n
  g: elementwise
indices: {t: 1..T, k: t, i: component, j: component, p: component, l: 1..L}
layout: numerator
gradient: shape
matrix: family
vec: column
products: descending
partial: total
operators: {"*": hadamard, ".": hadamard}
```
"""


def readings(formula):
    document = read("notes.md", f"{BLOCK}\n$$ {formula} \\tag{{c}} $$\n")
    assert not document.errors, document.errors
    statement = document.statements[-1]
    if statement.problem is not None:
        return [statement.problem]
    interpreter = Interpreter(document)
    found = []
    for link in statement.links:
        for reading in (link.problem,) if link.problem else interpreter.readings(statement, link):
            found.append(getattr(reading, "claim", None) or getattr(reading, "problem", reading))
    return found


def text_of(claim):
    assert hasattr(claim, "left"), claim.message
    return f"{show(claim.left)} {RELATION_SIGNS[claim.relation]} {show(claim.right)}"


MEANINGS = [
    (r"h_{(t-1)} = b", ['h[t-1] = b']),
    (r"h_{t-1} = b", ['h[t-1] = b']),
    (r"h^{\langle t \rangle} = b", ['h[t] = b']),
    (r"c^{\langle t-1 \rangle} = c_{t-1}", ['c[t-1] = c[t-1]']),
    (r"z_{f,t-1} = z_{ft}", ['z_f[t-1] = z_f[t]']),
    (r"\delta_{h_{t-1}} = \delta_{h_t}", ['δ_h_[t-1] = δ_h_[t]']),
    (r"net_{t,i} = \mathrm{net}_{t,i}", ['[net[t]]_i = [net[t]]_i']),
    (r"[h_t]_j = h_{t,j}", ['[h[t]]_j = [h[t]]_j']),
    (r"h_j^t = h_j^{(t)}", ['[h[t]]_j = [h[t]]_j']),
    (r"s(t-1) = s_{t-1}", ['s[t-1] = s[t-1]']),
    (r"b_{[p]} = b_p", ['[b]_p = [b]_p']),
    (r"P_{i:} = \mathbf{1}^T", ['⟨[P]_i,_open⟩__openᵀ = 1ᵀ']),
    (r"w_{ij} = W_{ij}", ['[W]_i,j = [W]_i,j']),
    (r"w_{12} = W_{12}", ['[W]_#1_n,#2_n = [W]_#1_n,#2_n']),
    (r"\hat{y_t} = \hat y_t", ['ŷ[t] = ŷ[t]']),
    (r"\hat y_{t,y_t} = 1", ['y[t]ᵀ ŷ[t] = 1']),
    (r"\hat{y}_{t, y_{t}} = \gamma", ['y[t]ᵀ ŷ[t] = γ']),
    (r"h^{(t)\top} b = b^T h^{(t)}", ['h[t]ᵀ b = bᵀ h[t]']),
    (r"W^{T} b = W^\top b", ['Wᵀ b = Wᵀ b']),
    (r"W^{T-1} b = (W^\top)^{T-k} b", ['W^(T - 1) b = Wᵀ^(T - k) b']),
    (r"W^{-1} W = I", ['W⁻¹ W = I']),
    (r"W^{-T} b = b", ['W⁻¹ᵀ b = b']),
    (r"X_{t} = W", ['X[t] = W']),
    (r"dh_t = \delta\mathbf{c}^t", ['dh[t] = δc[t]']),
    (r"\nabla_a C = b", ['nabla_aC = b']),
    (r"Loss = \sigma^2 \gamma", ['Loss = σ^2 γ']),
    (r"\nabla_b W b = W", ['∂(W b)/∂b = W']),
    (r"\partial_{W} s_t = \frac{\partial s_t}{\partial W}", ['∂s[t]/∂W = ∂s[t]/∂W']),
    (r"\frac{\partial}{\partial W} \operatorname{tr}(W V) = V^\top", ['∂tr(W V)/∂W = Vᵀ']),
    (r"f'(b) \odot \mathbf a = f^{\prime}(b) \circ a", ["f'(b) ⊙ a = f'(b) ⊙ a"]),
    (r"\dot f(b) = f'(b)", ["f'(b) = f'(b)"]),
    (r"\sigma'(b) = 1 - b^2", ['1 - (b ⊙ b) = 1 - b^∘2']),
    (r"\tanh^2 b = \tanh(b)^2", ['tanh(b)^∘2 = tanh(b)^∘2']),
    (r"W b * b = b . b", ['W b ⊙ b = b ⊙ b']),
    (r"|b| = b \odot \operatorname{sgn}(b)", ["b ⊙ (2 relu'(b) - 1) = b ⊙ (2 relu'(b) - 1)"]),
    (r"\det W = \gamma", ['det(W) = γ']),
    (r"tr W V W = \mathrm{Tr}(W V W)", ['tr(W V W) = tr(W V W)']),
    (r"\mathrm{kron}(b, b) = b \otimes b", ['b ⊗ b = b ⊗ b']),
    (r"\max(0, b) = \begin{cases} b & b > 0 \\ 0 & b \le 0 \end{cases}", ["relu(b) = relu'(b) ⊙ b + 0"]),
    (r"\frac{1}{T} b = \frac{b}{T}", ['1/T b = 1/T b']),
    (r"\frac{1}{n} b = b / n", ['1/n b = 1/n b']),
    (r"\sqrt{n} b = b", ['sqrt(n) b = b']),
    (r"\begin{bmatrix} W & V \end{bmatrix} = [W, V]", ['[W, V] = [W, V]']),
    (r"W_f [s_t; x_t] = b", ['W_f [s[t]; x[t]] = b']),
    (r"\mathbf{1}(i = j) = \delta_{ij}", ['δ_ij = δ_ij']),
    (r"\mathbf 1_{i, y_t} = \gamma", ['[y[t]]_i = γ']),
    (r"\mathbb{1}(y_t = i) = 1", ['[y[t]]_i = 1']),
    (r"\delta_j^i = \delta_{ij}", ['δ_ji = δ_ij']),
    (r"\sum_{i,j} W_{ij} = \mathbf{1}^\top W \mathbf{1}", ['Σ_i Σ_j [W]_i,j = 1ᵀ W 1']),
    (r"\sum_{j \ne i} W_{ij} = \gamma", ['Σ_j (1 - δ_ij) [W]_i,j = γ']),
    (r"\sum_{i=1}^n b_i = \sum_i b_i", ['Σ_i [b]_i = Σ_i [b]_i']),
    (r"\underbrace{W b}_{\text{state}} = \boxed{W b}", ['W b = W b']),
    (r"a^l = w^l a^{l-1}", ['a[l] = w[l] a[l-1]']),
    (r"a^l_j = \sum_{p} w^l_{jp} a^{l-1}_p", ['[a[l]]_j = Σ_p [w[l]]_j,p [a[l-1]]_p']),
    (r"\frac{\partial s_{t,i}}{\partial W_{ij}} = \gamma", ['[∂[s[t]]_i/∂W]_i,j = γ']),
    (r"\frac{\partial s_t}{\partial W_{ij}} = b", ['⟨[∂[s[t]]__a/∂W]_i,j⟩__a = b']),
    (r"\frac{\partial (s_{t,i} - \gamma)}{\partial s_{t,j}} = \delta_{ij}", ['[∂([s[t]]_i - γ)/∂s[t]]_j = δ_ij']),
    (r"\|b\|_2^2 = b^\top b", ['bᵀ b = bᵀ b']),
    (r"\|W\|_F^2 = \operatorname{tr}(W^\top W)", ['tr(Wᵀ W) = tr(Wᵀ W)']),
    (r"g_t = g(b) \odot f(b)", ['g[t] = g(b) ⊙ f(b)']),
    (r"s_t = b \quad \text{for } t \ge 2", ['s[t] = b']),
    (r"s_t = b, \quad \forall t", ['s[t] = b']),
    (r"s_t = b, W \in \mathbb{R}^{n \times n}", ['s[t] = b']),
    (r"\begin{aligned} s_t &= W b \\ &= V b \end{aligned}", ['s[t] = W b', 'W b = V b']),
    (r"b_i = \begin{cases} 1 & \text{if } i = j \\ 0 & \text{otherwise} \end{cases}", ['[b]_i = δ_ij + 0']),
    (r"softmax(b) = \operatorname{softmax}(b)", ['softmax(b) = softmax(b)']),
    (r"sm(W) = W", ['exp(W) ⊙ 1/(exp(W) 1 1ᵀ) = W']),
    (r"I = I_n", ['I = I']),
    (r"\mathbf{0} = b", ['0 = b']),
    (r"b^{1/2} = \sqrt{b}", ['sqrt(b) = sqrt(b)']),
    (r"W\operatorname{diag}\{b\} = W diag(b)", ['W diag(b) = W diag(b)']),
    (r"\left\| W \right\| \leqslant \gamma", ['‖W‖ ≤ γ']),
    (r"1/2 b = \frac12 b", ['1/2 b = 1/2 b']),
    (r"s_t=b；x_t = x_t。", ['s[t] = b', 'x[t] = x[t]']),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "meaning"), MEANINGS, ids=[formula for formula, _ in MEANINGS])
def test_a_line_means_what_it_says(formula, meaning):
    assert [text_of(claim) for claim in readings(formula)] == meaning


REFUSALS = [
    (r"w^l a^l = a^l", 'w[l] a[l]: w[l] is n_l×n_{l-1} but a[l] is n_l×1; did you mean w[l]ᵀ a[l]?', 1),
    (r"s_t = b + \cdots", '\\cdots: an ellipsis says nothing exact; write the sum or product with its bounds', 11),
    (r"s_t = \text{the state}", '\\text{the state}: prose inside a formula is not read', 7),
    (r"s_t = 中文", "'中': prose inside a formula is not read", 7),
    (r"W = W - \gamma V", 'an update line is no equation; give the new value a name of its own', 1),
    (r"s = b", 'it is written without its index; declared: s_t', 1),
    (r"\frac{\partial^{+} s_t}{\partial W} = \gamma", '∂⁺s[t]/∂W is n×1, but γ is 1×1', 1),
    (r"A_{t} = b", 'A is not declared', 1),
]  # fmt: skip


@pytest.mark.parametrize(("formula", "message", "column"), REFUSALS, ids=[formula for formula, *_ in REFUSALS])
def test_a_line_that_means_nothing_says_why_and_where(formula, message, column):
    (problem,) = readings(formula)
    assert message == problem.message
    assert problem.place.column == column + 3
