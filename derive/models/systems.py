"""All systems: importing this module fills the registry."""

from derive.derivation import Derivation
from derive.models import (  # noqa: F401  (each registers itself)
    activations,
    bidirectional,
    convolution,
    dense,
    embedding,
    gru,
    jordan,
    layer_norm,
    layers,
    losses,
    lstm,
    residual,
    rnn,
    stacked,
)
from derive.models.registry import System, build, names
from derive.quantities import Options


def system(name: str, **choices: str | bool | int) -> System:
    """A system by name; see `systems()` for the names, the builders for their choices."""
    return build(name, **choices)


def systems() -> tuple[str, ...]:
    """The names of all systems."""
    return names()


def quantities(chosen: System, wrt: str | None = None, options: Options | None = None) -> tuple[Derivation, ...]:
    """Everything that `derive` derives for a system."""
    return chosen.quantities(wrt, options)
