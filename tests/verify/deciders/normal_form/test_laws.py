"""Random formulas: rewritten by true laws they stay equal; after an edit the verdict is NumPy's."""

import numpy as np
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from derive.language.build import diag, hadamard, matadd, matmul, transpose
from derive.language.functions import elementwise
from derive.language.shapes import NODE_TYPES
from derive.model import Model
from verify.claim import Claim
from verify.deciders import normal_form
from verify.deciders.normal_form.build import TABLE
from verify.deciders.normal_form.canonical import canonical_term
from verify.deciders.normal_form.decide import Session
from verify.deciders.normal_form.term import Atom, Term

n = sp.Symbol("n", integer=True, positive=True)
NAMES = "ABC"
SYMBOLS = {name: sp.MatrixSymbol(name, n, n) for name in NAMES}
STATIC = Model({})
SIZE = 7
RANDOM = np.random.default_rng(5)
VALUES = {name: RANDOM.uniform(-1, 1, (SIZE, SIZE)) for name in NAMES}
F = {0: lambda a: np.sin(a) + a * a / 3, 1: lambda a: np.cos(a) + 2 * a / 3}

# A formula is a leaf or a tuple (operation, arguments …) over n×n matrices.
leaves = st.sampled_from(NAMES)
formulas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["+", "*", "⊙"]), inner, inner),
        st.tuples(st.sampled_from(["T", "f", "f'", "diag1", "2"]), inner),
    ),
    max_leaves=5,
)


def symbolic(formula):
    if isinstance(formula, str):
        return SYMBOLS[formula]
    operation, *args = formula
    parts = [symbolic(arg) for arg in args]
    one = sp.OneMatrix(n, 1)
    return {
        "+": lambda: matadd(*parts),
        "*": lambda: matmul(1 / n, *parts),
        "⊙": lambda: hadamard(*parts),
        "T": lambda: transpose(parts[0]),
        "f": lambda: elementwise("f")(parts[0]),
        "f'": lambda: elementwise("f").prime(parts[0]),
        "diag1": lambda: diag(matmul(parts[0], one)),
        "2": lambda: matmul(2, parts[0]),
    }[operation]()


def numeric(formula):
    if isinstance(formula, str):
        return VALUES[formula]
    operation, *args = formula
    parts = [numeric(arg) for arg in args]
    return {
        "+": lambda: parts[0] + parts[1],
        "*": lambda: parts[0] @ parts[1] / SIZE,
        "⊙": lambda: parts[0] * parts[1],
        "T": lambda: parts[0].T,
        "f": lambda: F[0](parts[0]),
        "f'": lambda: F[1](parts[0]),
        "diag1": lambda: np.diag(parts[0].sum(axis=1)),
        "2": lambda: 2 * parts[0],
    }[operation]()


def rewritten(formula, draw):
    """One true law at a drawn place, or the formula as it stands."""
    if isinstance(formula, str):
        return ("T", ("T", formula)) if draw(st.booleans()) else formula
    operation, *args = formula
    args = [rewritten(arg, draw) for arg in args]
    if operation in ("+", "⊙") and draw(st.booleans()):
        return (operation, args[1], args[0])
    if operation == "T" and not isinstance(args[0], str):
        inner, *parts = args[0]
        if inner == "*":
            return ("*", ("T", parts[1]), ("T", parts[0]))
        if inner in ("f", "f'", "2"):
            return (inner, ("T", parts[0]))
        if inner == "diag1":
            return args[0]
    if operation == "*" and not isinstance(args[1], str) and args[1][0] == "+":
        return ("+", ("*", args[0], args[1][1]), ("*", args[0], args[1][2]))
    if operation == "2":
        return ("+", args[0], args[0])
    return (operation, *args)


def edited(formula, draw):
    """One edit: a leaf exchanged or transposed, a factor order swapped, f for f'."""
    if isinstance(formula, str):
        return draw(st.sampled_from([("T", formula), *(name for name in NAMES if name != formula)]))
    operation, *args = formula
    if operation == "*" and draw(st.booleans()):
        return ("*", args[1], args[0])
    if operation in ("f", "f'") and draw(st.booleans()):
        return ("f'" if operation == "f" else "f", args[0])
    place = draw(st.integers(0, len(args) - 1))
    args[place] = edited(args[place], draw)
    return (operation, *args)


def decide(left, right):
    return normal_form.decide_at(Claim(symbolic(left), symbolic(right), STATIC), {}).outcome


@settings(deadline=None, derandomize=True, max_examples=120)
@given(formulas, st.data())
def test_true_laws_keep_the_form(formula, data):
    other = rewritten(formula, data.draw)
    assert decide(formula, other) == "equal"


@settings(deadline=None, derandomize=True, max_examples=200)
@given(formulas, st.data())
def test_an_edit_is_judged_as_numpy_judges_it(formula, data):
    """Equal and differ both agree with generic numbers at n = 7; products are AB/n on both sides."""
    other = edited(formula, data.draw)
    left, right = numeric(formula), numeric(other)
    close = np.allclose(left, right, rtol=1e-9, atol=1e-12)
    assert decide(formula, other) == ("equal" if close else "differ")


@settings(deadline=None, derandomize=True, max_examples=60)
@given(formulas)
def test_a_session_does_not_change_the_form(formula):
    """Forms of one session are equal however many formulas came before; text does not depend on the order."""
    first, second = Session(), Session()
    normal_form.normalise(symbolic(("*", "C", ("f", ("+", "B", "A")))), STATIC, session=second)
    texts = [str(normal_form.normalise(symbolic(formula), STATIC, session=session)) for session in (first, second)]
    again = normal_form.normalise(symbolic(formula), STATIC, session=first)
    assert str(again) == texts[0]
    assert again == normal_form.normalise(symbolic(("T", ("T", formula))), STATIC, session=first)


@settings(deadline=None, derandomize=True, max_examples=150)
@given(st.data())
def test_labels_and_order_do_not_matter(data):
    """Confluence: a term with its labels renamed and its factors shuffled has the same canonical form."""
    session = Session()
    size = session.store.size(n)
    atoms = [
        session.store.atom(
            Atom(
                "tensor",
                (name, None),
                (size, size),
                ((1, 0),) if name == "S" else (),
                "symmetric" if name == "S" else "",
            )
        )
        for name in "ABS"
    ]
    count = data.draw(st.integers(2, 6))
    label = st.integers(0, count - 1)
    factors = data.draw(st.lists(st.tuples(st.sampled_from(atoms), st.tuples(label, label)), min_size=1, max_size=8))
    opened = data.draw(st.lists(label, max_size=2))
    rename = data.draw(st.permutations(range(count)))
    order = data.draw(st.permutations(range(len(factors))))
    flips = data.draw(st.lists(st.booleans(), min_size=len(factors), max_size=len(factors)))
    moved = []
    for place in order:
        atom, (a, b) = factors[place]
        pair = (rename[b], rename[a]) if flips[place] and atom == atoms[2] else (rename[a], rename[b])
        moved.append((atom, pair))
    sizes = (size,) * count
    first = Term((), sizes, tuple(opened), tuple(factors))
    second = Term((), sizes, tuple(rename[label] for label in opened), tuple(moved))
    assert canonical_term(session.store, first) == canonical_term(session.store, second)


def test_every_node_of_the_language_has_a_row():
    assert {node.__name__ for node in NODE_TYPES} - {node.__name__ for node in TABLE} == set()


def test_forms_read_as_index_notation():
    form = normal_form.normalise(symbolic(("+", ("*", "A", ("f", "B")), ("2", ("T", "C")))), STATIC)
    assert str(form) == "2 C_ji + n^-1 Σ_a A_ia f(B)_aj"
    assert str(normal_form.normalise(sp.ZeroMatrix(n, n), STATIC)) == "0"
