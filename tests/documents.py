"""The suite's documents: those of the source's derivation, on which each part of Backproof is tested line by line, and
those of one system each, which are many times as long and are tested as a whole."""

from importlib.resources import files

FIRST_SYSTEM = "08-"

# how a small document begins: an RNN and its error term, to which a test adds its claims
HEAD = r"""# notes

```backproof
symbols: {x_t: m, s_t: n, '\mathrm{Net}_t': n, '\delta_t': n, U: n x m, W: n x n, f: elementwise, E: loss(last s)}
time: 1..t
layout: numerator
gradient: row
given: ['1', 'd']
```

$$\mathrm{Net}_t = U x_t + W s_{t-1}, \quad s_t = f(\mathrm{Net}_t) \tag{1}$$
$$\delta_t^\top = \frac{\partial E}{\partial \mathrm{Net}_t} \tag{d}$$
"""


def documents():
    """All of them in order."""
    found = (item for item in files("verify.suite").iterdir() if item.name.endswith(".md"))
    return sorted(found, key=lambda item: item.name)


def source_documents():
    """The source's derivation, its conventions, layers, outputs and losses."""
    return [item for item in documents() if item.name < FIRST_SYSTEM]


def system_documents():
    """One document a system."""
    return [item for item in documents() if item.name >= FIRST_SYSTEM]
