"""Where a recurrent system's loss looks: at its last state, at every state, or at outputs that are read off a state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sympy as sp

from derive.errors import BackproofError
from derive.language.build import matadd, matmul, negate, sequence, transpose
from derive.language.nodes import Elementwise, Softmax, TimeSum
from derive.model import Loss, Model
from derive.models.letters import STEPS, E, k, p, t

SCOPES = {"last": "the last state", "every": "every state", "outputs": "the outputs"}


@dataclass(frozen=True)
class Scope:
    """The equations that a loss adds to a cell's, the opaque loss where no formula gives it, targets that sum to 1."""

    equations: dict[Any, Any]
    loss: Loss | None
    sum_one: tuple[str, ...] = ()

    def of(self, cell: dict[Any, Any]) -> Model:
        """The model of a cell under this loss."""
        return Model(cell | self.equations, loss=self.loss, time=STEPS)


def scope(loss: str, state: Any, readout: bool = True) -> Scope:
    """`last`, `every`: an opaque loss of a state. `outputs`: q_t = V h_t + d, ŷ_t = softmax(q_t), cross-entropy.

    `readout` says whether the system can be read out. Raises BackproofError for another word.
    """
    choices = [word for word in SCOPES if readout or word != "outputs"]
    if loss not in choices:
        raise BackproofError(f"loss is one of {', '.join(choices)}, not {loss!r}")
    if loss == "last":
        return Scope({}, Loss.last(state))
    if loss == "every":
        return Scope({}, Loss.every(state))
    V, d = sp.MatrixSymbol("V", p, state.rows[0]), sp.MatrixSymbol("d", p, 1)
    q, predicted, y = sequence("q", p), sequence("\\hat{y}", p), sequence("y", p)
    logarithm = Elementwise("\\log", "log", 0, predicted[k])
    total = TimeSum(matmul(transpose(y[k]), logarithm), k, STEPS.first, STEPS.last)
    equations = {q[t]: matadd(matmul(V, state[t]), d), predicted[t]: Softmax(q[t]), E: negate(total)}
    return Scope(equations, None, ("y",))
