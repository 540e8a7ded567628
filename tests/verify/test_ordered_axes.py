"""Constants beside vec and ⊗: 0, 1 and I take an axis n·m as it is ordered there."""

import pytest

from verify.document.statements import read
from verify.judge import Judge
from verify.limits import Effort

HEAD = """```backproof
symbols: {U: n x m, B: n x m, A: n x n, X: m x m, b: m, 'σ': sigmoid}
layout: numerator
matrix: family
vec: column
```
"""


def verdict(formula):
    entries = Judge(read("notes.md", f"{HEAD}$${formula}$$\n"), Effort(examples=4, repair_seconds=0)).entries()
    (entry,) = entries
    return entry.verdict


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"\frac{\partial \operatorname{vec} B}{\partial \operatorname{vec} U} = 0", "proved"),
        (r"\frac{\partial \operatorname{vec} B}{\partial \operatorname{vec} B} = I", "proved"),
        (r"\frac{\partial \operatorname{vec} B}{\partial \operatorname{vec} B} = 0", "refuted"),
        (r"A \otimes b + 0 = A \otimes b", "proved"),
        (r"A \otimes X - A \otimes X = 0", "proved"),
        (r"A \otimes X - X \otimes A = 0", "refuted"),
        (r"\operatorname{vec}(B) - 2 \operatorname{vec}(B) = 0", "refuted"),
        (r"\operatorname{vec}(B) + 1 = \operatorname{vec}(B + 1)", "proved"),
        (r"\operatorname{vec}(B) + 1 = \operatorname{vec}(B)", "refuted"),
        (r"\mathbf{1}^\top \operatorname{vec}(B) = \mathbf{1}^\top B \mathbf{1}", "proved"),
        (r"I (A \otimes X) = A \otimes X", "proved"),
        (r"I_{n m} \operatorname{vec}(B) = \operatorname{vec}(B)", "proved"),
        (r"I_{m n} \operatorname{vec}(B) = \operatorname{vec}(B)", "proved"),
        (r"I_{n n} \operatorname{vec}(B) = \operatorname{vec}(B)", "refuted"),
        (r"\mathbf{1}_{n m}^\top \operatorname{vec}(B) = \mathbf{1}^\top B \mathbf{1}", "proved"),
        (r"\mathbf{1}_{nm}^\top \operatorname{vec}(B) = \mathbf{1}^\top B \mathbf{1}", "unreadable"),
        (r"\max(0, \operatorname{vec}(B)) = \operatorname{vec}(\max(0, B))", "proved"),
    ],
)
def test_a_constant_has_the_order_of_its_neighbours(formula, expected):
    """vec(B) - vec(B) = 0 is no matter of shapes."""
    found = verdict(formula)
    assert found.verdict == expected, found.message
