"""Activations: the Jacobian of each, and what its derivative is in its own value."""

from __future__ import annotations

from functools import partial

from derive.derivation import Derivation, jacobian
from derive.language.build import sequence
from derive.language.functions import KINDS, elementwise
from derive.language.nodes import Softmax
from derive.model import Model
from derive.models.letters import STEPS, n, t
from derive.models.registry import Options, Quantity, System, register
from derive.rules.elementwise import derivative_rule
from derive.rules.rewriting import step

ACTIVATIONS = ("tanh", "sigmoid", "relu", "leaky relu", "softplus", "gelu", "identity", "softmax")


def activation_derivative(model: Model, options: Options | None = None, kind: str = "tanh") -> Derivation:
    """f'(z) in terms of f(z): tanh' = 1 - tanh ⊙ tanh. `model` is where z_t lives."""
    f, z = elementwise("f", kind), sequence("z", n)[t]
    left, right = f.prime(z), derivative_rule(kind)(f(z), z)
    return Derivation(left, right, (step([derivative_rule(kind)], left, right),), model)


def _system(kind: str) -> System:
    z, a = sequence("z", n), sequence("a", n)
    model = Model({a[t]: Softmax(z[t]) if kind == "softmax" else elementwise("f", kind)(z[t])}, time=STEPS)
    asked = [Quantity("A1", "z", lambda model, o: jacobian(model, a[t], z[t], layout=o.layout))]
    if kind in KINDS and kind != "relu":
        asked.append(Quantity("A2", "z", partial(activation_derivative, kind=kind)))
    return System(kind, f"the activation {kind}", model, tuple(asked))


for _kind in ACTIVATIONS:
    register(_kind)(partial(_system, _kind))
