"""The error term against the time lag: why gradients vanish or explode.

In a recurrent network δ_k = Π (diag f'(Net_i) Wᵀ) δ_t, so ‖δ_k‖ ≤ ‖δ_t‖ (‖W‖ max|f'|)^{t-k} (Pascanu, Mikolov and
Bengio 2013; equation 2.11 of the derivation in the built-in suite's source). Computed with `verify.reference`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, erf, exp, floor, log10, pi, sqrt
from typing import Any

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from derive.language.functions import OPAQUE
from derive.language.laws import law_of
from derive.language.nodes import Elementwise, Member
from derive.language.show import show_name
from derive.model import Equation, Model
from verify.pictures.axes import Axes, power
from verify.pictures.labels import Label
from verify.pictures.picture import NoPicture, Picture, file_name
from verify.pictures.svg import ACCENT, INK, MUTED, SECOND, Drawing, Point
from verify.reference import rnn
from verify.reference.activations import ACTIVATIONS, Activation

N, M, STEPS, SEED = 8, 4, 30, 0
FALLS, GROWS = (0.6, 0.9), (1.05, 1.3)  # least and greatest singular value of the two matrices, times max|f'|
SMALL = 1e-6  # inputs that keep every Net near the place of the steepest slope
LOWEST = 1e-9  # of what is drawn
# where each slope is greatest (for softplus, whose slope only tends to 1, nearly so), and its least upper bound
STEEPEST: dict[str, tuple[float, float]] = {
    "tanh": (0.0, 1.0),
    "sigmoid": (0.0, 0.25),
    "identity": (0.0, 1.0),
    "relu": (1.0, 1.0),
    "leaky relu": (1.0, 1.0),
    "softplus": (6.0, 1.0),
    # gelu'' = φ(z) (2 - z²) vanishes at √2
    "gelu": (sqrt(2), (1 + erf(1.0)) / 2 + sqrt(2) * exp(-1) / sqrt(2 * pi)),
}


@dataclass(frozen=True)
class Run:
    """One run of the reference network: its W, ‖δ_k‖/‖δ_t‖ by lag t - k, and ‖W‖ max|f'|, the bound's factor."""

    name: str
    W: NDArray[np.float64]
    factor: float
    ratios: NDArray[np.float64]

    @property
    def bound(self) -> NDArray[np.float64]:
        """(‖W‖ max|f'|)^{t-k} by lag."""
        return np.asarray(self.factor ** np.arange(len(self.ratios)))


def vanishing_picture(models: Iterable[Model]) -> Picture:
    """Drawn for a document with a model Net_t = … + W s_{t-1} + …, s_t = f(Net_t), f an elementwise activation.

    An f of which only differentiability is known is drawn as tanh. Raises `NoPicture` where no model is of that form.
    """
    for model in models:
        kind = recurrent_activation(model)
        if kind == OPAQUE or kind in STEEPEST:
            return _picture("tanh" if kind == OPAQUE else kind, kind == OPAQUE)
    raise NoPicture("no recurrent network with an elementwise activation")


def recurrent_activation(model: Model) -> str:
    """The kind of f in s_t = f(… + W s_{t-1} + …), with or without a name for the argument; else empty."""
    for state in model.forward:
        if state.index is None or not isinstance(state.right, Elementwise) or state.right.order != 0:
            continue
        if law_of(state.right) is not None:
            continue  # of a function of the document's own max|f'| is not known
        argument = state.right.argument
        if isinstance(argument, Member) and argument.indices and argument.time == state.index:
            argument = model.definition(argument)
        if argument is not None and _is_recurrent(argument, state, model):
            return state.right.kind
    return ""


def _is_recurrent(argument: Any, state: Equation, model: Model) -> bool:
    """W s_{t-1} is a term, W a parameter, and no other term reads what is computed."""
    terms = argument.args if isinstance(argument, sp.MatAdd) else (argument,)
    assert isinstance(state.left, Member)
    before = state.left.at(state.left.time - 1)
    looping = [
        term for term in terms if isinstance(term, sp.MatMul) and term.args[-1] == before and len(term.args) == 2
    ]
    others = [term for term in terms if term not in looping]
    is_parameter = len(looping) == 1 and isinstance(looping[0].args[0], sp.MatrixSymbol)
    computed = {node.name for t in others for node in sp.preorder_traversal(t) if hasattr(node, "name")} & set(
        model.by_name
    )
    return is_parameter and looping[0].args[0].name not in model.by_name and not computed


def runs(kind: str) -> tuple[Run, ...]:
    """A W that is small, one that is not, and, where f is not linear, the latter with inputs of ordinary size."""
    steepest, slope = STEEPEST[kind]
    rng = np.random.default_rng(SEED)
    left, right = (np.linalg.qr(rng.standard_normal((N, N)))[0] for _ in range(2))
    U, x, cotangent = (rng.standard_normal(shape) for shape in ((N, M), (STEPS, 1, M), (1, N)))
    cases = [("small W", FALLS, SMALL), ("large W", GROWS, SMALL), ("large W and inputs", GROWS, 1.0)]
    made = []
    for name, span, size in cases[: 2 if kind == "identity" else 3]:
        W = left @ np.diag(np.linspace(*span, N) / slope) @ right
        f = ACTIVATIONS[kind]
        start = f.value(np.full((1, N), steepest))
        inputs = {"x": size * x, "s0": start, "U": U, "W": W, "b": steepest - start[0] @ W.T}
        made.append(Run(name, W, span[1], _ratios(inputs, f, cotangent)))
    return tuple(made)


def _ratios(inputs: dict[str, Any], f: Activation, cotangent: Any) -> NDArray[np.float64]:
    """‖δ_k‖/‖δ_t‖ by lag, of a loss on the last state with this derivative."""
    values = rnn.forward(inputs, f)
    direct = np.zeros_like(values["s"])
    direct[-1] = cotangent
    deltas = rnn.backward(inputs, values, {"s": direct}, f)["Net"]
    norms = np.linalg.norm(deltas[::-1, 0], axis=-1)
    return np.asarray(norms / norms[0])


def _picture(kind: str, is_opaque: bool) -> Picture:
    drawn = runs(kind)
    values = np.concatenate([*(run.ratios for run in drawn), *(run.bound for run in drawn)])
    low, high = floor(log10(max(float(values[values > 0].min()), LOWEST))), ceil(log10(float(values.max())))
    axes = Axes(80, 20, 430, 300, (0, STEPS - 1), (low, high), is_log=True)
    drawing = Drawing(740, 372)
    step = max(1, ceil((high - low) / 9))
    axes.frame(drawing, range(0, STEPS, 5), range(low, high + 1, step), "time lag t − k", "‖δₖ‖ / ‖δₜ‖")
    for run in drawn[:2]:
        drawing.curve([axes.place(lag, float(y)) for lag, y in enumerate(run.bound)], INK, 1.2, "6 4", "bound")
    for number, run in enumerate(drawn):
        for lag, ratio in enumerate(run.ratios):
            if ratio >= 10.0**low:
                _mark(drawing, axes.place(lag, float(ratio)), number)
    _legend(drawing, drawn)
    return _worded(drawing, kind, is_opaque, drawn)


def _mark(drawing: Drawing, at: Point, number: int) -> None:
    """A shape of its own for each run: a circle, a square, a triangle."""
    x, y = at
    if number == 0:
        drawing.dot(at, 2.8, ACCENT, ACCENT, "point small")
    elif number == 1:
        drawing.box((x - 2.8, y - 2.8), 5.6, 5.6, fill=SECOND, stroke=SECOND, kind="point large")
    else:
        drawing.area([(x - 3.4, y + 2.8), (x + 3.4, y + 2.8), (x, y - 3.6)], MUTED, "point inputs")


def _legend(drawing: Drawing, drawn: tuple[Run, ...]) -> None:
    x = 534.0
    for number, run in enumerate(drawn):
        _mark(drawing, (x, 40.0 + 26 * number), number)
        drawing.label((x + 14, 40.0 + 26 * number), run.name, 12.5, "start")
    y = 40.0 + 26 * len(drawn)
    drawing.line((x - 8, y), (x + 8, y), INK, 1.2, "6 4")
    drawing.label((x + 14, y), Label("bound (‖W‖ max|f′|)", above="t−k"), 12.5, "start")


def _worded(drawing: Drawing, kind: str, is_opaque: bool, drawn: tuple[Run, ...]) -> Picture:
    slope = STEEPEST[kind][1]
    norms = [f"{run.factor / slope:.3g}" for run in drawn]
    name = f"f = {show_name(kind)}" + (
        ", standing for an f of which only differentiability is known" if is_opaque else ""
    )
    caption = (
        f"The norm of the error term δ_k against the time lag t − k, with ‖δ_k‖ ≤ ‖δ_t‖ (‖W‖ max|f′|)^(t−k): {name}, "
        f"max|f′| = {slope:.4g}, n = {N}, m = {M}, {STEPS} steps, loss on the last state, seed {SEED}. "
        f"Circles: W of norm {norms[0]}, the gradient vanishes. Squares: W of norm {norms[1]}, the gradient explodes; "
        f"both with inputs of size {power(round(log10(SMALL)))}, which leave f where its slope is greatest."
    )
    if len(drawn) > 2:
        caption += " Triangles: the large W with inputs of size 1, which take f where it is flat."
    seen = [
        f"{shape} at {run.ratios[-1]:.2g} under a bound of {run.bound[-1]:.2g}"
        for shape, run in zip(("circles", "squares", "triangles"), drawn, strict=False)
    ]
    alt = f"A plot on a logarithmic axis, from 1 at lag 0. At lag {STEPS - 1}: {'; '.join(seen)}."
    svg = drawing.svg("The norm of the error term against the time lag", alt)
    return Picture(file_name(kind.replace(" ", "-"), "vanishing"), svg, caption, alt)
