"""What is printed is read back: formulas at random, and texts that the grammar makes.

Two laws. Reading what was printed gives a formula of the same meaning, by the deciders; and what was read once is
printed and read as it is, sign for sign. In between lies what LaTeX does not keep: where a scalar stood in a product
(`A w B` is w A B), a square written out (A ⊙ A), I^T, the brackets of a product of products.
"""

import pytest
import sympy as sp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from random_formulas import BLOCK, LEAVES, MODEL, NODES, TIME, A, B, E, K, Maker, N, T, b, c, formulas, q, r, s, w
from random_formulas import x as inputs

from derive.errors import BackproofError, NotationError
from derive.language import nodes
from derive.language.build import hadamard, matmul, transpose
from derive.language.derivatives import BlockJacobian, Collect, FamilyDerivative, Jacobian
from derive.language.shapes import NODE_TYPES, axes
from derive.latex.conventions import Conventions
from derive.latex.elaborate import Reader
from derive.latex.parser import grammar, parse
from derive.latex.printer import TEXTBOOK, latex
from verify.claim import Claim
from verify.deciders import prime_field
from verify.document.block import read_block
from verify.document.declarations import Declarations, meaning
from verify.document.source import Source

SOURCE = Source("block", BLOCK)
WORDS = meaning(Declarations().updated(read_block(BLOCK, 0, SOURCE), SOURCE), SOURCE).vocabulary
TIMES = {T: 4, TIME: 3, K: 1}
i = sp.Symbol("i", integer=True)


def again(text, formula, conventions=TEXTBOOK):
    """What a text says where the other side of its equation has the size of a formula."""
    (chain,) = parse(text, WORDS.lexicon)
    (side,) = chain.sides
    return Reader(WORDS, conventions).side(side, axes(formula))


def check_same_meaning(first, second):
    """first = second for all sizes; the decider may be unable to say, and then the shapes at least agree."""
    assert axes(first) == axes(second)
    if first != second:
        found = prime_field.decide_at(Claim(first, second, MODEL), TIMES)
        assert found.outcome in ("equal", "unknown", "limit"), f"{first} was read as {second}: {found}"


def check_round_trip(formula, conventions=TEXTBOOK):
    """Once around: the same meaning. From then on: the same formula and the same text."""
    text = latex(formula, conventions)
    read = again(text, formula, conventions)
    check_same_meaning(formula, read)
    printed = latex(read, conventions)
    assert again(printed, formula, conventions) == read, f"{text} is printed as {printed}"


def test_every_formula_is_read_back():
    """Of all node types, under all conventions."""
    seen = set()
    for way in (*LEAVES, *NODES, Maker.collected, None):

        @settings(max_examples=12 if way else 60, suppress_health_check=list(HealthCheck))
        @given(formulas(way))
        def run(pair):
            conventions, formula = pair
            seen.update(type(node) for node in sp.preorder_traversal(formula))
            check_round_trip(formula, conventions)

        run()
    missing = set(NODE_TYPES) - seen
    assert missing == {nodes.Commutation}, "the generator does not reach every node type"


SMALL = nodes.TimeSum(nodes.Scale(w, b), K, 1, TIME)


@pytest.mark.parametrize(
    ("formula", "text"),
    [
        (hadamard(matmul(transpose(q[TIME]), nodes.TimeSum(transpose(inputs[K]), K, 1, TIME)), B),
         r"\left(q_t^\top \sum_{k=1}^{t} x_k^\top\right) \odot B"),
        (nodes.Scale(w, hadamard(SMALL, b)), r"w \left(\left(\sum_{k=1}^{t} w b\right) \odot b\right)"),
        (nodes.Entries(nodes.Component(transpose(B), i, sp.Symbol("_open", integer=True)), None,
                       sp.Symbol("_open", integer=True), (), (N,)), r"\left(B^\top\right)_{i:}"),
        (nodes.Power(sp.Identity(N), TIME), r"\left(I_n\right)^{t}"),
        (nodes.Power(c[1], TIME - K), r"\left(c_1\right)^{t-k}"),
        (nodes.Inverse(sp.Identity(N)), r"\left(I_n\right)^{-1}"),
        (transpose(E), r"E^\top"),
        (transpose(w), r"w^\top"),
        (nodes.Elementwise("reciprocal", "reciprocal", 0, A), r"\frac{1}{A}"),
    ],
)  # fmt: skip
def test_signs_that_reach_too_far_are_held_by_brackets(formula, text):
    """Σ reaches past ⊙; a subscript comes before a transpose; a superscript makes I another name."""
    assert latex(formula, TEXTBOOK) == text
    check_round_trip(formula)


def test_the_commutation_matrix_is_printed_and_not_read():
    """K_{n,m} has two meanings in the literature, of A n×m or m×n: a text says which by declaring K."""
    with pytest.raises(NotationError, match="K is not declared"):
        again(latex(nodes.Commutation(N, N)), nodes.Commutation(N, N))


@pytest.mark.parametrize("order", ["column", "row"])
@pytest.mark.parametrize("layout", ["numerator", "denominator"])
def test_block_forms_and_vecs_are_read_back(layout, order):
    conventions = Conventions(layout, "row", "block", order, "descending", "total")
    check_round_trip(BlockJacobian(matmul(A, A), A), conventions)
    check_round_trip(Jacobian(nodes.Vec(matmul(A, B), order), nodes.Vec(B, order)), conventions)


@pytest.mark.parametrize(("declared", "other"), [("total", "immediate"), ("immediate", "total")])
def test_a_total_derivative_is_not_printed_where_it_would_be_read_as_immediate(declared, other):
    """∂s_t/∂b has one reading in a text; the other one has ∂⁺ or no spelling at all."""
    conventions = Conventions("numerator", "row", "family", "column", "descending", declared)
    check_round_trip(Jacobian(s[TIME], b, declared), conventions)
    if other == "immediate":
        check_round_trip(Jacobian(s[TIME], b, other), conventions)
    else:
        with pytest.raises(BackproofError, match="it needs partial: total"):
            latex(Jacobian(s[TIME], b, other), conventions)


def test_a_family_inside_a_formula_is_not_printed():
    """No sign says where inside a formula a family of numbers is a matrix again."""
    family = Collect(matmul(r, FamilyDerivative(A, A), transpose(r)))
    check_round_trip(family)
    with pytest.raises(BackproofError, match="give it a name"):
        latex(transpose(family))


# --- texts that the grammar makes ---------------------------------------------------------------------------------

NAMES = (
    "A",
    "B",
    "U",
    "W_f",
    "a",
    "b",
    "w",
    "r",
    "E",
    "s_t",
    "x_{k-1}",
    r"\mathrm{Net}_t",
    "R_k",
    "c_t",
    r"\hat{y}_t",
    "I_n",
    "n",
)
SPELLINGS = {
    "NAME": NAMES, "NUMBER": ("0", "1", "2", "17"), "FUNC": ("f", r"\sigma ", r"\tanh ", r"\operatorname{diag}", "tr",
    r"\operatorname{convolve}", r"\operatorname{rot180}"),
    "COMMA": (", ",), "REL": ("=", r"\le ", r"\neq "), "FORALL": (r"\forall ",), "PLUS": ("+",), "MINUS": ("-",),
    "ENTRY": (r"\odot ", r"\otimes "), "BIG": (r"\sum _{k=1}^{t}", r"\prod _{k=1}^{t}", r"\sum _i "),
    "CDOT": (r"\cdot ",), "SLASH": ("/",), "FRAC": (r"\frac ",), "LB": ("{",), "RB": ("}",), "NABLA": (r"\nabla ",),
    "PARTIAL": (r"\partial ",), "DBY": (r"\partial_{A} ",), "LPAR": ("(",), "RPAR": (")",), "LBRACK": ("[",),
    "RBRACK": ("]",), "LSET": (r"\{",), "RSET": (r"\}",), "LNORM": (r"\|",), "RNORM": (r"\|",), "LABS": ("|",),
    "RABS": ("|",), "SUB": ("_i ", "_{ij}", "_t "), "SUP": (r"^\top ", "^2 ", "^{-1}", "^{t-k}"), "PRIME": ("'",),
    "BEGIN": (r"\begin{bmatrix}",), "END": (r"\end{bmatrix}",), "ROW": (r"\\ ",), "AMP": ("&",),
    "OTHERWISE": (r"\text{otherwise}",),
}  # fmt: skip
TEXTS = from_lark(grammar(), explicit={name: st.sampled_from(words) for name, words in SPELLINGS.items()})


@settings(max_examples=80, suppress_health_check=list(HealthCheck))
@given(TEXTS | st.text(alphabet="AsWtk_^{}()[]|\\\\+-=/'&,.0123 \n"))
def test_what_the_grammar_makes_is_read_or_refused_at_a_place(text):
    """Every text gives chains, or an error inside the text; what can be read and printed is read back."""
    try:
        chains = parse(text, WORDS.lexicon)
        found = [side for chain in chains for side in Reader(WORDS, TEXTBOOK).sides(chain)]
    except NotationError as error:
        check_place(error, text)
        return
    except BackproofError:
        return
    for formula in found:
        check_stable(formula)


def check_place(error, text):
    """Inside the text, and not empty."""
    assert 0 <= error.start < error.end <= max(1, len(text)), f"{error} is nowhere in {text!r}"


def check_stable(formula):
    """Printed and read, a formula that was read is itself, or is refused: 1 and 0 take their size from what is gone."""
    try:
        read = again(latex(formula, TEXTBOOK), formula)
    except BackproofError:
        return
    check_same_meaning(formula, read)


def test_printing_takes_no_longer_the_deeper_a_formula_nests():
    """Each piece is printed once: brackets thirty deep, and as many factors of ⊗."""
    deep, chain = b, A
    for _ in range(30):
        deep = nodes.Scale(w, hadamard(matmul(A, matmul(B, deep)) if axes(deep) == axes(b) else matmul(B, b), s[TIME]))
        deep = matmul(transpose(B), deep)
        chain = nodes.Kronecker(chain, A)
    assert latex(deep).count("\\odot") == 30
    assert latex(chain).count("\\otimes") == 30
