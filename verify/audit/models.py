"""The models that an audit knows by name: each a `Truth` that rests on `verify.reference`, with its own choices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import lru_cache, partial
from inspect import signature
from itertools import product
from typing import Any

from verify.audit.truth import Truth
from verify.errors import CallError
from verify.reference import bidirectional as bidirectional_module
from verify.reference import cells, convolution, dense, gru, jordan, layer_norm, lstm, residual, rnn, stacked
from verify.reference.activations import ACTIVATIONS, Activation
from verify.reference.sequences import Arrays
from verify.reference.shapes import Shapes

Builder = Callable[..., Truth]
EVEN = ("tanh", "sigmoid", "identity")  # f'(-z) = f'(z): slopes at |z| are the slopes at z


def keys_of(shapes: Shapes, without: str = "") -> dict[str, str]:
    """All keys that a system takes, but the optional ones whose first letter is in `without`."""
    return {**shapes.needed, **{key: s for key, s in shapes.optional.items() if key[0] not in without}}


def unbiased(bias: bool) -> str:
    """The first letters of the keys that go where there is no bias."""
    return "" if bias else "bc"


def _activation(name: str) -> Activation:
    """An activation of the reference by name. Raises CallError for an unknown one."""
    if name not in ACTIVATIONS:
        raise CallError(f"the activation is one of {', '.join(ACTIVATIONS)}, not {name!r}")
    return ACTIVATIONS[name]


def of_cell(name: str, cell: cells.Cell, shapes: Mapping[str, str], outputs: Mapping[str, str], **more: Any) -> Truth:
    """The truth of a recurrent cell."""
    return Truth(name, shapes, outputs, cell.forward, cell.backward, **more)


def elman(bias: bool = True, activation: str = "tanh", output: str = "none") -> Truth:
    """s_t = f(U x_t + W s_{t-1} + b); with `output` (identity, sigmoid, softmax…) o_t = g(V s_t + c)."""
    has_output = output != "none"
    f, g = _activation(activation), _activation(output if has_output else "identity")
    without = unbiased(bias) + ("" if has_output else "Vc")
    outputs = {"o": "T B p"} if has_output else {"s": "T B n"}
    shapes = keys_of(rnn.SHAPES, without)
    return of_cell("rnn", cells.rnn(f, g), shapes, outputs, is_absolute={activation, output} <= {*EVEN, "none"})


def jordan_network(bias: bool = True, activation: str = "tanh", output: str = "identity") -> Truth:
    """s_t = f(U x_t + W o_{t-1} + b), o_t = g(V s_t + c)."""
    cell = cells.jordan(_activation(activation), _activation(output))
    shapes = keys_of(jordan.SHAPES, unbiased(bias))
    return of_cell("jordan", cell, shapes, {"o": "T B p"}, is_absolute={activation, output} <= {*EVEN})


def residual_recurrence(bias: bool = True, activation: str = "tanh") -> Truth:
    """s_t = s_{t-1} + f(U x_t + W s_{t-1} + b)."""
    cell, shapes = cells.residual(_activation(activation)), keys_of(residual.SHAPES, unbiased(bias))
    return of_cell("residual", cell, shapes, {"s": "T B n"}, scales=by_steps, is_absolute=activation in EVEN)


def by_steps(sizes: Mapping[str, int]) -> dict[str, float]:
    """W / T: a state that grows with every step must not saturate f."""
    return {"W": 1 / max(sizes["T"], 1)}


def normalized(activation: str = "tanh", epsilon: str = "0") -> Truth:
    """Layer normalization: a_t = U x_t + W s_{t-1}, s_t = f(γ ⊙ (a_t - μ)/ρ + β)."""
    cell = cells.layer_norm(_activation(activation), _number("epsilon", epsilon))
    return of_cell("layer norm", cell, keys_of(layer_norm.SHAPES), {"s": "T B n"}, scales=tame, usual={"n": 6})


def tame(sizes: Mapping[str, int]) -> dict[str, float]:
    """A large U and a small W: the spread ρ, by which everything is divided, stays away from 0."""
    return {"U": 2.0, "W": 0.4}


def long_short_term(bias: bool = True, peepholes: bool = False, coupled: bool = False) -> Truth:
    """The LSTM, with peepholes p_i, p_f, p_o or with f = 1 - i where asked."""
    shapes = keys_of(lstm.shapes(coupled), unbiased(bias).replace("c", "") + ("" if peepholes else "p"))
    return of_cell("lstm", cells.lstm(coupled), shapes, {"h": "T B n", "c": "T B n"}, is_absolute=True)


def gated(bias: bool = True, reset: str = "after", update: str = "z") -> Truth:
    """The GRU; `reset` stands before or after the product with W_n, `update` is z or 1-z."""
    _one_of("reset", reset, gru.RESETS)
    _one_of("update", update, gru.UPDATES)
    shapes = keys_of(gru.shapes(reset, update), unbiased(bias))
    return of_cell("gru", cells.gru(reset, update), shapes, {"h": "T B n"}, is_absolute=True)


def fully_connected(layers: int = 2, bias: bool = True, activation: str = "tanh") -> Truth:
    """a^l = f(W^l a^{l-1} + b^l), no time."""
    _at_least("layers", layers, 1)
    f = [_activation(activation)] * layers
    shapes = keys_of(dense.shapes(layers), unbiased(bias))
    run = partial(dense.forward, f=f), partial(dense.backward, f=f)
    return Truth("dense", shapes, {f"a{layers}": f"B n{layers}"}, *run, is_absolute=activation in EVEN)


def convolutional(
    axes: int = 2, stride: int = 1, padding: int = 0, bias: bool = True, activation: str = "identity"
) -> Truth:
    """A convolution layer over one axis or two (a cross-correlation), no time."""
    if axes not in (1, 2) or stride < 1:
        raise CallError(f"axes is 1 or 2 and stride at least 1, not {axes} and {stride}")
    _at_least("padding", padding, 0)
    settings: dict[str, Any] = {"stride": stride, "padding": padding, "f": _activation(activation)}
    run = partial(convolution.forward, **settings), partial(convolution.backward, **settings)
    places = [f"P{axis}" for axis in range(1, axes + 1)]

    def completed(sizes: Mapping[str, int]) -> dict[str, int]:
        """With the output's sizes. Raises CallError where the kernel does not fit."""
        sides, kernel = (tuple(sizes[place.replace("P", letter)] for place in places) for letter in "Nk")
        try:
            found = convolution.output_sizes(sides, kernel, (stride,) * axes, (padding,) * axes)
        except ValueError as error:
            raise CallError(str(error)) from None
        return {**sizes, **dict(zip(places, found, strict=True))}

    shapes = keys_of(convolution.shapes(axes), unbiased(bias))
    usual = _unlike(axes, stride, padding)
    return Truth("convolution", shapes, {"a": " ".join(["B O", *places])}, *run, usual=usual, completed=completed)


def _unlike(axes: int, stride: int, padding: int) -> dict[str, int]:
    """N, k and P of every axis, no two alike: `completed` computes P, which is here for the letters that are drawn."""
    found: dict[str, int] = {}
    for axis in range(1, axes + 1):
        sizes = ((n, k, (n + 2 * padding - k) // stride + 1) for n, k in product(range(8, 9 + 6 * stride), range(2, 8)))
        free = (one for one in sizes if one[2] > 1 and len({*one, *found.values()}) == len(one) + len(found))
        found |= dict(zip((f"N{axis}", f"k{axis}", f"P{axis}"), next(free), strict=True))
    return found


# --- cells on cells ----------------------------------------------------------------------------------------------


def inner(cell: str, bias: bool) -> tuple[cells.Cell, Mapping[str, str]]:
    """A cell by name with its shapes."""
    _one_of("cell", cell, CELLS)
    truth = CELLS[cell](bias=bias)
    makers: dict[str, Callable[[], cells.Cell]] = {"rnn": cells.rnn, "lstm": cells.lstm, "gru": cells.gru}
    return makers[cell](), truth.shapes


def both_ways(cell: str = "rnn", bias: bool = True) -> Truth:
    """Two cells over one sequence, keys ending in _ahead and _back; y = [ahead; back]."""
    one, shapes = inner(cell, bias)
    ways = bidirectional_module.DIRECTIONS
    both = {f"{key}_{way}": written for way in ways for key, written in shapes.items() if key != "x"}
    made = bidirectional_module.bidirectional(one)
    return of_cell("bidirectional", made, {"x": shapes["x"], **both}, {"y": "T B 2n"}, is_absolute=True)


def stack(layers: int = 2, cell: str = "rnn", bias: bool = True) -> Truth:
    """Cells on each other, the layer's number behind the letter (U1, W2_i; s10 is s^1_0), the top one's output."""
    if not 1 <= layers <= 9:
        raise CallError(f"layers is a number from 1 to 9, not {layers}")
    one, shapes = inner(cell, bias)
    above = {key: written.replace("m", "n") for key, written in shapes.items() if key != "x"}
    flat = {"x": shapes["x"], **{of_layer(key, 1): written for key, written in shapes.items() if key != "x"}}
    flat |= {of_layer(key, layer): written for layer in range(2, layers + 1) for key, written in above.items()}
    run = partial(stack_forward, kinds=[one] * layers), partial(stack_backward, kinds=[one] * layers)
    return Truth("stacked", flat, {of_layer(one.output, layers): "T B n"}, *run, is_absolute=True)


def of_layer(key: str, layer: int) -> str:
    """W_i of the second layer is W2_i, its s0 is s20."""
    return f"{key[0]}{layer}{key[1:]}"


def of_layers(arrays: Arrays, count: int) -> list[dict[str, Any]]:
    """Arrays by layer, each under its cell's own keys; x is the lowest one's."""
    found: list[dict[str, Any]] = [
        {key[0] + key[2:]: array for key, array in arrays.items() if key[1:2] == str(layer)}
        for layer in range(1, count + 1)
    ]
    if "x" in arrays:
        found[0]["x"] = arrays["x"]
    return found


def numbered(layers: list[dict[str, Any]]) -> dict[str, Any]:
    """Arrays of all layers under keys that hold the layer's number."""
    return {of_layer(key, number): array for number, one in enumerate(layers, start=1) for key, array in one.items()}


def stack_forward(inputs: Arrays, kinds: list[cells.Cell]) -> dict[str, Any]:
    """The values of all layers."""
    return numbered(stacked.forward(of_layers(inputs, len(kinds)), kinds))


def stack_backward(inputs: Arrays, values: Arrays, cotangents: Arrays, kinds: list[cells.Cell]) -> dict[str, Any]:
    """The adjoints of all layers; x̄ is the lowest one's."""
    layers, inside, given = (of_layers(arrays, len(kinds)) for arrays in (inputs, values, cotangents))
    found = stacked.backward(layers, inside, given, kinds)
    return {**numbered(found), "x": found[0]["x"]}


# --- by name -----------------------------------------------------------------------------------------------------

CELLS: dict[str, Builder] = {"rnn": elman, "lstm": long_short_term, "gru": gated}
MODELS: dict[str, Builder] = {
    **CELLS,
    "jordan": jordan_network,
    "residual": residual_recurrence,
    "layer norm": normalized,
    "bidirectional": both_ways,
    "stacked": stack,
    "dense": fully_connected,
    "convolution": convolutional,
}


def model(name: str, choices: Mapping[str, Any] | None = None) -> Truth:
    """The truth of a model by name, with its choices as text or values. Raises CallError, naming the nearest name."""
    if name not in MODELS:
        near = get_close_matches(name.lower(), MODELS, 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise CallError(f"no model is called {name!r}{hint}; audits know {', '.join(MODELS)}, or a document (FILE.md)")
    known = signature(MODELS[name]).parameters
    given = {}
    for key, value in (choices or {}).items():
        if key not in known:
            near = get_close_matches(key, known, 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise CallError(f"{name} has no choice of {key}; it has {', '.join(known)}{hint}")
        given[key] = _read(key, value, known[key].default)
    return _built(name, tuple(sorted(given.items())))


@lru_cache(maxsize=64)
def _built(name: str, given: tuple[tuple[str, Any], ...]) -> Truth:
    """One truth for each choice: so its second witness runs once."""
    return MODELS[name](**dict(given))


def _read(key: str, value: Any, default: Any) -> Any:
    """A choice written as text, as its default's kind."""
    if not isinstance(value, str):
        return _whole(key, value) if _is_number(default) else value
    if isinstance(default, bool):
        words = {"yes": True, "true": True, "": True, "no": False, "false": False}
        if value.lower() not in words:
            raise CallError(f"{key} is yes or no, not {value!r}")
        return words[value.lower()]
    return _whole(key, _number(key, value)) if _is_number(default) else value


def _is_number(default: Any) -> bool:
    return isinstance(default, int) and not isinstance(default, bool)


def _whole(key: str, value: Any) -> int:
    if not isinstance(value, int | float) or value != value // 1:
        raise CallError(f"{key} is a whole number, not {value!r}")
    return int(value)


def _number(key: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise CallError(f"{key} is a number, not {text!r}") from None


def _at_least(key: str, value: int, least: int) -> None:
    if value < least:
        raise CallError(f"{key} is at least {least}, not {value}")


def _one_of(key: str, value: str, known: Any) -> None:
    if value not in known:
        raise CallError(f"{key} is one of {', '.join(known)}, not {value!r}")
