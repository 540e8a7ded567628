"""The function under audit: how it is called, and every way in which a call can fail, as data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from verify.audit.faults import (
    Answer,
    Fault,
    other_library,
    overwritten,
    replaced_in_numpy,
    told,
    without_numpy,
    wrong_keys,
    wrong_shape,
)
from verify.audit.instance import Instance
from verify.errors import CallError
from verify.reference.sequences import Array, Arrays

KINDS = ("numpy", "torch", "jax")
PREFIXES = ("d", "d_", "grad_")  # a cotangent of s as a parameter: ds, d_s, grad_s

Call = Callable[[dict[str, Any], dict[str, Any]], Any]


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

    def answer(self, instance: Instance, lay_out: Callable[[Arrays], dict[str, Array]] | None = None) -> Answer:
        """One call on copies of the instance's arrays, `lay_out` says how they lie in memory."""
        inputs, cotangents = ((lay_out or copies)(arrays) for arrays in (instance.inputs, instance.cotangents))
        given = [handed(arrays, self.arrays) for arrays in (inputs, cotangents)]
        try:
            returned = self.call(*given)
        except SystemExit as error:
            return Answer({}, (Fault("exit", f"it ends the process: sys.exit({error.code!r})"),))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # what is no Exception, as the outcomes of test frameworks, is one here
            return Answer({}, (Fault("exception", told(error) + other_library(error, self.arrays)),))
        if replaced := replaced_in_numpy():
            return Answer({}, (Fault("numpy replaced", without_numpy(replaced)),))
        touched = overwritten(instance, [taken(arrays) for arrays in given])
        try:
            found, faults = self.read(returned, instance)
        except Exception as error:  # a mapping of any kind: whatever reading it raises
            return Answer({}, (*touched, Fault("no dict", f"what it returned cannot be read: {told(error)}")))
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


# --- arrays ------------------------------------------------------------------------------------------------------


def copies(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Copies, so that no call can reach the instance."""
    return {key: array.copy() for key, array in arrays.items()}


def spread(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Copies that are not contiguous: every second entry of wider arrays, which hold other numbers between."""
    found = {}
    for key, array in arrays.items():
        wide = np.full((*array.shape[:-1], 2 * array.shape[-1]), 0.375, dtype=array.dtype)
        wide[..., ::2] = array
        found[key] = wide[..., ::2]
    return found


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
    if value is None or isinstance(value, str | Mapping):
        return np.zeros(0), f"{type(value).__name__}, not an array"
    if np.ma.is_masked(value):
        return np.zeros(0), "a masked array with entries that are masked: there is no number in them"
    try:
        device = getattr(getattr(value, "device", None), "type", "cpu")
        if hasattr(value, "detach"):
            value = value.detach()
        if hasattr(value, "cpu") and device != "cpu":
            value = value.cpu()
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
    if twice := sorted({key for keys in (wrt, order) for key in keys if list(keys).count(key) > 1}):
        raise CallError(f"{', '.join(twice)}: named twice")
    if inspect.isclass(function) and hasattr(function, "backward"):
        raise CallError(f"{name or function.__name__} is a class: {_instead_of_a_class(function)}")
    target = function if inspect.isroutine(function) or not hasattr(function, "backward") else function.backward
    if not callable(target):
        raise CallError(f"{name or function!r} cannot be called")
    own = name or getattr(target, "__qualname__", type(target).__name__)
    return Subject(own, _calling(target, own, inputs, outputs), arrays, tuple(wrt), tuple(order))


def _instead_of_a_class(function: Any) -> str:
    """What to audit where a class is named."""
    if hasattr(function, "apply") and hasattr(function, "forward"):
        return (
            "its backward needs what its forward has saved. Write a function(inputs, cotangents) that makes leaves of "
            "the inputs, calls apply, then torch.autograd.backward, and returns each leaf's .grad by its key"
        )
    return "name an object of it that has the method backward"


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
