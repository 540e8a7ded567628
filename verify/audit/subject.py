"""The function under audit: how it is called, and every way in which a call can fail, as data."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from verify.audit.instance import Instance, shape
from verify.errors import CallError
from verify.reference.sequences import Array

KINDS = ("numpy", "torch", "jax")
PREFIXES = ("d", "d_", "grad_")  # a cotangent of s as a parameter: ds, d_s, grad_s
HERE = Path(__file__).parent

Call = Callable[[dict[str, Any], dict[str, Any]], Any]


@dataclass(frozen=True)
class Fault:
    """What is wrong with a call before any number is compared: the kind, one word or two, and what to change."""

    kind: str
    message: str


@dataclass(frozen=True)
class Answer:
    """What one call gave: gradients as float arrays, or faults."""

    gradients: dict[str, Array]
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True)
class Subject:
    """A hand-written backward pass: `call(inputs, cotangents)`, the arrays it takes, the gradients that are asked.

    `wrt` names the gradients to compare, all inputs' by default; `order` those of a function that returns a tuple.
    """

    name: str
    call: Call
    arrays: str = "numpy"
    wrt: tuple[str, ...] = ()
    order: tuple[str, ...] = ()

    def keys(self, instance: Instance) -> tuple[str, ...]:
        """The gradients that are asked for."""
        return self.wrt or tuple(instance.inputs)

    def answer(self, instance: Instance) -> Answer:
        """One call on copies of the instance's arrays."""
        inputs, cotangents = (copies(arrays) for arrays in (instance.inputs, instance.cotangents))
        given = [handed(arrays, self.arrays) for arrays in (inputs, cotangents)]
        try:
            returned = self.call(*given)
        except SystemExit as error:
            return Answer({}, (Fault("exit", f"it ends the process: sys.exit({error.code!r})"),))
        except Exception as error:
            return Answer({}, (Fault("exception", told(error)),))
        touched = overwritten(instance, [taken(arrays) for arrays in given])
        found, faults = self.read(returned, instance)
        return Answer(found, (*touched, *faults))

    def read(self, returned: Any, instance: Instance) -> tuple[dict[str, Array], tuple[Fault, ...]]:
        """The gradients in what was returned, and the faults of its keys, shapes and numbers."""
        named, fault = self._named(returned)
        if fault is not None:
            return {}, (fault,)
        faults = list(wrong_keys(named, self.keys(instance), tuple(instance.inputs)))
        found: dict[str, Array] = {}
        for key in self.keys(instance):
            if key not in named:
                continue
            array, problem = as_array(key, named[key], instance.inputs[key])
            if problem is None:
                problem = self._suspicious(key, array, instance)
            if problem is not None:
                faults.append(problem)
            else:
                found[key] = array
        return found, tuple(faults)

    def named(self, returned: Any) -> dict[str, Any]:
        """The gradients by key, as they were returned; none where they cannot be told."""
        return self._named(returned)[0]

    def _named(self, returned: Any) -> tuple[dict[str, Any], Fault | None]:
        if isinstance(returned, Mapping):
            return {str(key): value for key, value in returned.items()}, None
        if isinstance(returned, tuple | list) and self.order:
            if len(returned) == len(self.order):
                return dict(zip(self.order, returned, strict=True)), None
            message = f"{len(returned)} values were returned for the {len(self.order)} keys {', '.join(self.order)}"
            return {}, Fault("wrong keys", message)
        hint = "; name what it holds, in order (--returns U,W,b)" if isinstance(returned, tuple | list) else ""
        return {}, Fault("no dict", f"a dict of gradients is expected, not {type(returned).__name__}{hint}")

    def _suspicious(self, key: str, array: Array, instance: Instance) -> Fault | None:
        expected = instance.inputs[key]
        if array.shape != expected.shape:
            return Fault("wrong shape", wrong_shape(key, array.shape, instance))
        if array.dtype != expected.dtype:
            return Fault(
                "wrong dtype", f"the gradient of {key} is {array.dtype}, its input {expected.dtype}{self._hint()}"
            )
        if not np.isfinite(array).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
            return Fault("not finite", f"the gradient of {key} is {array[place]} at {list(place)}")
        return None

    def _hint(self) -> str:
        """What to change where a library computes in float32 by itself."""
        return {
            "torch": "; make new tensors with dtype=x.dtype, or torch.set_default_dtype(torch.float64)",
            "jax": '; enable x64: jax.config.update("jax_enable_x64", True)',
        }.get(self.arrays, "; an array was made or converted in it")


# --- faults ------------------------------------------------------------------------------------------------------


def wrong_keys(found: Mapping[str, Any], asked: Sequence[str], known: Sequence[str]) -> tuple[Fault, ...]:
    """Keys that are missing, and keys that name no input."""
    missing = [key for key in asked if key not in found]
    extra = sorted(key for key in found if key not in known)
    faults = []
    if missing:
        there = ", ".join(sorted(found)) or "no keys"
        only = ",".join(key for key in asked if key in found) or ",".join(asked)
        message = f"no gradient of {', '.join(missing)} among {there}; ask for some alone with --only {only}"
        faults.append(Fault("wrong keys", message))
    if extra:
        faults.append(Fault("wrong keys", f"gradients of {', '.join(extra)}; the inputs are {', '.join(known)}"))
    return tuple(faults)


def wrong_shape(key: str, found: tuple[int, ...], instance: Instance) -> str:
    """The shape found, the one expected, and whether the axes are reversed."""
    expected, written = instance.inputs[key].shape, instance.written.get(key, "")
    reversed_too = " (it is transposed)" if found == expected[::-1] and found != expected else ""
    return f"the gradient of {key} is {found}, not {expected} = ({', '.join(written.split())}){reversed_too}"


def overwritten(instance: Instance, after: Sequence[Mapping[str, Array]]) -> tuple[Fault, ...]:
    """Inputs and cotangents that the call changed, or whose keys it took out of the dict."""
    faults = []
    for word, before, now in zip(("input", "cotangent of"), (instance.inputs, instance.cotangents), after, strict=True):
        for key, array in before.items():
            if key not in now:
                faults.append(Fault("overwritten", f"the {word} {key} was taken out of its dict"))
            elif not np.array_equal(array, now[key], equal_nan=True):
                faults.append(Fault("overwritten", f"the {word} {key} was overwritten: work on a copy"))
    return tuple(faults)


def changed(first: Answer, second: Answer) -> tuple[Fault, ...]:
    """Gradients that differ, bit by bit, between two calls on the same arrays."""
    if second.faults and not first.faults:
        why = second.faults[0].message.splitlines()[0]
        return (Fault("not repeatable", f"the second call on the same arrays fails: {why}"),)
    faults = []
    for key, array in first.gradients.items():
        other = second.gradients.get(key)
        if other is None or not np.array_equal(array, other):
            largest = "" if other is None else f" by {np.abs(array - other).max():.2g}"
            faults.append(
                Fault("not repeatable", f"the gradient of {key} changes from call to call{largest}: a state is kept")
            )
    return tuple(faults)


def told(error: BaseException) -> str:
    """The exception with the lines of the user's own code that led to it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent != HERE]
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in frames[-3:]]
    text = str(error).split("\n\n")[0]
    return "\n".join([f"{type(error).__name__}: {text}", *lines])


# --- arrays ------------------------------------------------------------------------------------------------------


def copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Copies, so that no call can reach the instance."""
    return {key: array.copy() for key, array in arrays.items()}


def handed(arrays: dict[str, Array], kind: str) -> dict[str, Any]:
    """NumPy arrays as the function takes them."""
    if kind == "numpy":
        return arrays
    if kind == "torch":
        torch = _library("torch")
        return {key: torch.from_numpy(array) for key, array in arrays.items()}
    jax = _library("jax")
    if next(iter(arrays.values())).dtype == np.float64 and not jax.config.jax_enable_x64:
        raise CallError(
            'JAX computes in float32 here: call jax.config.update("jax_enable_x64", True) before, or audit float32 '
            "(--dtype float32)"
        )
    return {key: jax.numpy.asarray(array) for key, array in arrays.items()}


def _library(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise CallError(f"arrays={name!r}, and {name} cannot be imported: {error}") from None


def taken(arrays: Mapping[str, Any]) -> dict[str, Array]:
    """Arrays of any kind as NumPy's; what cannot be one stays out."""
    found = {}
    for key, value in arrays.items():
        array, problem = _converted(value)
        if problem is None:
            found[key] = array
    return found


def as_array(key: str, value: Any, like: Array) -> tuple[Array, Fault | None]:
    """A gradient as a NumPy array of floats, or why it is none."""
    found, problem = _converted(value)
    if problem is not None:
        return like, Fault("no array", f"the gradient of {key} is {problem}")
    if found.dtype.kind != "f":
        return like, Fault("wrong dtype", f"the gradient of {key} holds {found.dtype}, not {like.dtype}")
    return found.copy(), None  # a buffer that the next call writes to again would hide what this one gave


def _converted(value: Any) -> tuple[Array, str | None]:
    """What a torch tensor, a JAX array or anything like an array holds."""
    device = getattr(getattr(value, "device", None), "type", "cpu")
    if hasattr(value, "detach"):
        value = value.detach()
    if hasattr(value, "cpu") and device != "cpu":
        value = value.cpu()
    if value is None or isinstance(value, str | Mapping):
        return np.zeros(0), f"{type(value).__name__}, not an array"
    try:
        return np.asarray(value), None
    except Exception as error:  # an object of any library: whatever its conversion raises
        return np.zeros(0), f"{type(value).__name__}, which NumPy cannot read ({error})"


# --- signatures --------------------------------------------------------------------------------------------------


def subject_of(
    function: Any,
    inputs: Sequence[str],
    outputs: Sequence[str],
    *,
    name: str = "",
    arrays: str = "numpy",
    wrt: Sequence[str] = (),
    order: Sequence[str] = (),
) -> Subject:
    """A function, or an object with `.backward`, as a subject. Raises CallError where it cannot be called so.

    `function(inputs, cotangents)` takes two dicts; a function whose parameters are the model's keys is called by
    them, the cotangents being ds, d_s or grad_s.
    """
    if arrays not in KINDS:
        raise CallError(f"arrays is one of {', '.join(KINDS)}, not {arrays!r}")
    unknown = [key for key in (*wrt, *order) if key not in inputs]
    if unknown:
        raise CallError(f"{', '.join(unknown)}: no input of the model; it has {', '.join(inputs)}")
    target = function if inspect.isroutine(function) or not hasattr(function, "backward") else function.backward
    if not callable(target):
        raise CallError(f"{name or function!r} cannot be called")
    own = name or getattr(target, "__qualname__", type(target).__name__)
    return Subject(own, _calling(target, own, inputs, outputs), arrays, tuple(wrt), tuple(order))


def _calling(target: Any, name: str, inputs: Sequence[str], outputs: Sequence[str]) -> Call:
    try:
        parameters = inspect.signature(target).parameters
    except (TypeError, ValueError):  # a builtin or a compiled function: nothing is known of it
        return target
    named = [p.name for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    needed = [p.name for p in parameters.values() if p.default is p.empty and p.name in named]
    roles = {letter: ("input", letter) for letter in inputs}
    roles |= {f"{prefix}{key}": ("cotangent", key) for key in outputs for prefix in PREFIXES if key not in inputs}
    if needed and all(one in roles for one in needed):
        used = {one: roles[one] for one in named if one in roles}
        if {kind for kind, _ in used.values()} == {"input", "cotangent"}:
            return _by_names(target, used)
    positional = [p for p in parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    takes_two = len(needed) <= 2 <= len(positional) or any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
    if takes_two and not any(p.kind is p.KEYWORD_ONLY and p.name in needed for p in parameters.values()):
        return target
    stray = [one for one in needed if one not in roles]
    raise CallError(
        f"{name}({', '.join(parameters)}): expected {name}(inputs, cotangents), two dicts, or the keys as parameters: "
        f"{name}({', '.join([*inputs, *(f'd{key}' for key in outputs)])})"
        + (f"; nothing is called {', '.join(stray)}" if stray and len(stray) < len(needed) else "")
    )


def _by_names(target: Any, used: Mapping[str, tuple[str, str]]) -> Call:
    def call(inputs: dict[str, Any], cotangents: dict[str, Any]) -> Any:
        sources = {"input": inputs, "cotangent": cotangents}
        return target(**{name: sources[kind][key] for name, (kind, key) in used.items()})

    return call


def expected_shapes(instance: Instance) -> dict[str, tuple[int, ...]]:
    """The shapes that the gradients must have."""
    return {key: shape(instance.written[key], instance.sizes) for key in instance.inputs}
