"""The lines of backpropagation that belong to an audit's truth, and those of its neighbours in the registry.

A truth of a named model rests on the hand-written reference and carries no formulas. So the systems that derive knows
are tried: one belongs to the truth if it reads the same inputs and gives the same gradients on a tiny instance. What
is not found has no lines: then errors are located, and not explained.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from derive.errors import BackproofError
from derive.language.functions import OPAQUE
from derive.language.keys import plain_key
from derive.language.nodes import Elementwise
from derive.language.show import show_name
from derive.model import Equation, Model
from derive.models.registry import choices_of
from derive.models.systems import system, systems
from verify.audit.backward_formulas import Formulas, formulas
from verify.audit.evaluation import Unsupported
from verify.audit.formula_run import Run
from verify.audit.instance import BATCH, Instance
from verify.audit.truth import Truth, widened

ACTIVATIONS = ("tanh", "sigmoid", "relu", "identity", "leaky relu", "softplus", "gelu")
CHOICES: Mapping[str, tuple[Any, ...]] = {
    "bias": (True, False),
    "activation": ACTIVATIONS,
    "output": ("identity", "relu", "softmax"),
    "peepholes": (False, True),
    "coupled": (False, True),
    "update": ("z", "1-z"),
    "reset": ("after", "before"),
}
NEAR = 1e-9  # of one formula evaluated in two orders, relative to the largest entry, on a tiny instance


@dataclass(frozen=True, eq=False)
class TruthLines:
    """`plain` as code computes them, `expanded` multiplied out; `variants` are other models of the same inputs."""

    plain: Formulas
    expanded: Formulas
    variants: Mapping[str, Formulas]


def lines_of(truth: Truth, instance: Instance) -> TruthLines | None:
    """The lines that give the truth's gradients on an instance, None where none are known."""
    if "T" not in truth.letters:
        return None
    instance = replace(instance, inputs=widened(instance.inputs), cotangents=widened(instance.cotangents))
    expected = truth.run(instance.inputs, instance.cotangents)
    found: tuple[Formulas, Formulas] | None = None
    variants = {}
    for name, equations, time in _candidates(truth):
        plain = _derived(equations, tuple(truth.outputs), time, False) if _may_read(equations, instance) else None
        if plain is None or not reads(plain, instance):
            continue
        if not gives(plain, instance, expected):
            variants[name] = plain
        elif found is None:
            expanded = _derived(equations, tuple(truth.outputs), time, True)
            found = None if expanded is None else (plain, expanded)
    return None if found is None else TruthLines(*found, variants)


def _may_read(equations: tuple[Equation, ...], instance: Instance) -> bool:
    """Whether every parameter that the equations of steps write is an input: a look before deriving.

    A variant may do without some, as the GRU that resets before its product does without c_n.
    """
    leaves = (leaf for e in equations if e.index is not None for leaf in e.leaves)
    written = {plain_key(str(leaf.name)) for leaf in leaves if _is_parameter(leaf)}
    arrays = {key for key, array in instance.inputs.items() if BATCH not in instance.written.get(key, BATCH).split()}
    return written <= arrays


def _is_parameter(leaf: Any) -> bool:
    return isinstance(leaf, sp.MatrixSymbol) or not leaf.indices


@lru_cache(maxsize=64)
def _derived(equations: tuple[Equation, ...], outputs: tuple[str, ...], time: Any, expanded: bool) -> Formulas | None:
    """The lines of equations, None where derive has none."""
    try:
        return formulas(equations, outputs, time, expanded)
    except (BackproofError, KeyError, ValueError):
        return None


def reads(lines: Formulas, instance: Instance) -> bool:
    """Whether the lines have gradients of inputs and of nothing else."""
    return {*lines.gradients, *lines.initial} <= set(instance.inputs)


def gives(lines: Formulas, instance: Instance, expected: Mapping[str, Any]) -> bool:
    """Whether the lines give the expected gradients."""
    run = Run(lines, instance.inputs, instance.cotangents)
    try:
        return all(np.abs(run.gradient(key) - g).max() <= NEAR * np.abs(g).max() for key, g in expected.items())
    except (Unsupported, ValueError, KeyError):
        return False


def _candidates(truth: Truth) -> Iterator[tuple[str, tuple[Equation, ...], Any]]:
    """Models by what they are: a document's own, or the systems of the truth's name with all their choices."""
    own = getattr(truth.forward, "__self__", None)
    model = getattr(own, "model", None)
    if isinstance(model, Model):
        chosen = dict(getattr(getattr(own, "functions", None), "chosen", ()))
        yield truth.name, tuple(_closed(e, chosen) for e in model.forward), model.time
        return
    if truth.name not in systems():
        return
    known = choices_of(truth.name)
    has_output = "V" in truth.shapes and truth.name == "rnn"
    options = {key: values for key, values in CHOICES.items() if key in known and (key != "output" or has_output)}
    fixed = {"loss": "outputs" if has_output else "every"} if "loss" in known else {}
    for values in product(*options.values()):
        choices = dict(zip(options, values, strict=True))
        try:
            built = system(truth.name, **choices, **fixed).model
        except BackproofError:
            continue
        told = [_chosen(key, value) for key, value in choices.items() if value is not False]
        for kinds in product(ACTIVATIONS, repeat=len(opened := _opened(built))):
            known_ones = dict(zip(opened, kinds, strict=True))
            name = ", ".join([*told, *(_chosen(show_name(key), kind) for key, kind in known_ones.items())])
            yield f"{truth.name}({name})", tuple(_closed(e, known_ones) for e in built.forward), built.time


def _chosen(key: str, value: Any) -> str:
    return key if value is True else f"{key}={value}"


def _opened(model: Model) -> list[str]:
    """The functions that a system leaves open."""
    nodes = (node for e in model.forward if e.index is not None for node in sp.preorder_traversal(e.right))
    return list(dict.fromkeys(node.name for node in nodes if isinstance(node, Elementwise) and node.kind == OPAQUE))


def _closed(equation: Equation, chosen: Mapping[str, str]) -> Equation:
    """The functions that a document leaves open are known ones."""
    opened = {
        node: Elementwise(node.args[0], chosen[node.name], node.order, node.argument)
        for node in sp.preorder_traversal(equation.right)
        if isinstance(node, Elementwise) and node.name in chosen
    }
    if not opened:
        return equation
    right = equation.right.xreplace(opened)
    return Equation(equation.left, right, equation.index, equation.first, equation.last, equation.id)
