"""Gradients through a kernel slid over an input: c = ∂E/∂Y slides over the kernel, or over the input.

With T the 0/1 tensor of the slide, y = Σ T_ijl w_j x_l, both are its other contractions with c: along each axis they
are slides again (Goodfellow, Bengio & Courville, Deep Learning, §9.5). A flip is symmetric: its gradient is a flip.
"""

from __future__ import annotations

from typing import Any

from derive.language.convolution import CONVOLVE, CORRELATE, FULL, Convolution, Flip, convolve, correlate, flip
from derive.rules.rewriting import Rule

Pulled = list[tuple[Any, Any]]


def pull_correlate(node: Convolution, c: Any) -> Pulled:
    """Y = correlate(X, K): ∂E/∂X = convolve_full(∂E/∂Y, K), ∂E/∂K = correlate(X, ∂E/∂Y)."""
    return [(node.source, convolve(c, node.kernel, full=True)), (node.kernel, correlate(node.source, c))]


def pull_convolve(node: Convolution, c: Any) -> Pulled:
    """Y = convolve(X, K): ∂E/∂X = correlate_full(∂E/∂Y, K), ∂E/∂K = rot180(correlate(X, ∂E/∂Y))."""
    return [(node.source, correlate(c, node.kernel, full=True)), (node.kernel, flip(correlate(node.source, c)))]


def pull_correlate_full(node: Convolution, c: Any) -> Pulled:
    """Y = correlate_full(X, K): ∂E/∂X = convolve(∂E/∂Y, K), ∂E/∂K = rot180(correlate(∂E/∂Y, X))."""
    return [(node.source, convolve(c, node.kernel)), (node.kernel, flip(correlate(c, node.source)))]


def pull_convolve_full(node: Convolution, c: Any) -> Pulled:
    """Y = convolve_full(X, K): ∂E/∂X = correlate(∂E/∂Y, K), ∂E/∂K = correlate(∂E/∂Y, X)."""
    return [(node.source, correlate(c, node.kernel)), (node.kernel, correlate(c, node.source))]


def pull_flip(node: Flip, c: Any) -> Pulled:
    """Y = rot180(A): ∂E/∂A = rot180(∂E/∂Y)."""
    return [(node.matrix, flip(c))]


PULLS: dict[str, Rule] = {
    CORRELATE: pull_correlate,
    CONVOLVE: pull_convolve,
    CORRELATE + FULL: pull_correlate_full,
    CONVOLVE + FULL: pull_convolve_full,
}
