"""Documents as claims: what each line of LaTeX means, and what is said of lines that mean nothing."""

import pytest

from derive.language.show import show
from verify.document.interpret import Interpreter
from verify.document.statements import read

BLOCK = r"""```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, V: n x n, w: n, '\gamma': 1,
          f: elementwise, g: tanh, E: loss(last s)}
time: 1..t
indices: {k: t, i: component, j: component}
layout: numerator
gradient: row
matrix: family
vec: column
products: descending
partial: total
given: ['1', 'd']
```
$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
"""


def readings(formula, block=BLOCK, directive=""):
    document = read("notes.md", f"{block}\n{directive}\n$$ {formula} \\tag{{c}} $$\n")
    assert not document.errors, document.errors
    statement = document.statements[-1]
    if statement.problem is not None:
        return [statement.problem]
    interpreter = Interpreter(document)
    return [
        reading.problem or reading.claim
        for link in statement.links
        for reading in interpreter.readings(statement, link)
    ]


def sides(formula, **kwargs):
    (claim,) = readings(formula, **kwargs)
    assert hasattr(claim, "left"), claim
    return show(claim.left), show(claim.right)


@pytest.mark.parametrize(
    ("formula", "left", "right"),
    [
        (r"s_{t-1} = W x_t", "s[t-1]", None),
        (r"\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W", "∂Net[t]/∂s[t-1]", "W"),
        (r"\frac{\partial E}{\partial s_t} = w^\top", "(∂E/∂s[t])ᵀ", "wᵀ"),
        (r"\partial E/\partial W = W", "∂E/∂W", "W"),
        (r"\nabla_W E = W", "∂E/∂W", "W"),
        (r"f''(w) = g(w) \odot w", "f''(w)", "g(w) ⊙ w"),
        (r"\operatorname{diag}(w) W = W^T V", "diag(w) W", "Wᵀ V"),
        (r"\mathrm{tr}(W) = \gamma", "tr(W)", "γ"),
        (r"\frac{1}{2} w = \gamma w", "1/2 w", "γ w"),
        (r"w - 1 = w^2", "w - 1", "w^∘2"),
        (r"W_{ij} = [W]_{ij}", "[W]_i,j", "[W]_i,j"),
        (r"\frac{\partial \mathrm{Net}_{t,i}}{\partial s_{t-1,j}} = W_{ij}", "[∂Net[t]/∂s[t-1]]_i,j", "[W]_i,j"),
        (r"\sum_{k=1}^{t} s_k = \sum_{1 \le k < t} s_k", "Σ_{k=1..t} s[k]", "Σ_{k=1..t - 1} s[k]"),
        (r"\prod_{k=1}^{t} W = \prod_{t \ge k \ge 1} W", "Π_{k=1..t} W", "Π_{k=1..t} W"),
        (r"\sum_i w_i = \mathbf{1}^\top w", None, "1ᵀ w"),
        (r"e^{w} = \exp(w)", "exp(w)", "exp(w)"),
        (r"w w^\top w = w", "w wᵀ w", "w"),
        (r"w^\top w w = w", "wᵀ w w", "w"),
        (r"(I - W) w = 0", "(I - W) w", "0"),
        (r"I_n \otimes W = W \otimes I_n", "I ⊗ W", "W ⊗ I"),
        (r"\left\{ W + V \right\} w = \bigl[ W w + V w \bigr]", "(W + V) w", "W w + V w"),
    ],
)
def test_lines_mean_what_they_say(formula, left, right):
    if formula == r"s_{t-1} = W x_t":
        (problem,) = readings(formula)
        assert "W is n×n but x[t] is m×1" in problem.message
        return
    found = sides(formula)
    assert left is None or found[0].replace("\\", "") == left
    assert right is None or found[1].replace("\\", "") == right


@pytest.mark.parametrize(
    ("formula", "message", "column"),
    [
        (r"s_t = Q x_t", "Q is not declared", 10),
        (r"s_t = \mathrm{Nett}_t", "did you mean \\mathrm{Net}?", 10),
        (r"s = x_t", "it is written without its index; declared: s_t", 4),
        (r"s_t = h(x_t)", "h is not declared", 10),
        (r"s_t + x_t = s_t", "cannot add s[t] (n×1) and x[t] (m×1)", 4),
        (r"W^\top x_t = s_t", "Wᵀ x[t]: Wᵀ is n×n but x[t] is m×1", 4),
        (r"U s_t = x_t", "did you mean Uᵀ s[t]?", 4),
        (r"s_t", "no relation", 4),
        (r"I \otimes W = W", "the size of I is not known here", 4),
        (r"s_{t} = \sum_{k=1}^{q} s_k", "the bound q is no step expression", 24),
        (r"W^{-99} = W", "the exponent -99", 7),
        (r"w^{q} = w", "neither declared nor a power", 7),
        (r"W_{ab} = W_{ij}", "the letter a is not listed in indices", 4),
    ],
)
def test_a_line_that_cannot_be_read_says_why_and_where(formula, message, column):
    (problem,) = readings(formula)
    assert message in problem.message.replace("\\\\", "\\")
    assert problem.place.column == column


def test_an_open_convention_gives_one_reading_each_and_only_where_it_matters():
    open_layout = BLOCK.replace("layout: numerator\n", "")
    found = readings(r"\frac{\partial \mathrm{Net}_t}{\partial s_{t-1}} = W", block=open_layout)
    assert [show(claim.left) for claim in found] == ["∂Net[t]/∂s[t-1]", "(∂Net[t]/∂s[t-1])ᵀ"]
    assert len(readings("s_t = w", block=open_layout)) == 1


def test_a_chain_is_a_claim_a_link():
    found = readings(r"s_t = w = V w")
    assert [(show(c.left), show(c.right)) for c in found] == [("s[t]", "w"), ("w", "V w")]


def test_trailing_conditions_are_conditions():
    (claim,) = readings(r"s_k = w \quad (1 \le k < t)")
    assert [str(condition) for condition in claim.conditions] == ["1 <= k", "k < t"]
    (claim,) = readings(r"W_{ij} = 0, \quad i \ne j")
    assert [str(condition) for condition in claim.conditions] == ["i != j"]


def test_a_directive_speaks_of_one_equation_alone():
    directive = "<!-- backproof: layout: denominator; expect: refuted -->"
    text = BLOCK + directive + "\n$$\\frac{\\partial s_t}{\\partial s_t} = W \\tag{a}$$\n$$s_t = w \\tag{b}$$\n"
    document = read("notes.md", text)
    first, second = document.statements[-2:]
    assert first.declarations.conventions.layout == "denominator"
    assert first.directives.expect == {"": "refuted"}
    assert second.declarations.conventions.layout == "numerator"


def test_prose_code_and_escaped_dollars_are_no_claims():
    text = BLOCK + "\nPrice \\$\\$5\\$\\$ and `$$x$$` and inline $W$.\n\n```\n$$W = V$$\n```\n"
    assert [statement.id for statement in read("notes.md", text).statements] == ["1", "d"]


def test_line_and_column_count_in_the_whole_file():
    document = read("notes.md", "# title\n\ntext\n\n" + BLOCK + "\n\n$$\n  s_t = w\n$$\n")
    statement = document.statements[-1]
    lines = document.source.text.split("\n")
    assert lines[statement.place.line - 1][statement.place.column - 1 :].startswith("s_t = w")
    assert statement.id == f"L{statement.place.line}"
