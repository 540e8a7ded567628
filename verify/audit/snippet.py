"""A failing instance as a complete Python program: it calls the function and prints what it gives beside what is right.

The program needs NumPy and the function alone. It exits with 1 while some entry is beyond the bound of its rounding.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from verify.audit.instance import Instance, told_sizes
from verify.audit.running import allowance
from verify.audit.subject import Subject
from verify.audit.truth import Truth, widened
from verify.reference.sequences import Array


def snippet(subject: Subject, truth: Truth, instance: Instance, keys: tuple[str, ...]) -> str:
    """The program for some wrong gradients of a function on an instance."""
    inputs, cotangents = widened(instance.inputs), widened(instance.cotangents)
    expected = truth.run(inputs, cotangents)
    unit = allowance(instance.dtype)
    bounds = {key: unit * array for key, array in truth.bounds(inputs, cotangents).items()}
    dtype, sizes = instance.dtype.name, told_sizes(instance.sizes)
    lines = [
        f'"""{subject.name} against {truth.name}: a small input on which it is wrong ({sizes})."""',
        "",
        "import sys",
        "",
        "import numpy as np",
        *_imports(subject),
        "",
        f"inputs = {_arrays(instance.inputs, dtype)}",
        f"cotangents = {_arrays(instance.cotangents, dtype)}",
        f"expected = {_arrays({key: expected[key] for key in keys}, 'float64')}",
        "# of rounding, entry by entry",
        f"bounds = {_arrays({key: _rounded_up(bounds[key]) for key in keys}, 'float64')}",
        "",
        *_call(subject, instance),
        "is_wrong = False",
        "for key, right in expected.items():",
        f"    value = {_as_numpy(subject)}",
        "    is_right = value.shape == right.shape and bool((np.abs(value - right) <= bounds[key]).all())",
        "    is_wrong |= not is_right",
        "    print(f\"{key}: {'right' if is_right else 'WRONG'}\\ngot\\n{value}\\nexpected\\n{right}\\n\")",
        "sys.exit(1 if is_wrong else 0)",
    ]
    return "\n".join(lines) + "\n"


def _rounded_up(bounds: Array) -> Array:
    """Two digits, not less."""
    return np.array([float(f"{1.05 * bound:.1e}") for bound in bounds.ravel()]).reshape(bounds.shape)


def _imports(subject: Subject) -> list[str]:
    extra = {"torch": ["import torch"], "jax": ["import jax", 'jax.config.update("jax_enable_x64", True)']}
    module, _, name = subject.name.partition(":")
    if module.endswith(".py"):
        path = Path(module).resolve()
        source = [f"sys.path.insert(0, {str(path.parent)!r})", *_of_module(path.stem, name)]
    elif re.fullmatch(r"[^\W\d][\w.]*:[^\W\d][\w.]*", subject.name):
        source = _of_module(module, name)
    else:
        source = [
            f"# bring your function here under this name: from … import {subject.name.rpartition('.')[2]} as function"
        ]
        source.append("function = None")
    return [*extra.get(subject.arrays, []), *source]


def _of_module(module: str, name: str) -> list[str]:
    """How a function is imported: by a statement, or by its name where that is no name of Python (`my rnn.py`)."""
    if all(part.isidentifier() for part in (*module.split("."), name)):
        return [f"from {module} import {name} as function"]
    return ["from importlib import import_module", f"function = import_module({module!r}).{name}"]


def _arrays(arrays: Mapping[str, Array], dtype: str) -> str:
    entries = [f"    {key!r}: {literal(array, dtype)}," for key, array in arrays.items()]
    return "\n".join(["{", *entries, "}"])


def literal(array: Array, dtype: str) -> str:
    """An array as Python, every digit kept; an array of zeros by its shape."""
    if array.size and not array.any():
        return f"np.zeros({array.shape}, dtype=np.{dtype})"
    return f"np.array({_numbers(array.tolist())}, dtype=np.{dtype})"


def _numbers(nested: Any) -> str:
    if isinstance(nested, list):
        return f"[{', '.join(map(_numbers, nested))}]"
    return repr(float(nested))


def _call(subject: Subject, instance: Instance) -> list[str]:
    make = {"numpy": "{}", "torch": "torch.from_numpy({})", "jax": "jax.numpy.asarray({})"}[subject.arrays]
    lines = []
    if subject.arrays != "numpy":
        lines = [
            f"inputs = {{key: {make.format('array')} for key, array in inputs.items()}}",
            f"cotangents = {{key: {make.format('array')} for key, array in cotangents.items()}}",
        ]
    names = _names(subject)
    arguments = "inputs, cotangents" if names is None else ", ".join(
        f"{name}={'inputs' if kind == 'input' else 'cotangents'}[{key!r}]" for name, (kind, key) in names.items()
    )  # fmt: skip
    lines.append(f"got = function({arguments})")
    if subject.order:
        lines += ["if not isinstance(got, dict):", f"    got = dict(zip({list(subject.order)!r}, got))"]
    return lines


def _names(subject: Subject) -> Mapping[str, tuple[str, str]] | None:
    """The keys by which a function is called, None where it takes two dicts."""
    if not inspect.isfunction(subject.call) or subject.call.__module__ != Subject.__module__:
        return None
    used = inspect.getclosurevars(subject.call).nonlocals.get("used")
    return used if isinstance(used, dict) else None


def _as_numpy(subject: Subject) -> str:
    plain = "got[key]"
    return f"{plain}.detach().numpy()" if subject.arrays == "torch" else f"np.asarray({plain})"
