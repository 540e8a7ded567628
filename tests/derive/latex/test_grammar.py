"""The grammar: LALR(1) without conflicts, precedence as documented, errors at their place."""

import re
from importlib.resources import files

import pytest
from lark import Lark

from derive.errors import NotationError
from derive.latex import syntax
from derive.latex.lexicon import lexicon
from derive.latex.parser import parse


def test_the_grammar_is_lalr_without_conflicts():
    text = files("derive.latex").joinpath("grammar.lark").read_text(encoding="utf-8")
    Lark(text, parser="lalr", lexer="basic", start="start", strict=True)


def only_side(text, **names):
    (chain,) = parse(text, lexicon(**names))
    (side,) = chain.sides
    return side


def test_juxtaposition_binds_tighter_than_hadamard_and_hadamard_tighter_than_plus():
    """A B ⊙ C + D is ((A B) ⊙ C) + D."""
    total = only_side(r"A B \odot C + D")
    assert isinstance(total, syntax.Sum)
    first = total.terms[0][1]
    assert isinstance(first, syntax.Entrywise)
    assert isinstance(first.operands[0], syntax.Product)


def test_a_sum_sign_reaches_to_the_next_plus():
    """Σ_k a_k b_k + c is (Σ_k a_k b_k) + c."""
    total = only_side(r"\sum_{k=1}^{t} a_k b_k + c")
    assert isinstance(total, syntax.Sum)
    assert isinstance(total.terms[0][1], syntax.Big)
    assert isinstance(total.terms[1][1], syntax.Name)


def test_a_product_sign_takes_all_factors_behind_it():
    """A Π_i B_i C_i is A (Π_i (B_i C_i))."""
    product = only_side(r"A \prod_{i=1}^{t} B_i C_i")
    assert isinstance(product, syntax.Product)
    assert isinstance(product.factors[-1], syntax.Big)
    assert len(product.factors) == 2


def test_a_letter_is_a_function_only_if_declared():
    assert isinstance(only_side("f(x)", functions={"f"}), syntax.Apply)
    assert isinstance(only_side("f(x)"), syntax.Product)


@pytest.mark.parametrize(
    ("text", "start", "message"),
    [
        ("A ++ B", 3, "expected an operand"),
        ("(A = B", 5, "the formula ends here"),
        ("A)", 1, ") does not fit here"),
        (r"A \odot B \otimes C", 10, "say with brackets"),
        (r"\frac{A}{B", 9, "the formula ends here"),
        ("x_", 1, "is missing"),
        ("x_1_2", 3, "two subscripts"),
        (r"A \cdot", 2, "a product sign needs a factor on both sides"),
        (r"\operatorname{foo}(x)", 0, "the operator foo is not known"),
        ("", 0, "empty"),
        ("A § B", 2, "has no meaning here"),
        (r"\frac{\partial E}{W}", 0, "needs \\partial above and below"),
    ],
)
def test_an_error_names_its_place_and_what_was_expected(text, start, message):
    with pytest.raises(NotationError, match=re.escape(message)) as caught:
        parse(text)
    assert caught.value.start == start


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x" * 30_000, "the limit is"),
        ("{" * 100 + "x" + "}" * 100, "nested more than"),
        ("x_{" * 100 + "x" + "}" * 100, "nested more than"),
        ("1" * 50, "digits; the limit is"),
        ("+".join("x" for _ in range(4000)), "signs; the limit is"),
    ],
)
def test_size_depth_and_literals_are_limited(text, message):
    with pytest.raises(NotationError, match=message):
        parse(text)


@pytest.mark.parametrize("sign", ["\x00", "\x1b", "\x7f", "\ud800"])
def test_a_sign_that_no_text_can_hold_is_refused_at_its_place(sign):
    """SymPy makes names of what stands in a script, and fails on NUL and on half a character."""
    with pytest.raises(NotationError, match="control character or half a character") as caught:
        parse(f"A_{{{sign}}}")
    assert caught.value.start == 3
