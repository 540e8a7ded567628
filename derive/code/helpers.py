"""Functions in NumPy that generated modules carry, each where it is used. Text: nothing here is run by `derive`.

For one sample arrays have no batch axis, and the slots of a step lie side by side: a step's gates are one row. For many
samples each slot lies on its own, all steps' members of a gate below one another.
"""

from __future__ import annotations

HELPERS: dict[str, str] = {
    "arrays": '''
def arrays(inputs, shapes):
    """The inputs in the order of KEYS, as arrays of the first one's type. Raises KeyError, ValueError."""
    missing, unknown = [key for key in KEYS if key not in inputs], [key for key in inputs if key not in KEYS]
    if missing or unknown:
        raise KeyError(f"inputs are {', '.join(KEYS)}; missing: {missing}, unknown: {unknown}")
    first = np.asarray(inputs[KEYS[0]])
    dtype = first.dtype if first.dtype.kind == "f" else np.dtype(np.float64)
    found = [np.asarray(inputs[key], dtype) for key in KEYS]
    sizes = {}
    for key, array, shape in zip(KEYS, found, shapes):
        letters = shape.split()
        if array.ndim != len(letters):
            raise ValueError(f"{key} is ({shape.replace(' ', ', ')}), not {array.shape}")
        for letter, size in zip(letters, array.shape):
            if letter.isidentifier() and sizes.setdefault(letter, size) != size:
                said = f"({shape.replace(' ', ', ')}) with {letter} = {sizes[letter]}"
                raise ValueError(f"{key} is {said}, not {array.shape}")
    return found
''',
    "given": '''
def given(cotangents, shapes, dtype):
    """The cotangents of the outputs in order, None for one that is left out. Raises KeyError and ValueError."""
    found, count = [], 0
    for key, shape in shapes.items():
        array = cotangents.get(key)
        if array is not None:
            array, count = np.asarray(array, dtype), count + 1
            if array.shape != shape:
                raise ValueError(f"the cotangent of {key} is {array.shape}, not {shape}")
        found.append(array)
    if count == 0 or len(cotangents) > count:
        raise KeyError(f"cotangents are those of some of {', '.join(shapes)}, not {', '.join(cotangents) or 'none'}")
    return found
''',
    "matrix": '''
def matrix(array):
    """All steps and samples below one another: (T B, n)."""
    return array.reshape(-1, array.shape[-1])
''',
    "driven_one": '''
def driven_one(v, matrices, out):
    """The A_a v at all steps side by side; v (T, m), the A_a transposed and side by side, out (T, k n)."""
    np.matmul(v, matrices, out=out)
''',
    "driven_many": '''
def driven_many(v, matrices, out):
    """out[:, a] = A_a v at all steps; v (T, B, m), the A_a transposed, out (T, k, B, n)."""
    for a, A in enumerate(matrices):
        np.matmul(matrix(v), A, out=matrix(out[:, a]))
''',
    "mixed_one": '''
def mixed_one(slots, matrices, out):
    """out = Σ_a A_a slots_a at all steps; slots (T, k n), the A_a transposed and below one another, out (T, m)."""
    np.matmul(slots, matrices, out=out)
''',
    "mixed_many": '''
def mixed_many(slots, matrices, out):
    """out = Σ_a A_a slots_a at all steps; slots (T, k, B, n), the A_a transposed, out (T, B, m)."""
    np.matmul(matrix(slots[:, 0]), matrices[0], out=matrix(out))
    part = np.empty_like(matrix(out))
    for a, A in enumerate(matrices[1:], start=1):
        np.matmul(matrix(slots[:, a]), A, out=part)
        np.add(matrix(out), part, matrix(out))
''',
    "outer_many": '''
def outer_many(slots, v, sums):
    """sums[a] += Σ over steps and samples of slots_a vᵀ; slots (T, k, B, n), v (T, B, m)."""
    part = np.empty_like(sums[0])
    for a, total in enumerate(sums):
        np.matmul(matrix(slots[:, a]).T, matrix(v), out=part)
        np.add(total, part, total)
''',
    "summed_many": '''
def summed_many(slots, sums):
    """sums[a] += Σ over steps and samples of slots_a; slots (T, k, B, n)."""
    for a, total in enumerate(sums):
        np.add(total, matrix(slots[:, a]).sum(axis=0), total)
''',
    "softmax": '''
def softmax(v, out):
    """exp(v) / Σ exp(v), column by column."""
    np.subtract(v, v.max(axis=-1, keepdims=True), out)
    np.exp(out, out)
    np.divide(out, out.sum(axis=-1, keepdims=True), out)
''',
    "total": '''
def total(v, out):
    """The sum of each column's entries."""
    np.add.reduce(v, axis=-1, keepdims=True, out=out)
''',
    "copy": '''
def copy(v, out):
    """out = v."""
    out[...] = v
''',
    "relu": '''
def relu(v, out):
    """max(v, 0)."""
    np.maximum(v, 0, out=out)
''',
    "step": '''
def step(v, out):
    """1 where v > 0, else 0."""
    np.greater(v, 0, out)
''',
    "softplus": '''
def softplus(v, out):
    """log(1 + exp(v))."""
    np.logaddexp(v, 0, out)
''',
    "normal_cdf": '''
def normal_cdf(v, out):
    """Φ(v) = ½ (1 + erf(v / √2)), entry by entry: NumPy has no erf."""
    out[...] = np.reshape([(1 + math.erf(z / math.sqrt(2))) / 2 for z in np.ravel(v)], np.shape(v))
''',
    "normal_density": '''
def normal_density(v, out):
    """exp(-v²/2) / √(2π)."""
    np.multiply(v, v, out)
    np.multiply(out, -0.5, out)
    np.exp(out, out)
    np.multiply(out, 1 / math.sqrt(2 * math.pi), out)
''',
}

NEEDS = {name: ("matrix",) for name in HELPERS if name.endswith("_many")}


def text(names: set[str]) -> str:
    """The helpers of these names, and those that they need, in a fixed order."""
    wanted = names | {other for name in names for other in NEEDS.get(name, ())}
    return "\n\n".join(HELPERS[name].strip("\n") + "\n" for name in HELPERS if name in wanted)
