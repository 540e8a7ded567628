"""Columns as n×1 arrays, derivatives by complex steps, strict products: nothing here knows Backproof."""

import numpy as np

STEP = 1e-30


def rng(seed=0):
    return np.random.default_rng(seed)


def draw(generator, *shape):
    return generator.normal(size=shape)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def dtanh(z):
    return 1 - np.tanh(z) ** 2


def softmax(z):
    """Over all entries of a column or row."""
    e = np.exp(z)
    return e / e.sum()


def had(*factors):
    """The product entry by entry of arrays of one shape, which NumPy alone would not ask for."""
    if len({factor.shape for factor in factors}) != 1:
        raise ValueError(f"shapes differ: {[factor.shape for factor in factors]}")
    return np.prod(np.stack(factors), axis=0)


def plus(*terms):
    """The sum of arrays of one shape."""
    if len({term.shape for term in terms}) != 1:
        raise ValueError(f"shapes differ: {[term.shape for term in terms]}")
    return sum(terms[1:], terms[0])


def diag(v):
    return np.diag(v.ravel())


def moved(x, index):
    """x with an imaginary step at one entry."""
    z = x.astype(complex)
    z[index] += 1j * STEP
    return z


def family(f, x):
    """∂f/∂x with the axes of f, then those of x."""
    parts = [np.imag(np.asarray(f(moved(x, index)))) / STEP for index in np.ndindex(*x.shape)]
    return np.moveaxis(np.array(parts), 0, -1).reshape(*parts[0].shape, *x.shape)


def gradient(f, x):
    """The derivative of a number, in the shape of x."""
    return family(f, x).reshape(x.shape)


def jacobian(f, x):
    """∂(column)/∂(column), rows those of f."""
    found = family(f, x)
    return found.reshape(found.shape[0] * found.shape[1], x.size)


def outcome(left, right):
    """What two sides deserve: proved, refuted value, or refuted shape where they do not fit; each is a function."""
    try:
        a, b = np.asarray(left()), np.asarray(right())
    except (ValueError, IndexError):
        return "refuted shape"
    if a.shape != b.shape:
        return "refuted shape"
    scale = max(np.abs(a).max(), np.abs(b).max(), 1e-12)
    return "proved" if np.abs(a - b).max() <= 1e-9 * scale else "refuted value"
