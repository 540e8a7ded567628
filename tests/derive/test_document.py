"""Derivations written down: the block, the givens, the tags; what the reader makes of them."""

import re

import pytest
import sympy as sp

from derive.derivation import jacobian
from derive.document import as_document, as_latex, as_text
from derive.errors import BackproofError
from derive.language.build import matmul
from derive.language.functions import elementwise
from derive.model import Loss, Model, Time
from derive.models.letters import W, net, s, t
from derive.models.systems import Options, system
from verify.document import statements
from verify.document.interpret import Interpreter

RNN = system("rnn")


def test_the_document_of_two_derivations():
    """Golden: one block, the model and δ as givens, one directive, a few words."""
    chosen = [d for d in RNN.quantities() if d.name in ("2.2c", "2.3k")]
    assert as_document("A recurrent network", chosen) == (
        "# A recurrent network\n\n"
        "```backproof\nsymbols:\n  '\\mathrm{Net}_t': n\n  U: n x m\n  x_t: m\n  W: n x n\n  s_t: n\n  '\\delta_t': n\n"
        "  E: 'loss(last s)'\n  f: elementwise\ntime: 1..t\nindices: {k: t}\nlayout: numerator\ngradient: shape\n"
        "matrix: family\nvec: column\nproducts: descending\npartial: total\ngiven: ['m1', 'm2', 'd1']\n```\n\n"
        "The equations of the model come first, then what backpropagation asks of them.\n\n"
        "## Model\n\nAt every step, the last one being $t$:\n\n"
        "$$\\mathrm{Net}_t = U x_t + W s_{t-1} \\tag{m1}$$\n\n"
        "$$s_t = f(\\mathrm{Net}_t) \\tag{m2}$$\n\n"
        "Here $\\mathrm{Net}_t$, $s_t$, $\\delta_t \\in \\mathbb{R}^{n}$, $U \\in \\mathbb{R}^{n \\times m}$, "
        "$x_t \\in \\mathbb{R}^{m}$, $W \\in \\mathbb{R}^{n \\times n}$, $f$ acts entry by entry.\n\n"
        "The loss $E$ depends directly on $s_t$ at the last step only.\n\n"
        "## Notation and conventions\n\nThese names stand for derivatives:\n\n"
        "$$\\delta_t = \\frac{\\partial E}{\\partial \\mathrm{Net}_t} \\tag{d1}$$\n\n"
        "- The derivative of a column $y$ by a column $x$ is the matrix with the entries "
        "$\\partial y_i / \\partial x_j$ in row $i$ and column $j$ (numerator layout).\n"
        "- The derivative of the loss by an array has the shape of that array.\n"
        "- $\\mathop{\\mathrm{diag}}\\left[v\\right]$ is the diagonal matrix with $v$ on its diagonal, $f'$ is the "
        "derivative of $f$ entry by entry.\n\n"
        "## Jacobians\n\n"
        "$$\\frac{\\partial \\mathrm{Net}_t}{\\partial \\mathrm{Net}_{t-1}} ="
        " W \\mathop{\\mathrm{diag}}\\left[f'(\\mathrm{Net}_{t-1})\\right] \\tag{2.2c}$$\n\n"
        "## Backpropagated errors\n\nFor $k < t$:\n\n"
        "<!-- backproof: where: k < t -->\n"
        "$$\\delta_k = \\mathop{\\mathrm{diag}}\\left[f'(\\mathrm{Net}_k)\\right] W^\\top \\delta_{k+1} \\tag{2.3k}$$\n"
    )


def test_symbols_are_declared_as_they_are():
    """Targets that sum to 1, scalars, matrices, known functions and those that need none."""
    chosen = system("rnn", loss="outputs", output="softmax", activation="tanh")
    text = as_document("x", chosen.quantities())
    for line in ("  y_t: 'p, sum 1'", "  E: 1", "  V: p x n", "  f: elementwise tanh", "  o_t: p"):
        assert line in text.splitlines()
    assert "log:" not in text
    assert "E = -\\sum_{k=1}^{t} y_k^\\top \\log(o_k)" in text
    every = as_document("x", system("rnn", loss="every").quantities())
    assert "  E: 'loss(each s)'" in every.splitlines()
    assert "$$e_t = \\frac{\\partial^{+} E}{\\partial s_t}" in every


def test_block_form_and_the_other_vec_order_get_a_directive():
    """Each line is read as it was meant."""
    column = as_document("x", RNN.quantities("W")).splitlines()
    assert _above(column, "K3") == "<!-- backproof: vec: row -->"
    assert _above(column, "K4") == "<!-- backproof: matrix: block -->"
    assert _above(column, "K2") == ""
    row = as_document("x", RNN.quantities("W", Options("denominator", "row")), "denominator", "row").splitlines()
    assert "layout: denominator" in row
    assert _above(row, "K3") == "<!-- backproof: vec: column -->"


def _above(lines, tag):
    place = next(number for number, line in enumerate(lines) if f"\\tag{{{tag}}}" in line)
    return lines[place - 1]


def test_every_tag_is_unique():
    """Ids stay unique in a file."""
    text = as_document("x", system("rnn", loss="outputs", bias=True).quantities())
    tags = re.findall(r"\\tag\{([^}]*)\}", text)
    assert len(tags) == len(set(tags)) > 20


def test_what_cannot_be_written_down_is_refused():
    """Nothing, two models, no id, a last step without a letter."""
    one = jacobian(RNN.model, net[t], s[t - 1])
    with pytest.raises(BackproofError, match="nothing to write down"):
        as_document("x", [])
    with pytest.raises(BackproofError, match="has no id"):
        as_document("x", [one])
    other = jacobian(system("rnn", bias=True).model, net[t], s[t - 1]).named("b")
    with pytest.raises(BackproofError, match="b is of another model than a"):
        as_document("x", [one.named("a"), other])
    f = elementwise("f")
    ended = Model({net[t]: matmul(W, s[t - 1]), s[t]: f(net[t])}, Loss.last(s), Time(1, sp.Integer(3)))
    with pytest.raises(BackproofError, match="needs a letter for the last step"):
        as_document("x", [jacobian(ended, net[t], s[t - 1]).named("a")])


def test_latex_of_single_derivations_names_its_steps():
    """One align a derivation, the rule beside each step."""
    text = as_latex([jacobian(RNN.model, net[t], s[t - 1]).named("2.2a")])
    assert text.startswith("% 2.2a\n\\begin{align*}\n  \\frac{\\partial \\mathrm{Net}_t}{\\partial s_{t-1}} &= ")
    assert "  &= W && \\text{identity factor}\n\\end{align*}" in text
    assert text.count("\\\\\n") == 4


def test_plain_text():
    """The fact, then a line a step."""
    text = as_text([RNN.quantities("Net")[3].named("2.3")])
    assert text.splitlines()[0] == "2.3  δ[t-1] = diag(f'(Net[t-1])) Wᵀ δ[t]"
    assert all("    [" in line for line in text.splitlines()[1:-1])


READ_BACK = [
    ("rnn", {"loss": "last"}, Options()),
    ("rnn", {"loss": "every", "bias": True}, Options("denominator", "row")),
    ("rnn", {"loss": "outputs", "bias": True}, Options()),
    ("rnn", {"loss": "outputs", "output": "opaque"}, Options()),
    ("dense", {}, Options()),
    ("layers", {}, Options()),
    ("sigmoid", {}, Options()),
    ("softmax cross-entropy", {}, Options()),
]


@pytest.mark.parametrize(("name", "choices", "options"), READ_BACK)
def test_what_derive_prints_the_reader_reads_back(name, choices, options):
    """parse(print(x)) == x: each claim of the document is the derivation itself, with its conditions."""
    derivations = system(name, **choices).quantities(options=options)
    read = statements.read("x.md", as_document("x", derivations, options.layout, options.vec))
    assert not read.errors
    interpreter = Interpreter(read)
    claims = {statement.id: statement for statement in read.claims}
    assert set(claims) == {derivation.name for derivation in derivations}
    for derivation in derivations:
        statement = claims[derivation.name]
        (reading,) = interpreter.readings(statement, statement.links[0])
        assert reading.problem is None, f"{derivation}: {reading.problem}"
        assert (reading.claim.left, reading.claim.right) == (derivation.left, derivation.right)
        assert [(c.left, c.relation, c.right) for c in reading.claim.conditions] == list(derivation.conditions)
        given = {equation.name: equation.right for equation in reading.claim.model.equations}
        for equation in derivation.definitions:
            assert given[equation.name] == equation.right
