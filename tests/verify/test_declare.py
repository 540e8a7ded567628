"""`backproof declare`: the block is valid, makes documents readable, and says what it does not know."""

import re
from importlib.resources import files

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from verify.cli import main
from verify.declare import propose
from verify.declare.axes import Shape, Sizes
from verify.declare.proposal import with_block
from verify.document.statements import read
from verify.errors import DocumentError
from verify.judge import Judge
from verify.limits import Effort

BLOCK = re.compile(r"```backproof\n.*?```\n", re.DOTALL)
READABLE = {  # relations that are readable, of all
    "01-rnn.md": (45, 45),
    "02-rnn-every-step.md": (28, 28),
    "03-conventions.md": (6, 7),  # ∂W/∂W = I_n ⊗ I_n alone does not say what n is the size of
    "04-layers.md": (22, 22),
    "05-outputs.md": (19, 19),
    "07-losses.md": (25, 25),
}
LSTM = r"""
$$i_t = \sigma(W_{xi} x_t + W_{hi} h_{t-1} + b_i) \tag{i}$$
$$f_t = \sigma(W_{xf} x_t + W_{hf} h_{t-1} + b_f) \tag{f}$$
$$g_t = \tanh(W_{xg} x_t + W_{hg} h_{t-1} + b_g) \tag{g}$$
$$c_t = f_t \odot c_{t-1} + i_t \odot g_t, \quad h_t = f_t \odot \tanh(c_t) \tag{s}$$
$$\frac{\partial h_t}{\partial c_t} = \operatorname{diag}(f_t \odot (1 - \tanh^2(c_t))) \tag{J}$$
$$\frac{\partial L}{\partial W_{xi}} =
  \sum_{t=1}^{T} \frac{\partial L}{\partial i_t} \frac{\partial i_t}{\partial W_{xi}} \tag{w}$$
"""
GRU = r"""
$$ z_t = \sigma(W_z x_t + U_z h_{t-1} + b_z) $$

$$ \tilde h_t = \tanh(W x_t + U (z_t \odot h_{t-1}) + b), \qquad h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t $$

$$ \frac{\partial \mathcal{L}}{\partial U_z} =
  \sum_{t=1}^{T} \left(\frac{\partial \mathcal{L}}{\partial z_t}\right)^\top h_{t-1}^\top $$
"""
ROWS = r"""
$$h^{(t)} = \tanh(x^{(t)} U + h^{(t-1)} W + b) \tag{h}$$
$$\hat{y}^{(t)} = \operatorname{softmax}(h^{(t)} V + c) \tag{y}$$
$$\frac{\partial h^{(t)}}{\partial h^{(t-1)}} = \operatorname{diag}(1 - (h^{(t)})^2) W^\top \tag{J}$$
"""
DENSE = r"""
$$z = W x + b, \quad a = \phi(z) \tag{f}$$
$$\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} \operatorname{diag}(\phi'(z)) \tag{z}$$
$$A \in \mathbb{R}^{k \times k}, \quad \|A x\| \le \|A\| \|x\| \tag{n}$$
"""
REGRESSION = r"""
$$r = X w - y$$

$$J = r^\top r$$

$$\frac{\partial r_i}{\partial w_j} = X_{ij}$$

$$w_{k+1} = w_k - \eta \nabla_{w_k} J$$
"""


def symbols(text):
    """The names and declarations of a proposed block."""
    lines = re.findall(r"^  (?:'(.+?)'|([^':]+)): (.*?)(?:  #.*)?$", propose("d.md", text).block, re.MULTILINE)
    return {(quoted or plain).replace("''", "'"): value for quoted, plain, value in lines}


@pytest.mark.parametrize("name", READABLE)
def test_the_suite_without_its_blocks_is_readable_again(name):
    text = BLOCK.sub("", (files("verify.suite") / name).read_text("utf-8"))
    proposal = propose(name, text)
    assert (proposal.readable, proposal.total) == READABLE[name]
    assert proposal.typed == proposal.readable
    again = read(name, with_block(text, proposal.block))
    assert not again.errors
    assert len(proposal.unreadable) == proposal.total - proposal.readable


def test_the_block_of_the_source_derivation_is_the_written_one_but_for_letters_and_conventions():
    text = (files("verify.suite") / "01-rnn.md").read_text("utf-8")
    block = propose("r.md", BLOCK.sub("", text)).block
    for line in (
        "x_t: m", "s_t: n", "'\\mathrm{Net}_t': n", "z_t: p", "'\\delta_t': n", "G_t: n x n*n", "H_t: n x m*n",
        "U: n x m", "W: n x n", "V: p x n", "f: elementwise", "'\\beta': 1", "E: loss(last s)", "time: 1..t",
    ):  # fmt: skip
        assert f"{line}\n" in block or f"{line}  # ?" in block, line
    assert "given: ['1', '1.o', 'd', 'G', 'H']" in block
    assert "i: component" in block
    assert "# layout: numerator  # ? or denominator; read by" in block


def test_with_the_conventions_declared_the_proposal_proves_what_the_written_block_proves():
    text = (files("verify.suite") / "02-rnn-every-step.md").read_text("utf-8")
    bare = BLOCK.sub("", text)
    block = propose("r.md", bare).block.replace("loss(last s)", "loss(each s)")
    block = re.sub(r"^# (layout|gradient|matrix|vec|products|partial): (\w+).*$", r"\1: \2", block, flags=re.MULTILINE)

    def verdicts(document):
        return {e.id: e.verdict.verdict for e in Judge(document, Effort(examples=2)).entries() if e.role == "claim"}

    assert verdicts(read("r.md", with_block(bare, block))) == verdicts(read("r.md", text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (LSTM, {"i_t": "n", "W_{xi}": "n x m", "b_i": "n", r"\sigma": "elementwise", "L": "loss(last h)"}),
        (GRU, {"U": "n x n", "W": "n x m", "U_z": "n x n", r"\tilde{h}_t": "n", r"\mathcal{L}": "loss(last h)"}),
        (ROWS, {"h^{(t)}": "1 x n", "U": "m x n", "W": "n x n", "b": "1 x n", r"\hat{y}^{(t)}": "1 x p", "V": "n x p"}),
        (DENSE, {"W": "n x k", "x": "k", "A": "k x k", r"\phi": "elementwise", "L": "loss(a)"}),
        (REGRESSION, {"X": "n x m", "w": "m", "r": "n", "J": "1", r"\eta": "1", "w_k": "p"}),
    ],
    ids=["lstm", "gru", "rows", "dense", "regression"],
)  # fmt: skip
def test_names_and_sizes_of_other_documents(text, expected):
    proposal = propose("d.md", text)
    assert proposal.readable == proposal.total, proposal.unreadable
    found = symbols(text)
    assert {name: found.get(name) for name in expected} == expected


def test_a_result_is_not_proposed_as_given():
    """δ_{t-1} = … f' … and a second equation for one name are claims."""
    proposal = propose("r.md", BLOCK.sub("", (files("verify.suite") / "01-rnn.md").read_text("utf-8")))
    given = re.search(r"given: (.*)  #", proposal.block).group(1)
    assert "2.3" not in given
    assert "2.4" not in given
    assert "K2.G" not in given
    recursion = r"$$\delta_t = (W^\top \delta_{t+1}) \odot f'(a_t) \tag{b}$$" + "\n"
    assert "given" not in propose("r.md", recursion).block


def test_an_incomplete_block_is_completed_and_kept():
    text = (files("verify.suite") / "01-rnn.md").read_text("utf-8")
    lacking = (
        text.replace("  W: n x n\n", "").replace("  f: elementwise\n", "").replace("  x_t: m\n", "  x_t: m, positive\n")
    )
    block = propose("r.md", lacking).block
    assert "x_t: m, positive" in block
    assert "f: elementwise" in block
    assert not re.search("^(given|time|layout|indices|# layout)", block, re.MULTILINE)
    before, after = (read("r.md", one) for one in (lacking, with_block(lacking, block)))
    assert not after.errors
    assert sum(s.problem is not None for s in after.statements) <= sum(s.problem is not None for s in before.statements)


def test_what_is_not_readable_is_named_with_the_reason():
    text = DENSE + "\n" + r"$$z_1 + \cdots + z_n = W \tag{dots}$$" + "\n" + r"$$\frac{a \tag{broken}$$" + "\n"
    proposal = propose("d.md", text)
    assert proposal.total - proposal.readable == 2
    assert "# ? dots: \\cdots: an ellipsis says nothing exact" in proposal.block
    assert "# ? broken: " in proposal.block


@pytest.mark.parametrize("text", ["# no equation\n", ""])
def test_nothing_to_declare_is_an_error(text):
    with pytest.raises(DocumentError, match="no display equation"):
        propose("d.md", text)


HOSTILE = [
    " ",
    "\\mathrm{two\nlines}_t = x",
    "\\sum_{\\mathbf{1}=1}^{T} x_{\\mathbf{1}} = x_{t-1}",
    "1 = 2",
    "I = 0",
    r"x_{\text{': [}} = y",
    r"\mathrm{a: b # c}_t = x",
    r"\text{```} = q",
    "x\u202e = y",
    "x" * 3000 + " = 1",
]


@pytest.mark.parametrize("formula", HOSTILE)
def test_no_name_breaks_the_block(formula):
    proposal = propose("d.md", f"$${formula}$$\n")
    assert proposal.block.count("```") == 2 or "```" in formula
    assert not [
        error for error in read("d.md", with_block(f"$${formula}$$\n", proposal.block)).errors if "YAML" in str(error)
    ]


def test_the_command_prints_the_block_alone_on_standard_output(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.md").write_text(LSTM, encoding="utf-8")
    result = CliRunner().invoke(main, ["declare", "notes.md"])
    assert result.exit_code == 0
    assert result.stdout.startswith("```backproof\n")
    assert result.stdout.endswith("```\n")
    assert "notes.md: 7 of 7 relations readable with this block" in result.stderr
    piped = CliRunner().invoke(main, ["verify", "--examples", "1", "--only", "J", "-"], input=result.stdout + LSTM)
    assert "J" in piped.output
    assert "unreadable" not in piped.output
    assert CliRunner().invoke(main, ["declare", "missing.md"]).exit_code == 2
    assert CliRunner().invoke(main, ["declare", "-"], input="prose\n").exit_code == 2


PIECES = (
    "'",
    "_{ij}",
    "^{(t)}",
    "(",
    "}",
    "[",
    "^T",
    ":",
    "#",
    "\\in \\mathbb{R}^{n \\times m}",
    "e^{x_t}",
    "x_",
    "$$",
    "中",
)


@given(st.lists(st.tuples(st.integers(0, 5000), st.sampled_from(PIECES), st.integers(0, 4)), max_size=6))
@settings(max_examples=10)
def test_a_mangled_document_gets_a_valid_block_or_an_error(changes):
    text = BLOCK.sub("", (files("verify.suite") / "04-layers.md").read_text("utf-8"))
    for place, piece, length in changes:
        place %= len(text)
        text = text[:place] + piece + text[place + length :]
    try:
        block = propose("d.md", text).block
    except DocumentError:
        return
    errors = [str(error) for error in read("d.md", with_block(text, block)).errors]
    assert not [error for error in errors if "given names" not in error and "stands twice" not in error]


def test_axes_are_joined_named_and_multiplied():
    sizes = Sizes()
    a, b, c = sizes.fresh(), sizes.fresh(), sizes.fresh()
    sizes.join(a, b)
    assert sizes.same(a, b)
    assert not sizes.same(a, c)
    assert sizes.same(sizes.product(a, c), sizes.product(b, c))
    assert sizes.product(sizes.one, c) == c
    sizes.name(a, "n")
    sizes.name(c, "n")
    assert sizes.same(a, c)
    sizes.join(a, sizes.one)  # a named size is not 1
    assert not sizes.is_one(a)
    assert sizes.clashes == 1


def test_a_derivative_joins_only_what_holds_in_every_layout():
    sizes = Sizes()
    n, m = sizes.fresh(), sizes.fresh()
    p, q = sizes.fresh(), sizes.fresh()
    sizes.equate(Shape(n, m, is_turned=True), Shape(p, q))
    assert not sizes.same(n, p)
    sizes.equate(Shape(n, n, is_turned=True), Shape(p, q))
    assert sizes.same(n, p)
    assert sizes.same(n, q)
    sizes.equate(Shape(m, sizes.one, is_turned=True), Shape(sizes.one, n))
    assert sizes.same(m, n)
