"""The reference's cells beyond the Elman network, each by its equations: a model's cell is known by these, not by name.

One row of SYSTEMS a system: equations by role, where the roles are the reference's own keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

from derive.model import Model
from verify.oracles.patterns import Equations, Hadamard, Of, Parameter, Rest, Sum, Times, Value, matches
from verify.reference import cells, gru
from verify.reference.cells import Cell


@dataclass(frozen=True)
class System:
    """Equations by role; the output's role, the states' with their initial keys; the cell for its functions."""

    equations: Equations
    output: str
    initial: Mapping[str, str]
    cell: Callable[..., Cell]


@dataclass(frozen=True)
class CellLayer:
    """A system found in a model: names by role (None where a value is written out), functions as (name, kind)."""

    system: System
    values: dict[str, str | None]
    parameters: dict[str, str]
    functions: dict[str, tuple[str, str]]
    source: str
    is_recurrent: bool = True

    @property
    def output(self) -> str:
        """What the next layer reads."""
        return str(self.values[self.system.output])

    @property
    def initial(self) -> Mapping[str, str]:
        """The initial state's key, by its state's role."""
        return self.system.initial


def affine(gate: str, state: str, *optional: Any) -> Sum:
    """U_a x_t + W_a state_{t-1} + b_a."""
    weighted = (driven(gate), Times(Parameter(f"W{gate}"), Value(state, -1)))
    return Sum(weighted, (Parameter(f"b{gate}"), *optional))


def driven(gate: str) -> Times:
    """U_a x_t."""
    return Times(Parameter(f"U{gate}"), Value("x"))


def lstm_system(coupled: bool) -> System:
    """The equations of `verify.reference.lstm`; biases and peepholes may be absent."""
    seen = {"i": Value("c", -1), "f": Value("c", -1), "o": Value("c")}
    gates = "igo" if coupled else "ifgo"
    equations: dict[str, Any] = {
        "h": Hadamard((Value("o"), Of("phi", Value("c")))),
        "c": Sum((Hadamard((Value("f"), Value("c", -1))), Hadamard((Value("i"), Value("g"))))),
        "f": Rest(Value("i")),
    }
    for a in gates:
        peephole = (Hadamard((Parameter(f"p_{a}"), seen[a])),) if a in seen else ()
        equations |= {a: Of("phi" if a == "g" else "sigma", Value(f"Net_{a}"))}
        equations |= {f"Net_{a}": affine(f"_{a}", "h", *peephole)}

    return System(equations, "h", {"h": "h0", "c": "c0"}, partial(cells.lstm, coupled))


def gru_system(reset: str, update: str) -> System:
    """The equations of a variant of `verify.reference.gru`."""
    kept, taken = (Value("z"), Rest(Value("z"))) if update == "z" else (Rest(Value("z")), Value("z"))
    equations: dict[str, Any] = {
        "h": Sum((Hadamard((kept, Value("h", -1))), Hadamard((taken, Value("n"))))),
        "n": Of("phi", Value("Net_n")),
    }
    if reset == "before":
        equations["Net_n"] = Sum((driven("_n"), Times(Parameter("W_n"), Value("q"))), (Parameter("b_n"),))
        equations["q"] = Hadamard((Value("r"), Value("h", -1)))
    else:
        equations["Net_n"] = Sum((driven("_n"), Hadamard((Value("r"), Value("q")))), (Parameter("b_n"),))
        equations["q"] = Sum((Times(Parameter("W_n"), Value("h", -1)),), (Parameter("c_n"),))
    for a in "rz":
        equations |= {a: Of("sigma", Value(f"Net_{a}")), f"Net_{a}": affine(f"_{a}", "h")}

    return System(equations, "h", {"h": "h0"}, partial(cells.gru, reset, update))


def jordan_system() -> System:
    """The equations of `verify.reference.jordan`."""
    equations = {
        "o": Of("g", Value("z")),
        "z": Sum((Times(Parameter("V"), Value("s")),), (Parameter("c"),)),
        "s": Of("f", Value("Net")),
        "Net": affine("", "o"),
    }
    return System(equations, "o", {"o": "o0"}, cells.jordan)


def residual_system() -> System:
    """The equations of `verify.reference.residual`."""
    equations = {"s": Sum((Value("s", -1), Value("r"))), "r": Of("f", Value("Net")), "Net": affine("", "s")}
    return System(equations, "s", {"s": "s0"}, cells.residual)


SYSTEMS = (
    lstm_system(coupled=False),
    lstm_system(coupled=True),
    *(gru_system(reset, update) for reset, update in product(gru.RESETS, gru.UPDATES)),
    jordan_system(),
    residual_system(),
)


def cell_layers(model: Model) -> Iterator[CellLayer]:
    """The cells of a model; no equation belongs to two."""
    taken: set[str] = set()
    for equation in model.equations:
        if equation.index is None or model.is_definition(equation):
            continue
        layer = next(_layers_at(model, equation.name), None)
        if layer is not None and not taken & names_of(layer):
            taken |= names_of(layer)
            yield layer


def names_of(layer: CellLayer) -> set[str]:
    """The members that a cell computes."""
    return {name for name in layer.values.values() if name is not None}


def _layers_at(model: Model, name: str) -> Iterator[CellLayer]:
    for system in SYSTEMS:
        for bound in matches(system.equations, system.output, model, name):
            functions = {role: found for role, found in bound.items() if isinstance(found, tuple)}
            values = {role: found for role, found in bound.items() if role in system.equations}
            parameters = {role: found for role, found in bound.items() if role not in {*values, *functions, "x"}}
            yield CellLayer(system, values, parameters, functions, bound["x"])
