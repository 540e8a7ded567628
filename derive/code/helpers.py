"""Functions in NumPy that generated modules carry, each where it is used. Text: nothing here is run by `derive`.

For one sample arrays have no batch axis, and the slots of a step lie side by side: a step's gates are one row. For many
samples each slot lies on its own, all steps' members of a gate below one another.
"""

from __future__ import annotations

HELPERS: dict[str, str] = {
    "arrays": '''
def arrays(inputs):
    """The inputs in the order of KEYS, as arrays of the first one's type. Raises KeyError for a key too few or many."""
    missing, unknown = [key for key in KEYS if key not in inputs], [key for key in inputs if key not in KEYS]
    if missing or unknown:
        raise KeyError(f"inputs are {', '.join(KEYS)}; missing: {missing}, unknown: {unknown}")
    dtype = np.asarray(inputs[KEYS[0]]).dtype
    dtype = dtype if dtype.kind == "f" else np.dtype(np.float64)
    return [np.asarray(inputs[key], dtype) for key in KEYS]
''',
    "check": '''
def check(found, shapes):
    """Raises ValueError where an input has another shape than the sizes of the others ask for."""
    wrong = [f"{key} is {array.shape}, not {shape}" for key, array, shape in zip(KEYS, found, shapes) if array.shape != shape]
    if wrong:
        raise ValueError("; ".join(wrong))
''',
    "given": '''
def given(cotangents, shapes, dtype):
    """The cotangents of the outputs in order, None for one that is left out. Raises KeyError and ValueError."""
    found = []
    for key, shape in shapes.items():
        array = cotangents.get(key)
        if array is not None:
            array = np.asarray(array, dtype)
            if array.shape != shape:
                raise ValueError(f"the cotangent of {key} is {array.shape}, not {shape}")
        found.append(array)
    if not cotangents or len(cotangents) > sum(array is not None for array in found):
        raise KeyError(f"cotangents are those of some of {', '.join(shapes)}, not {', '.join(cotangents) or 'none'}")
    return found
''',
    "rows": '''
def rows(slots):
    """(T, k, n) as (T, k n): the slots of each step as one row."""
    return slots.reshape(len(slots), -1)
''',
    "matrix": '''
def matrix(array):
    """All steps and samples below one another: (T B, n)."""
    return array.reshape(-1, array.shape[-1])
''',
    "beside": '''
def beside(gates):
    """[W U b] of each gate, gate below gate; column by column where the rows are short."""
    matrix = np.concatenate([np.column_stack(gate) for gate in gates])
    return np.asfortranarray(matrix) if matrix.shape[1] < 64 else matrix
''',
    "driven_one": '''
def driven_one(v, matrices, out):
    """out[:, a] = A_a v at all steps; v (T, m), out (T, k, n)."""
    np.matmul(v, np.concatenate(matrices).T, out=rows(out))
''',
    "driven_many": '''
def driven_many(v, matrices, out):
    """out[:, a] = A_a v at all steps; v (T, B, m), out (T, k, B, n)."""
    for a, A in enumerate(matrices):
        np.matmul(matrix(v), np.ascontiguousarray(A.T), out=matrix(out[:, a]))
''',
    "mixed_one": '''
def mixed_one(slots, matrices, out):
    """out = Σ_a slots_a A_a at all steps; slots (T, k, n), out (T, m)."""
    np.matmul(rows(slots), np.concatenate(matrices), out=out)
''',
    "mixed_many": '''
def mixed_many(slots, matrices, out):
    """out = Σ_a slots_a A_a at all steps; slots (T, k, B, n), out (T, B, m)."""
    np.matmul(matrix(slots[:, 0]), np.ascontiguousarray(matrices[0]), out=matrix(out))
    part = np.empty_like(matrix(out))
    for a, A in enumerate(matrices[1:], start=1):
        np.matmul(matrix(slots[:, a]), np.ascontiguousarray(A), out=part)
        np.add(matrix(out), part, matrix(out))
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
    np.maximum(v, 0, out)
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

NEEDS = {"driven_one": ("rows",), "mixed_one": ("rows",), "driven_many": ("matrix",), "mixed_many": ("matrix",)}


def text(names: set[str]) -> str:
    """The helpers of these names, and those that they need, in a fixed order."""
    wanted = names | {other for name in names for other in NEEDS.get(name, ())}
    return "\n\n".join(HELPERS[name].strip("\n") + "\n" for name in HELPERS if name in wanted)
