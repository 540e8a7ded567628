"""What NumPy's operations do to residues. An operation that is not listed leaves the field, and is named."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy import asarray  # by its name: `np.asarray` is another one while a function runs (`exact.constructors`)

from verify.audit import residues
from verify.audit.residues import PRIME, Residues, Run, decoded, encoded, run_of
from verify.reference.sequences import Array

Rule = Callable[..., Any]


def operate(ufunc: Any, method: str, inputs: tuple[Any, ...], options: dict[str, Any]) -> Any:
    """A ufunc or one of its methods."""
    out = options.pop("out", None)
    run = run_of(*inputs, *(out or ()))
    name = ufunc.__name__
    _check_options(name, options, run)
    if method == "at":
        return _at(name, inputs, run)
    rule = (RULES if method == "__call__" else METHODS.get(method, {})).get(name)
    if rule is None:
        raise run.leave(f"np.{name}" + ("" if method == "__call__" else f".{method}"))
    if method in ("reduce", "accumulate"):
        found = rule(decoded(inputs[0], run), **_axes(options, inputs[1:]))
    elif name in UNDECODED:
        return rule(*inputs)
    else:
        found = rule(run, *(decoded(one, run) for one in inputs))
    if found.dtype == bool:
        return found
    return _given(encoded(found, run), out, run)


def _given(found: Residues, out: Any, run: Run) -> Any:
    """A result, written to `out` where one is given."""
    if out is None:
        return found
    target = out[0]
    if target.dtype != np.float64:
        raise run.leave(f"a result is written into {target.dtype}")
    target[...] = found
    return target


def _check_options(name: str, options: dict[str, Any], run: Run) -> None:
    for key in ("casting", "subok", "order", "initial"):
        value = options.pop(key, None)
        if key == "initial" and isinstance(value, int | float) and value != 0:
            raise run.leave(f"np.{name} with an initial value")
    if options.pop("where", True) is not True:
        raise run.leave(f"np.{name} with a mask")
    dtype = options.pop("dtype", None)
    if dtype is not None and np.dtype(dtype) != np.float64:
        raise run.leave(f"np.{name} in {np.dtype(dtype)}")


def _axes(options: dict[str, Any], rest: tuple[Any, ...]) -> dict[str, Any]:
    return {"axis": rest[0] if rest else options.get("axis", 0), "keepdims": options.get("keepdims", False)}


def _at(name: str, inputs: tuple[Any, ...], run: Run) -> None:
    if name not in ("add", "subtract"):
        raise run.leave(f"np.{name}.at")
    target, place, value = inputs
    whole = decoded(target, run)
    getattr(np, name).at(whole, place, decoded(value, run))
    target[...] = encoded(whole % PRIME, run)


# --- ufuncs ------------------------------------------------------------------------------------------------------


def power(run: Run, a: Array, b: Array) -> Array:
    """a^k for one whole number k."""
    if b.size != 1:
        raise run.leave("np.power with an array of exponents")
    k = int(b.reshape(-1)[0])
    if k > PRIME // 2:
        a, k = residues.inverse(a, run), PRIME - k
    if k > 64:
        raise run.leave("np.power with a broken exponent")
    found = np.ones_like(a)
    for _ in range(k):
        found = found * a % PRIME
    return found


def sigmoid(run: Run, a: Array) -> Array:
    """1 / (1 + e^-a)."""
    return residues.inverse((1 + residues.exponential((PRIME - a) % PRIME, run)) % PRIME, run)


def larger(run: Run, a: Array, b: Array) -> Array:
    """max(a, b)."""
    return np.where(residues.is_positive((a - b) % PRIME, run), a, b)


def smaller(run: Run, a: Array, b: Array) -> Array:
    """min(a, b)."""
    return np.where(residues.is_positive((a - b) % PRIME, run), b, a)


def greater(run: Run, a: Array, b: Array) -> Array:
    """a > b."""
    return residues.is_positive((a - b) % PRIME, run)


def greater_equal(run: Run, a: Array, b: Array) -> Array:
    """a ≥ b."""
    return ~residues.is_positive((b - a) % PRIME, run)


def divide(run: Run, a: Array, b: Array) -> Array:
    """a / b."""
    return a * residues.inverse(b, run) % PRIME


RULES: dict[str, Rule] = {
    "add": lambda run, a, b: (a + b) % PRIME,
    "subtract": lambda run, a, b: (a - b) % PRIME,
    "multiply": lambda run, a, b: a * b % PRIME,
    "negative": lambda run, a: -a % PRIME,
    "positive": lambda run, a: a.copy(),
    "conjugate": lambda run, a: a.copy(),
    "square": lambda run, a: a * a % PRIME,
    "matmul": lambda run, a, b: residues.product(a, b),
    "divide": divide,
    "reciprocal": lambda run, a: residues.inverse(a, run),
    "power": power,
    "float_power": power,
    "exp": lambda run, a: residues.exponential(a, run),
    "tanh": lambda run, a: residues.tangent(a, run),
    "expit": sigmoid,
    "maximum": larger,
    "minimum": smaller,
    "greater": greater,
    "greater_equal": greater_equal,
    "less": lambda run, a, b: greater(run, b, a),
    "less_equal": lambda run, a, b: greater_equal(run, b, a),
    "isnan": lambda a: np.zeros(np.shape(a), dtype=bool),
    "isinf": lambda a: np.zeros(np.shape(a), dtype=bool),
    "isfinite": lambda a: np.ones(np.shape(a), dtype=bool),
}
UNDECODED = frozenset({"isnan", "isinf", "isfinite"})


def total(a: Array, axis: Any, keepdims: bool) -> Array:
    """Σ."""
    return asarray(a.sum(axis=axis, keepdims=keepdims)) % PRIME


def running_total(a: Array, axis: Any, keepdims: bool) -> Array:
    """Partial sums."""
    return a.cumsum(axis=axis) % PRIME


METHODS: dict[str, dict[str, Rule]] = {
    "reduce": {"add": total},
    "accumulate": {"add": running_total},
    "outer": {
        "multiply": lambda run, a, b: np.multiply.outer(a, b) % PRIME,
        "add": lambda run, a, b: np.add.outer(a, b) % PRIME,
        "subtract": lambda run, a, b: np.subtract.outer(a, b) % PRIME,
    },
}


# --- functions ---------------------------------------------------------------------------------------------------


def call(function: Any, arguments: Any, options: Any, default: Callable[[], Any]) -> Any:
    """A function of NumPy: of its own rule, or one that moves entries, which NumPy's own code may do."""
    run = _run_within(arguments, options)
    if function in OWN:
        out = options.pop("out", None)
        found = OWN[function](run, *arguments, **options)
        return _given(encoded(found, run), None if out is None else (out,), run)
    if function not in MOVING:
        raise run.leave(f"np.{function.__name__}")
    return _wrapped(default(), run)


def _run_within(*parts: Any) -> Run:
    """The run of the first array in nested arguments."""
    for part in parts:
        if isinstance(part, Residues) and part.run is not None:
            return part.run
        inside = part.values() if isinstance(part, dict) else part if isinstance(part, list | tuple) else ()
        try:
            return _run_within(*inside)
        except LookupError:
            continue
    raise LookupError


def _wrapped(found: Any, run: Run) -> Any:
    if isinstance(found, np.ndarray) and found.dtype == np.float64:
        found = found.view(Residues)
        found.run = run
    elif isinstance(found, list | tuple):
        return type(found)(_wrapped(one, run) for one in found)
    return found


def dot(run: Run, a: Any, b: Any) -> Array:
    """Sum over the last axis of A and the last but one of B."""
    one, two = decoded(a, run), decoded(b, run)
    if one.ndim == 0 or two.ndim == 0:
        return one * two % PRIME
    if two.ndim <= 2:
        return residues.product(one, two)
    return tensordot_of(one, two, ((one.ndim - 1,), (two.ndim - 2,)))


def tensordot(run: Run, a: Any, b: Any, axes: Any = 2) -> Array:
    """Σ over pairs of axes."""
    one, two = decoded(a, run), decoded(b, run)
    if isinstance(axes, int):
        axes = (tuple(range(one.ndim - axes, one.ndim)), tuple(range(axes)))
    pairs = tuple((side,) if isinstance(side, int) else tuple(side) for side in axes)
    return tensordot_of(one, two, pairs)


def tensordot_of(a: Array, b: Array, axes: Any) -> Array:
    """Σ over pairs of axes, as one product of matrices."""
    left, right = ([axis % part.ndim for axis in side] for part, side in zip((a, b), axes, strict=True))
    rows, columns = ([i for i in range(p.ndim) if i not in s] for p, s in ((a, left), (b, right)))
    length = int(np.prod([a.shape[i] for i in left], dtype=int))
    one = a.transpose(rows + left).reshape(-1, length)
    two = b.transpose(right + columns).reshape(length, -1)
    return residues.product(one, two).reshape([a.shape[i] for i in rows] + [b.shape[i] for i in columns])


def outer(run: Run, a: Any, b: Any) -> Array:
    """a bᵀ of flattened arrays."""
    return np.multiply.outer(decoded(a, run).ravel(), decoded(b, run).ravel()) % PRIME


def einsum(run: Run, pattern: Any, *arrays: Any, **options: Any) -> Array:
    """Einstein's sum, two arrays a time."""
    if not isinstance(pattern, str) or "." in pattern or set(options) - {"optimize"}:
        raise run.leave("np.einsum in this form")
    left, arrow, result = pattern.replace(" ", "").partition("->")
    names = left.split(",")
    if not arrow:
        result = "".join(sorted(x for x in set(left) - {","} if left.count(x) == 1))
    sides = {x: side for name, a in zip(names, arrays, strict=True) for x, side in zip(name, np.shape(a), strict=True)}
    if np.prod([side for x, side in sides.items() if x not in result], dtype=float) > residues.BLOCK:
        raise run.leave("np.einsum over so many terms")
    found, own = decoded(arrays[0], run), names[0]
    for place, (name, array) in enumerate(zip(names[1:], arrays[1:], strict=True), start=2):
        needed = set(result).union(*names[place:])
        kept = "".join(dict.fromkeys(x for x in own + name if x in needed))
        found, own = np.einsum(f"{own},{name}->{kept}", found, decoded(array, run)) % PRIME, kept
    return np.einsum(f"{own}->{result}", found) % PRIME


def kron(run: Run, a: Any, b: Any) -> Array:
    """A ⊗ B."""
    return np.kron(decoded(a, run), decoded(b, run)) % PRIME


def trace(run: Run, a: Any) -> Array:
    """Σ a_ii."""
    return asarray(np.trace(decoded(a, run)) % PRIME)


OWN: dict[Any, Rule] = {
    np.dot: dot,
    np.vdot: lambda run, a, b: residues.product(decoded(a, run).ravel(), decoded(b, run).ravel()),
    np.inner: lambda run, a, b: tensordot_of(decoded(a, run), decoded(b, run), ((-1,), (-1,))),
    np.outer: outer,
    np.tensordot: tensordot,
    np.einsum: einsum,
    np.kron: kron,
    np.trace: trace,
}
# fmt: off
MOVING: frozenset[Any] = frozenset({  # NumPy's own code runs on residues: it moves entries, or sums by ufuncs
    np.append, np.array2string, np.array_repr, np.array_split, np.array_str, np.atleast_1d, np.atleast_2d,
    np.atleast_3d, np.broadcast_arrays, np.broadcast_to, np.column_stack, np.concatenate, np.copy, np.copyto,
    np.cumsum, np.delete, np.diag, np.diagflat, np.diagonal, np.dsplit, np.dstack, np.empty_like, np.expand_dims,
    np.flip, np.fliplr, np.flipud, np.full_like, np.hsplit, np.hstack, np.insert, np.iscomplexobj, np.isrealobj,
    np.may_share_memory, np.mean, np.moveaxis, np.ndim, np.ones_like, np.pad, np.ravel, np.real, np.repeat,
    np.reshape, np.result_type, np.roll, np.rollaxis, np.rot90, np.shape, np.shares_memory, np.size, np.split,
    np.squeeze, np.stack, np.sum, np.swapaxes, np.take, np.tile, np.transpose, np.tril, np.triu, np.vsplit,
    np.vstack, np.where, np.zeros_like,
})
# fmt: on
