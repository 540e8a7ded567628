"""Backward passes by hand in PyTorch, wrapped so that they take and give NumPy arrays; `slip` names the wrong line."""

from __future__ import annotations

import numpy as np
import torch


def batch_first(inputs, cotangents, slip=None):
    """(B, T, ·) inside, as many PyTorch programs have it."""
    x = torch.from_numpy(inputs["x"]).transpose(0, 1)
    U, W, b, s0 = (torch.from_numpy(inputs[key]) for key in ("U", "W", "b", "s0"))
    grad = torch.from_numpy(cotangents["s"]).transpose(0, 1)
    states = [s0]
    for t in range(x.shape[1]):
        states.append(torch.tanh(x[:, t] @ U.t() + states[-1] @ W.t() + b))
    dU, dW, db = torch.zeros_like(U), torch.zeros_like(W), torch.zeros_like(b)
    dx = torch.zeros_like(x)
    d_state = torch.zeros_like(s0)
    for t in reversed(range(x.shape[1])):
        d_state = d_state + grad[:, t]
        d_net = d_state * (1 - states[t + 1].pow(2))
        dU += d_net.t() @ x[:, t]
        dW += d_net.t() @ states[t + 1 if slip == "s_t for s_{t-1}" else t]
        db += d_net.mean(0) if slip == "the bias averaged over the batch" else d_net.sum(0)
        dx[:, t] = d_net @ U
        d_state = d_net @ (W.t() if slip == "W for its transpose" else W)
    found = {"x": dx.transpose(0, 1), "s0": d_state, "U": dU, "W": dW, "b": db}
    return {key: np.ascontiguousarray(value.numpy()) for key, value in found.items()}


class TanhCell(torch.autograd.Function):
    """One step as a function with a backward of its own."""

    @staticmethod
    def forward(ctx, x, s, U, W, b, slip):
        new = torch.tanh(x @ U.t() + s @ W.t() + b)
        ctx.save_for_backward(x, s, U, W, new)
        ctx.slip = slip
        return new

    @staticmethod
    def backward(ctx, grad_output):
        x, s, U, W, new = ctx.saved_tensors
        grad = grad_output * (1 - new) if ctx.slip == "1 - s" else grad_output * (1 - new * new)
        grad_s = torch.zeros_like(s) if ctx.slip == "nothing from the next step" else grad @ W
        return grad @ U, grad_s, grad.t() @ x, grad.t() @ s, grad.sum(0), None


def autograd_function(inputs, cotangents, slip=None):
    """Autograd calls the cell's own backward step by step."""
    tensors = {key: torch.tensor(value, requires_grad=True) for key, value in inputs.items()}
    s, states = tensors["s0"], []
    for x_t in tensors["x"]:
        s = TanhCell.apply(x_t, s, tensors["U"], tensors["W"], tensors["b"], slip)
        states.append(s)
    torch.stack(states).backward(torch.from_numpy(cotangents["s"]))
    return {key: tensor.grad.numpy() for key, tensor in tensors.items()}


def lstm(inputs, cotangents, slip=None):
    """The LSTM with fused gates by `chunk`, f first as some libraries have it."""
    order = "fiog"
    p = {key: torch.from_numpy(value) for key, value in inputs.items()}
    U, W, b = (torch.cat([p[f"{name}_{a}"] for a in order]) for name in "UWb")
    h, c, tape = p["h0"], p["c0"], []
    for x_t in p["x"]:
        f, i, o, g = (x_t @ U.t() + h @ W.t() + b).chunk(4, dim=1)
        f, i, o, g = torch.sigmoid(f), torch.sigmoid(i), torch.sigmoid(o), torch.tanh(g)
        tape.append((h, c, f, i, o, g))
        c = f * c + i * g
        h = o * torch.tanh(c)
    dU, dW, db, dx = torch.zeros_like(U), torch.zeros_like(W), torch.zeros_like(b), torch.zeros_like(p["x"])
    dh, dc = torch.zeros_like(h), torch.zeros_like(c)
    for t in reversed(range(len(tape))):
        before, c_before, f, i, o, g = tape[t]
        tanh_c = torch.tanh(f * c_before + i * g)
        dh = dh + torch.from_numpy(cotangents["h"])[t]
        dc = dc + torch.from_numpy(cotangents["c"])[t] + dh * o * (1 - tanh_c**2)
        gates = [dc * c_before * f * (1 - f), dc * g * i * (1 - i), dh * tanh_c * o * (1 - o), dc * i * (1 - g**2)]
        if slip == "f' of o forgotten":
            gates[2] = dh * tanh_c
        d = torch.cat(gates, dim=1)
        dU, dW, db, dx[t] = dU + d.t() @ p["x"][t], dW + d.t() @ before, db + d.sum(0), d @ U
        dh, dc = d @ W, dc * f
    names = order if slip != "i and f returned in the other order" else "ifog"
    found = {"x": dx, "h0": dh, "c0": dc}
    for name, grad in (("U", dU), ("W", dW), ("b", db)):
        found |= {f"{name}_{a}": part for a, part in zip(names, grad.chunk(4), strict=True)}
    return {key: value.numpy() for key, value in found.items()}
