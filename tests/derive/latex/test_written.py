"""Members as their declaration writes them, and numbers as components: what is printed is read back."""

import pytest
import sympy as sp

from derive.language.nodes import Component, Member
from derive.latex import latex
from derive.latex.arrays import letters
from derive.latex.conventions import Conventions
from derive.latex.elaborate import Reader
from derive.latex.names import spelling
from derive.latex.parser import parse
from derive.latex.vocabulary import Tensor, Vocabulary
from derive.latex.written import as_declared

n = sp.Symbol("n", integer=True, positive=True)
t, l = (sp.Symbol(letter, integer=True) for letter in "tl")  # noqa: E741 (l counts layers)
RANGES = {"t": (sp.Integer(1), sp.Symbol("T", integer=True)), "l": (sp.Integer(1), sp.Symbol("L", integer=True))}


def words(text, name="h"):
    pattern = spelling(text).pattern(text, "tl")
    return Vocabulary((Tensor(name, pattern, (n,), ()),), steps={"t": t, "l": l}, ranges=RANGES)


@pytest.mark.parametrize(
    ("declared", "indices", "text"),
    [
        ("h_t", (t - 1,), "h_{t-1}"),
        ("h_t", (t,), "h_t"),
        ("h^{(t)}", (t + 1,), "h^{(t+1)}"),
        ("h^{(t)}", (sp.Integer(0),), "h^{(0)}"),
        ("h_t^{(l)}", (l - 1, t), "h_t^{(l-1)}"),
        ("h^l_t", (l, t - 1), "h_{t-1}^{(l)}"),
        ("h_{l,t}", (l, t - 1), "h_{l,t-1}"),
        ("h_{a,t}", (t - 1,), "h_{a,t-1}"),
    ],
)
def test_a_member_is_written_as_declared_and_read_back(declared, indices, text):
    vocabulary = words(declared)
    member = Member("h", indices, (n,), ())
    conventions = Conventions()
    assert latex(member, conventions, as_declared(vocabulary)) == text
    assert Reader(vocabulary, conventions).read(parse(text, vocabulary.lexicon)[0].sides[0]) == member


def test_what_is_no_declared_family_keeps_its_index_below():
    written = as_declared(words("h_t"))
    assert written(Member("g", (t,), (n,), ())) is None
    assert written(Member("h", (l, t), (n,), ())) is None
    assert latex(Member("g", (t,), (n,), ()), Conventions(), written) == "g_t"


@pytest.mark.parametrize(
    ("names", "text"),
    [(("#1_n", "k"), "1k"), (("k", "#2_n_l"), "k2"), (("#1_n", "#2_n"), "1,2"), (("#12_n", "#3_n"), "12,3"),
     (("#10_n",), "10"), (("#n_n", "i"), "ni")],
)  # fmt: skip
def test_a_number_as_a_component_is_printed_as_that_number(names, text):
    assert letters(*(sp.Symbol(name, integer=True) for name in names)) == text


def test_an_entry_of_a_matrix_at_numbers():
    first, k = sp.Symbol("#1_n", integer=True), sp.Symbol("k", integer=True)
    assert latex(Component(sp.MatrixSymbol("W", n, n), first, k)) == "W_{1k}"
