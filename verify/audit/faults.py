"""Every way in which a call of the function under audit can fail before a number is judged, as data."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from verify.audit.instance import Instance
from verify.reference.sequences import Array, Arrays

HERE = Path(__file__).parent


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


def changed(first: Answer, second: Answer, wrong: Callable[[Arrays], Iterable[str]]) -> tuple[Fault, ...]:
    """Gradients that differ between two calls on the same arrays, and are wrong in one of them.

    `wrong` names the keys of gradients beyond their bounds. Two that are right may differ by roundings: sums that are
    taken by many threads come in another order every time.
    """
    if second.faults and not first.faults:
        why = second.faults[0].message.splitlines()[0]
        return (Fault("not repeatable", f"the second call on the same arrays fails: {why}"),)
    pairs = {key: (array, second.gradients[key]) for key, array in first.gradients.items() if key in second.gradients}
    other = [key for key, (one, two) in pairs.items() if not np.array_equal(one, two)]
    if not other:
        return ()
    is_wrong = {*wrong(first.gradients), *wrong(second.gradients)}
    return tuple(
        Fault(
            "not repeatable",
            f"the gradient of {key} changes from call to call by {np.abs(np.subtract(*pairs[key])).max():.2g}: "
            "a state is kept between calls, or something is drawn at random",
        )
        for key in other
        if key in is_wrong
    )


def strided(answer: Answer, wrong: Callable[[Arrays], Iterable[str]]) -> tuple[Fault, ...]:
    """What was right for contiguous arrays and is not for the same numbers in arrays that are not contiguous.

    A function that raises an exception there refuses such arrays, which is no error.
    """
    if any(fault.kind in ("exception", "exit") for fault in answer.faults):
        return ()
    if answer.faults:
        return (Fault("strides", f"with arrays that are not contiguous: {answer.faults[0].message}"),)
    keys = tuple(wrong(answer.gradients))
    if not keys:
        return ()
    message = (
        f"right for contiguous arrays, wrong for the same numbers in arrays that are not: {', '.join(keys)}; "
        "make them contiguous first (np.ascontiguousarray, .contiguous()), or refuse them by an exception"
    )
    return (Fault("strides", message),)


def told(error: BaseException) -> str:
    """The exception with the lines of the user's own code that led to it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).parent != HERE]
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}: {frame.line}" for frame in frames[-3:]]
    text = str(error).split("\n\n")[0].splitlines()
    said = "\n".join(line[:LONGEST] + "…" * (len(line) > LONGEST) for line in text[:MOST_LINES])
    more = [f"… and {len(text) - MOST_LINES} more lines"] if len(text) > MOST_LINES else []
    return "\n".join([f"{type(error).__name__}: {said}", *more, *dict.fromkeys(lines)])


LONGEST, MOST_LINES = 500, 10  # of an exception's text that a report repeats


def other_library(error: BaseException, arrays: str) -> str:
    """What to do where a function is handed NumPy's arrays and wants tensors."""
    about_arrays = "ndarray" in str(error)
    wanted = [name for name in ("torch", "jax") if name in sys.modules and arrays == "numpy" and about_arrays]
    return f"\nit was handed NumPy's arrays: for tensors ask --arrays {wanted[0]}" if wanted else ""


# --- NumPy itself ------------------------------------------------------------------------------------------------

NUMPY = {name: value for name, value in vars(np).items() if callable(value)}


def replaced_in_numpy() -> tuple[str, ...]:
    """Functions of NumPy that somebody's code has exchanged for others; NumPy's own are put back.

    The reference computes with them too, so what is wrong with them would not show.
    """
    names = tuple(name for name, value in NUMPY.items() if getattr(np, name, None) is not value)
    for name in names:
        setattr(np, name, NUMPY[name])
    return names


def without_numpy(names: Sequence[str]) -> str:
    """What was exchanged, and what to do."""
    return f"{', '.join(f'np.{name}' for name in names)} exchanged for something else: call your own by its name"
