"""Names of a formula that are words of the generated module too: the module keeps them, the formula gets others."""

import ast
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from derive.code.lowering import Unsupported
from derive.code.numpy import numpy_source
from tests.derive.code.generated import drawn, generated, loaded, shapes
from verify.cells import system_of

PLAIN = ("x", "s", "U", "W", "b")
SIZES = {"T": 5, "m": 2, "n": 3}
CELL = """# A cell

```backproof
symbols: {{{x}_t: m, {s}_t: {n}, {U}: {n} x m, {W}: {n} x {n}, {b}: {n}}}
time: 1..T
given: [cell]
```

$${s}_t = \\tanh({U} {x}_t + {W} {s}_{{t-1}} + {b}) \\tag{{cell}}$$
"""


def source(folder, names, memory="full", size="n"):
    """The module of an RNN with names of one's own."""
    path = folder / "cell.md"
    path.write_text(CELL.format(**dict(zip(PLAIN, names, strict=True)), n=size), encoding="utf-8")
    return numpy_source(system_of(str(path), {}), memory)


def gradients(module, names, samples):
    """All gradients at the same numbers, in the order of PLAIN with the first state last."""
    letters, outputs = shapes(module)
    sizes, rng = SIZES | {"B": samples}, np.random.default_rng(samples)
    keys = [key for name in names for key in letters if key == name]
    keys += [key for key in letters if key not in keys]
    inputs = drawn({key: letters[key] for key in keys}, sizes, rng)
    found = module.gradients(inputs, drawn(outputs, sizes, rng), threads=min(2, samples))
    return [found[key] for key in keys]


@cache
def words():
    """The words that modules of an RNN read or bind, in both forms and with either use of memory; builtins too."""
    found = {"first", "last"}  # what the ends of time are called
    for memory in ("full", "sqrt"):
        for node in ast.walk(ast.parse(Path(generated("rnn", memory).__file__).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Name | ast.arg | ast.FunctionDef):
                found.add(getattr(node, {ast.Name: "id", ast.arg: "arg"}.get(type(node), "name")))
    return sorted(word for word in found if word.isalpha() and len(word) > 1)


def test_the_words_are_many():
    """Those which are checked below are the module's, not a list of one's own."""
    assert {"found", "fits", "run", "size", "KEYS", "WINDOW", "max", "zip", "tanh", "whole", "samples"} <= set(words())


@pytest.mark.parametrize("turn", [0, 2], ids=["each in one place", "each in another"])
def test_a_formula_may_use_the_words_of_the_module(turn, tmp_path):
    """Input, state, matrices and bias by such words, five at a time: every gradient as by plain names, bit by bit."""
    chosen = words() + words()[: -len(words()) % 5]
    for memory in ("full", "sqrt"):
        plain = loaded(source(tmp_path, PLAIN, memory), f"plain {memory}")
        for at in range(0, len(chosen), 5):
            five = chosen[at : at + 5]
            names = (*five[turn:], *five[:turn])
            module = loaded(source(tmp_path, names, memory), f"{' '.join(names)} {memory}")
            for samples in (1, 3):
                pairs = zip(gradients(module, names, samples), gradients(plain, PLAIN, samples), strict=True)
                assert all(np.array_equal(mine, theirs) for mine, theirs in pairs), (names, memory, samples)


@pytest.mark.parametrize("letter", ["T", "B"])
def test_a_size_by_the_letter_of_steps_or_samples_is_refused(letter, tmp_path):
    """Not a module that Python cannot read."""
    with pytest.raises(Unsupported, match=f"a size is called {letter}"):
        source(tmp_path, PLAIN, size=letter)
