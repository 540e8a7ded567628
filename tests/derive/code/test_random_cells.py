"""Generated code of cells that nobody thought of, against the complex step of a naive evaluation, every entry."""

import os
import random
import subprocess
import sys

import numpy as np
import pytest

from derive.code.lowering import Unsupported
from derive.code.numpy import numpy_source
from tests.derive.code.checked_cells import check_cell
from tests.derive.code.generated import loaded
from tests.derive.code.random_cells import drawn_cell
from verify.cells import system_of


@pytest.mark.parametrize("seed", [4, 13, 14, 20, 27, 28, 31, 33, 36, 37, 38, 123, 124, 230, 240, 274])
def test_drawn_cells(seed):
    """Every seed here gave a wrong gradient, a crash or a refusal once."""
    check_cell(seed, instances=2)


def module(folder, symbols, equations, memory="full"):
    """The generated module of a document."""
    path = folder / "cell.md"
    block = "\n".join(["```backproof", "symbols:", *(f"  '{k}': {v}" for k, v in symbols.items()), "time: 1..T"])
    given = ", ".join(f"g{at}" for at in range(len(equations)))
    lines = [rf"$${one} \tag{{g{at}}}$$" for at, one in enumerate(equations)]
    path.write_text("\n\n".join([f"{block}\ngiven: [{given}]\n```", *lines]), encoding="utf-8")
    return loaded(numpy_source(system_of(str(path), {}), memory), f"cell {folder.name} {memory}")


def arrays(seed=0, **shapes):
    rng = np.random.default_rng(seed)
    return {key: rng.normal(size=shape) for key, shape in shapes.items()}


def test_gradients_share_no_memory(tmp_path):
    """The gradient by x is y itself, that by y is x: neither is the caller's array, also where the loss is scaled."""
    symbols = {"x_t": "n", "z_t": "n", "y_t": "n", "s_t": "n", "W": "n x n", "E": "1"}
    equations = [
        "s_t = x_t + z_t + W s_{t-1}",
        r"E = \sum_{t=1}^{T} s_t^\top y_t",
    ]
    code = module(tmp_path, symbols, equations)
    for samples in (1, 2):
        inputs = arrays(x=(3, samples, 2), z=(3, samples, 2), y=(3, samples, 2), s0=(samples, 2), W=(2, 2))
        kept = {key: array.copy() for key, array in inputs.items()}
        once, twice = (code.gradients(inputs, {"E": np.float64(scale)}) for scale in (1, 2))
        for key, gradient in once.items():
            assert np.allclose(twice[key], 2 * gradient, rtol=1e-12, atol=0), key
            gradient += 1
        for key, array in inputs.items():
            assert np.array_equal(array, kept[key]), key
        assert not np.shares_memory(once["x"], once["z"])


def test_names_that_code_cannot_tell_apart(tmp_path):
    """W and a bold W have one key."""
    symbols = {"x_t": "n", "s_t": "n", "W": "n x n", r"\mathbf{W}": "n x n", "E": "loss(each s)"}
    with pytest.raises(Unsupported, match="are both called W in code"):
        module(tmp_path, symbols, [r"s_t = \tanh(W x_t + \mathbf{W} s_{t-1})"])


def test_no_input_says_how_many_steps(tmp_path):
    """A cell that runs by itself has no T."""
    symbols = {"s_t": "n", "W": "n x n", "E": "loss(each s)"}
    with pytest.raises(Unsupported, match="nothing says how many steps"):
        module(tmp_path, symbols, [r"s_t = \tanh(W s_{t-1})"])


def test_the_same_bytes_in_every_process(tmp_path):
    """The order of Python's sets is no part of what is printed."""
    (tmp_path / "cell.md").write_text(drawn_cell(13).document(), encoding="utf-8")
    run = [sys.executable, "-c", "from verify.cli import main; main()"]
    command = [*run, "derive", str(tmp_path / "cell.md"), "--as", "numpy"]
    found = {
        subprocess.run(command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("0", "1", "2")
    }
    assert len(found) == 1
    assert b"def backward_many" in found.pop()


def test_a_drawn_cell_is_the_same_each_time():
    """Seeds name cells: the documents are equal, and draws do not share a state."""
    random.seed(1)
    first = drawn_cell(5).document()
    random.seed(2)
    assert drawn_cell(5).document() == first
