"""Functions in NumPy that generated modules carry, each where it is used. Text: nothing here is run by `derive`.

`one` says that the batch has one sample: arrays have no batch axis then. Slots of an array lie side by side within a
step for one sample (a step's gates are one row), and each on its own for many (a gate's members are one matrix).
"""

from __future__ import annotations

HELPERS: dict[str, str] = {
    "arrays": '''
def arrays(inputs, keys, dtype):
    """The inputs in order, as arrays of one type. Raises KeyError for a key too few or too many."""
    if len(inputs) == len(keys):
        try:
            return [np.asarray(inputs[key], dtype) for key in keys]
        except KeyError:
            pass
    missing, unknown = sorted(set(keys) - inputs.keys()), sorted(inputs.keys() - set(keys))
    raise KeyError(f"inputs are {', '.join(keys)}; missing: {missing}, unknown: {unknown}")


def wrong_shapes(inputs, shapes):
    """What is wrong with the inputs' shapes, in words."""
    pairs = zip(KEYS, shapes)
    wrong = [f"{key} is {np.shape(inputs[key])}, not {shape}" for key, shape in pairs if np.shape(inputs[key]) != shape]
    return "; ".join(wrong)
''',
    "given": '''
def given(cotangents, shapes, lead, dtype):
    """The cotangents of all outputs in order, None for one that is not there. Raises KeyError and ValueError."""
    unknown = sorted(cotangents.keys() - shapes.keys())
    if unknown or not cotangents:
        raise KeyError(f"cotangents are those of some of {', '.join(shapes)}; unknown: {unknown}")
    found = []
    for key, shape in shapes.items():
        array = cotangents.get(key)
        if array is not None:
            array = np.asarray(array, dtype)
            if array.shape != shape:
                raise ValueError(f"the cotangent of {key} is {array.shape}, not {shape}")
            array = array.reshape(shape[0], *lead, shape[2])
        found.append(array)
    return found
''',
    "slots": '''
def slots(steps, count, shape, dtype):
    """An empty array (steps, count, *shape), whose slots lie together for one sample and apart for many."""
    if len(shape) == 1:
        return np.empty((steps, count, *shape), dtype)
    return np.empty((count, steps, *shape), dtype).swapaxes(0, 1)
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
    "blocks": '''
def blocks(matrices, one, axis):
    """For one sample the matrices as one, joined along an axis; for many their transposes, (k, columns, rows)."""
    if not one:
        return np.array([A.T for A in matrices], order="C")
    return np.concatenate([A.T for A in matrices]).T if axis else np.concatenate(matrices)
''',
    "beside": '''
def beside(*parts):
    """[W U b] from the lists of the W, the U and the b, gate below gate; columns first where that is faster."""
    columns = [np.concatenate(part) for part in parts]
    matrix = np.concatenate([part if part.ndim == 2 else part[:, None] for part in columns], axis=1)
    return np.asfortranarray(matrix) if len(matrix) < 128 else matrix
''',
    "driven": '''
def driven(v, matrices, out, one):
    """out[:, a] = A_a v at all steps; out (T, k, B, n)."""
    if one:
        np.matmul(v, np.concatenate(matrices).T.copy(), out=rows(out))
        return
    for a, A in enumerate(matrices):
        np.matmul(matrix(v), A.T.copy(), out=matrix(out[:, a]))
''',
    "mixed": '''
def mixed(slots, matrices, out, one):
    """out = Σ_a A_a slots_a at all steps; slots (T, k, B, n), out (T, B, m)."""
    if one:
        np.matmul(rows(slots), np.concatenate([A.T for A in matrices]), out=out)
        return
    np.matmul(matrix(slots[:, 0]), matrices[0].T.copy(), out=matrix(out))
    for a, A in enumerate(matrices[1:], start=1):
        np.add(out, (matrix(slots[:, a]) @ A.T.copy()).reshape(out.shape), out)
''',
    "outer": '''
def outer(slots, v, one):
    """Σ over steps and samples of slots_a vᵀ, as (k, n, m)."""
    if one:
        return (rows(slots).T @ v).reshape(*slots.shape[1:], -1)
    return np.stack([matrix(slots[:, a]).T @ matrix(v) for a in range(slots.shape[1])])
''',
    "summed": '''
def summed(slots, one):
    """Σ over steps and samples of slots_a, as (k, n)."""
    return slots.sum(axis=0) if one else np.stack([matrix(slots[:, a]).sum(axis=0) for a in range(slots.shape[1])])
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

NEEDS = {"driven": ("rows", "matrix"), "mixed": ("rows", "matrix"), "outer": ("rows", "matrix"), "summed": ("matrix",)}


def text(names: set[str]) -> str:
    """The helpers of these names, and those that they need, in a fixed order."""
    wanted = names | {other for name in names for other in NEEDS.get(name, ())}
    return "\n\n".join(HELPERS[name].strip("\n") + "\n" for name in HELPERS if name in wanted)
