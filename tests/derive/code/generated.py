"""Modules of generated code, loaded; their shapes; and what they are compared with."""

import importlib.util
import re
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from derive.code.numpy import numpy_source
from derive.models.systems import system
from verify.audit import running

_FOLDER = tempfile.TemporaryDirectory()


def loaded(source, name):
    """The module of a source, by way of a file: tracebacks then show its lines."""
    path = Path(_FOLDER.name) / f"{re.sub(r'[^0-9A-Za-z]+', '_', name)}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def generated(name, memory="full", **choices):
    """The module that `derive NAME --as numpy` prints."""
    return loaded(numpy_source(system(name, **choices), memory), f"{name} {memory} {sorted(choices.items())}")


def shapes(module):
    """The shapes of inputs and outputs, as a module says at its head: key -> the sizes' letters."""
    found = []
    for title in ("inputs", "outputs"):
        text = re.search(rf"^{title}: (.*?)(?=\n\S|\Z)", module.__doc__, re.S | re.M).group(1)
        found.append({key: re.findall(r"[^\s,()]+", inner) for key, inner in re.findall(r"(\w+) \(([^)]*)\)", text)})
    return found


def drawn(letters, sizes, rng, dtype=np.float64):
    """Arrays of some shapes, small enough that nothing saturates."""
    return {key: (rng.normal(size=[sizes[one] for one in shape]) / 2).astype(dtype) for key, shape in letters.items()}


def check_agree(found, run, inputs, cotangents, dtype=np.float64):
    """Every entry of every gradient is the one of `run`, but for roundings that the arithmetic explains."""
    wide = [{key: np.asarray(array, np.float64) for key, array in arrays.items()} for arrays in (inputs, cotangents)]
    expected, bounds = run(*wide), running.bounds(run, *wide)
    assert set(found) <= set(expected)
    for key, array in found.items():
        assert array.dtype == dtype, key
        assert array.shape == np.shape(inputs[key]), key
        off = np.abs(np.asarray(array, np.float64) - expected[key])
        assert np.all(off <= running.allowance(np.dtype(dtype)) * bounds[key]), (key, off.max())
