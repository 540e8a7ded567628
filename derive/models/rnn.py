"""The recurrent network: Net_t = U x_t + W s_{t-1} (+ b), s_t = f(Net_t), with or without an output layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from derive.derivation import Derivation, block, family, jacobian
from derive.errors import BackproofError
from derive.language.build import matadd, matmul, vec
from derive.language.functions import elementwise
from derive.model import Loss, Model
from derive.models.letters import STEPS, U, V, W, b, c, k, net, s, t, x, z
from derive.models.losses import by_z, output_equations, output_loss, targets
from derive.models.registry import Options, Quantity, System, register
from derive.recurrence import delta, gradient
from derive.unroll import unrolled

LOSSES = ("last", "every", "outputs")


@register("rnn")
def rnn(loss: str = "last", bias: bool = False, output: str = "softmax", activation: str = "opaque") -> System:
    """The recurrent network with a loss on the last state, on every state, or on the outputs.

    `output` (softmax, relu, identity, opaque) is read with `loss="outputs"` alone: softmax goes with cross-entropy,
    relu and identity with the squared error. `bias` adds b, and c in the output layer.
    """
    if loss not in LOSSES:
        raise BackproofError(f"loss is one of {', '.join(LOSSES)}, not {loss!r}")
    f = elementwise("f", activation)
    affine = matadd(matmul(U, x[t]), matmul(W, s[t - 1]), *([b] if bias else []))
    equations: dict[Any, Any] = {net[t]: affine, s[t]: f(net[t])}
    if loss == "outputs":
        equations |= {z[t]: matadd(matmul(V, s[t]), *([c] if bias else []))} | output_equations(output)
    made = {"last": Loss.last(s), "every": Loss.every(s), "outputs": output_loss(output)}[loss]
    model = Model(equations, loss=made, time=STEPS)
    asked = [*_jacobians(bias), *_through_time(loss, output), *_gradients(loss, bias, output)]
    sums = targets(output) if loss == "outputs" else ()
    return System("rnn", f"recurrent network, loss on {_SCOPES[loss]}", model, tuple(asked), sum_one=sums)


_SCOPES = {"last": "the last state", "every": "every state", "outputs": "the outputs"}


def _jacobians(bias: bool) -> list[Quantity]:
    """The Jacobians of one step, the Kronecker forms and the total derivative's recurrence."""
    found = [
        Quantity("2.2a", "s", lambda model, o: jacobian(model, net[t], s[t - 1], layout=o.layout)),
        Quantity("2.2b", "Net", lambda model, o: jacobian(model, s[t - 1], net[t - 1], layout=o.layout)),
        Quantity("2.2c", "Net", lambda model, o: jacobian(model, net[t], net[t - 1], layout=o.layout)),
        Quantity("2.2d", "Net", lambda model, o: jacobian(model, net[t], net[k], layout=o.layout)),
        Quantity("2.7a", "W", lambda model, o: family(model, net[t], W)),
        Quantity("K1", "W", lambda model, o: jacobian(model, vec(W, o.vec), vec(W, o.vec), layout=o.layout)),
        _by_parameter("K2", "W", W, "immediate"),
        _by_parameter("K2u", "U", U, "immediate"),
        _by_parameter("K2g", "W", W, "total"),
        _by_parameter("K2h", "U", U, "total"),
        _by_parameter("K3", "W", W, "immediate", _other_order),
        _by_parameter("K3u", "U", U, "immediate", _other_order),
        Quantity("K4", "W", lambda model, o: block(model, W, W)),
    ]
    return [*found, *(_bias_jacobians() if bias else [])]


def _bias_jacobians() -> list[Quantity]:
    return [_by_parameter("K2b", "b", b, "immediate"), _by_parameter("K2c", "b", b, "total")]


def _by_parameter(
    id: str, wrt: str, parameter: Any, partial: str, order: Callable[[Options], Options] = lambda options: options
) -> Quantity:
    """∂vec Net_t/∂vec of a shared parameter."""

    def ask(model: Model, options: Options) -> Derivation:
        chosen = order(options)
        return jacobian(model, net[t], vec(parameter, chosen.vec), partial, chosen.layout)

    return Quantity(id, wrt, ask, partial)


def _other_order(options: Options) -> Options:
    return Options(options.layout, "row" if options.vec == "column" else "column", options.partial)


def _through_time(loss: str, output: str) -> list[Quantity]:
    """The δ recursion, its start at the last step, and its closed form where the loss sees the last step only."""
    sums = targets(output) if loss == "outputs" else ()
    found = [
        Quantity("2.3", "Net", lambda model, o: delta(model, net[t - 1], sum_one=sums)),
        Quantity("2.3k", "Net", lambda model, o: delta(model, net[k], sum_one=sums)),
        Quantity("2.3t", "Net", lambda model, o: delta(model, net[t], sum_one=sums)),
    ]
    return [*found, Quantity("2.4", "Net", lambda model, o: unrolled(model, net[k]))] if loss == "last" else found


def _gradients(loss: str, bias: bool, output: str) -> list[Quantity]:
    """∂E/∂W, ∂E/∂U, ∂E/∂b, ∂E/∂s_0, ∂E/∂x_k and those of the output layer."""
    found = [
        Quantity("2.8", "W", lambda model, o: gradient(model, W)),
        Quantity("2.9", "U", lambda model, o: gradient(model, U)),
        Quantity("2.9s", "s0", lambda model, o: gradient(model, s[0])),
        Quantity("2.9x", "x", lambda model, o: gradient(model, x[k])),
    ]
    if bias:
        found.append(Quantity("2.9b", "b", lambda model, o: gradient(model, b)))
    return [*found, *(_output_gradients(bias, output) if loss == "outputs" else [])]


def _output_gradients(bias: bool, output: str) -> list[Quantity]:
    sums = targets(output)
    found = [
        Quantity("2.10", "V", lambda model, o: gradient(model, V, stop=(z[t].name,))),
        by_z(output),
        Quantity("2.10V", "V", lambda model, o: gradient(model, V, sum_one=sums)),
    ]
    return [*found, *([Quantity("2.10c", "c", lambda model, o: gradient(model, c, sum_one=sums))] if bias else [])]
