"""Cells that nobody designed: the code of each against the complex step of its own equations."""

import pytest

from derive.code.lowering import Unsupported
from tests.derive.code.random_cells import check_cell


@pytest.mark.parametrize("seed", range(4))
def test_the_code_of_a_random_cell_is_right(seed):
    """Every entry of every gradient, at several lengths and batches, in both types, by both ways to use memory."""
    try:
        check_cell(seed)
    except Unsupported as refused:  # said, not wrong
        pytest.skip(str(refused))
