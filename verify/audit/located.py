"""Where gradients are wrong: which of them, which gate, rows, steps and samples, and for which cotangents and inputs.

Gradients are linear in the cotangents: a function that is wrong is wrong for some cotangent at one step, of one output,
in one sample. So it is called with the cotangents of one step alone, and so on, and with inputs at which one kind of
error cannot show: W symmetric, s_0 = 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from verify.audit.guess import at_step
from verify.audit.instance import BATCH, SEQUENCE, Instance
from verify.audit.one_gradient import axis_name
from verify.audit.probing import Probe, Wrong, with_cotangents, with_inputs
from verify.reference.sequences import Array


def located(probe: Probe, instance: Instance) -> tuple[str, ...]:
    """What is wrong on an instance and on its neighbours, one sentence each."""
    wrong = probe.wrong(instance)
    if not wrong:
        return ()
    found = [which(wrong, probe.subject.keys(instance))]
    found += [line for line in (of_gates(wrong, instance),) if line]
    found += [line for key in wrong if (line := of_entries(key, wrong[key], instance))]
    for look in (of_one_step, of_steps, of_outputs, of_samples, of_inputs):
        found += look(probe, instance, wrong)
        if probe.is_over:
            break
    return tuple(found)


def which(wrong: Wrong, keys: Sequence[str]) -> str:
    """The gradients that are wrong, and those that are right."""
    right = [key for key in keys if key not in wrong]
    told = f"wrong: {', '.join(key for key in keys if key in wrong)}"
    return f"{told}; right: {', '.join(right)}" if right else f"{told}: all gradients"


def of_gates(wrong: Wrong, instance: Instance) -> str:
    """A gate whose parameters are all wrong, where those of the others are right."""
    gates: dict[str, list[str]] = {}
    for key in instance.inputs:
        match = re.fullmatch(r"[A-Za-z]+_([A-Za-z]+)", key)
        if match:
            gates.setdefault(match[1], []).append(key)
    bad = [gate for gate, keys in gates.items() if all(key in wrong for key in keys)]
    good = [gate for gate, keys in gates.items() if not any(key in wrong for key in keys)]
    if len(gates) > 1 and bad and len(bad) + len(good) == len(gates) and good:
        one = len(bad) == 1
        return f"of the gate{'' if one else 's'} {', '.join(bad)} all parameters are wrong, of {', '.join(good)} none"
    letters: dict[str, list[str]] = {}
    for key in (key for keys in gates.values() for key in keys):
        letters.setdefault(key.partition("_")[0], []).append(key)
    whole = [letter for letter, keys in letters.items() if all(key in wrong for key in keys)]
    others = [key for key in wrong if key.partition("_")[0] not in whole]
    if len(gates) > 1 and whole and len(whole) < len(letters) and not others:
        return f"of every gate {' and '.join(whole)}"
    return ""


def of_entries(key: str, mask: Array, instance: Instance) -> str:
    """The steps of a sequence, the samples, the rows or columns that are wrong, where others are right."""
    if mask.all() or mask.ndim == 0:
        return ""
    axes = instance.written.get(key, "").split()
    if axes[:1] == [SEQUENCE]:
        steps = np.asarray(mask.reshape(len(mask), -1).any(axis=1))
        if not steps.all():
            return (
                f"{key} is wrong at {places('step', steps)} and right at {places('step', ~steps)}{_from_later(steps)}"
            )
    for axis in range(mask.ndim):
        here = np.asarray(mask.any(axis=tuple(other for other in range(mask.ndim) if other != axis)))
        if not here.all():
            name = "sample" if axis < len(axes) and axes[axis] == BATCH else axis_name(mask.ndim, axis)
            return f"{key} is wrong in {places(name, here, 0)} alone (counted from 0)"
    return f"{key} is wrong in {int(mask.sum())} of {mask.size} entries"


def _from_later(steps: Array) -> str:
    """Wrong up to a step and right from there on: what comes back is wrong."""
    count = int(steps.sum())
    if steps[:count].all() and count == len(steps) - 1:
        return ": what comes back from step t + 1 is wrong"
    return ""


def places(name: str, mask: Array, first: int = 1) -> str:
    """Where a mask holds: step 4; steps 1..3, 5."""
    numbers = [int(place) + first for place in np.flatnonzero(mask)]
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    told = ", ".join(str(low) if low == high else f"{low}..{high}" for low, high in found)
    several = {"entry": "entries"}.get(name, f"{name}s") if len(numbers) > 1 else name
    return f"{several} {told}"


# --- probes ------------------------------------------------------------------------------------------------------


def of_one_step(probe: Probe, instance: Instance, wrong: Wrong) -> Iterator[str]:
    """A sequence of one step, where nothing comes back: which gradients are wrong there."""
    if instance.sizes.get(SEQUENCE, 1) == 1:
        return
    one = probe.truth.instance(
        probe.truth.completed({**instance.sizes, SEQUENCE: 1}), instance.seed, np.dtype(instance.dtype)
    )
    found = probe.wrong(one)
    if found == {}:
        yield "right for a sequence of one step: the error is in what goes from step to step"
    elif found is not None and set(found) != set(wrong):
        keys = [key for key in probe.subject.keys(one) if key in found]
        gates = of_gates(found, one)
        yield f"for a sequence of one step wrong: {', '.join(keys)}{gates and f' ({gates})'}"


def of_steps(probe: Probe, instance: Instance, wrong: Wrong) -> Iterator[str]:
    """The cotangents of one step alone."""
    if any(not instance.written.get(key, "").startswith(SEQUENCE) for key in instance.cotangents):
        return
    steps = len(next(iter(instance.cotangents.values())))
    bad, travels = np.zeros(steps, dtype=bool), []
    for step in range(1, steps + 1):
        alone = with_cotangents(instance, lambda key, a, step=step: np.where(at_step(a, step), a, 0))  # type: ignore[misc]
        found = probe.wrong(alone)
        if found is None or probe.is_over:
            return
        bad[step - 1] = bool(found)
        travels.append(_travelled(found, instance, step))
    if not bad.all():
        if bad.any():
            yield f"wrong for the cotangents of {places('step', bad)} alone, right for those of {places('step', ~bad)}"
        else:
            yield "right for the cotangent of any one step: wrong only where several steps have one"
    distances = {distance for one in travels for distance in one}
    if distances and min(distances) > 0 and all(travels[min(distances) :]):
        first = min(distances)
        if first == 1:
            yield "what a cotangent sends to the input of its own step is right, what it sends farther back is wrong"
        else:
            yield f"what a cotangent sends back is right for {first} steps, its own the first, and wrong farther back"


def _travelled(wrong: Wrong, instance: Instance, step: int) -> set[int]:
    """How far from the cotangent's step the gradients of input sequences are wrong."""
    found = set()
    for key, mask in wrong.items():
        if instance.written.get(key, "").startswith(SEQUENCE):
            found |= {step - 1 - int(k) for k in np.flatnonzero(mask.reshape(len(mask), -1).any(axis=1))}
    return found


def of_outputs(probe: Probe, instance: Instance, wrong: Wrong) -> Iterator[str]:
    """The cotangents of one output alone."""
    if len(instance.cotangents) < 2:
        return
    bad: list[str] = []
    good: list[str] = []
    for output in instance.cotangents:
        alone = with_cotangents(instance, lambda key, a, output=output: a if key == output else np.zeros_like(a))  # type: ignore[misc]
        found = probe.wrong(alone)
        if found is None:
            return
        (bad if found else good).append(output)
    if good and bad:
        yield f"wrong for cotangents of {', '.join(bad)}, right for those of {', '.join(good)}"


def of_samples(probe: Probe, instance: Instance, wrong: Wrong) -> Iterator[str]:
    """The cotangents of one sample alone."""
    if any(BATCH not in instance.written.get(key, "").split()[:2] for key in instance.cotangents):
        return
    axis = {key: instance.written[key].split().index(BATCH) for key in instance.cotangents}
    batch = instance.sizes.get(BATCH, 1)
    if batch < 2:
        return
    bad = np.zeros(batch, dtype=bool)
    for sample in range(batch):
        found = probe.wrong(with_cotangents(instance, lambda key, a, b=sample: _sample(a, axis[key], b)))  # type: ignore[misc]
        if found is None:
            return
        bad[sample] = bool(found)
    if bad.any() and not bad.all():
        yield f"wrong for the cotangents of {places('sample', bad, 0)}, right for those of {places('sample', ~bad, 0)}"
    elif not bad.any():
        yield "right for the cotangents of any one sample: the samples of a batch are mixed"


def _sample(array: Array, axis: int, sample: int) -> Array:
    found = np.zeros_like(array)
    place = (slice(None),) * axis + (sample,)
    found[place] = array[place]
    return found


def of_inputs(probe: Probe, instance: Instance, wrong: Wrong) -> Iterator[str]:
    """Inputs at which one kind of error cannot show."""
    changes: list[tuple[str, str, Callable[[Array], Array]]] = []
    for key, array in instance.inputs.items():
        axes = instance.written.get(key, "").split()
        if array.ndim == 2 and axes[0] == axes[1]:
            changes.append((key, f"{key} is symmetric", lambda a: (a + a.T) / 2))
        if BATCH in axes and SEQUENCE not in axes:
            changes.append((key, f"{key} = 0", np.zeros_like))
    hiding = []
    for key, told, change in changes:
        if probe.is_over:
            return
        if probe.wrong(with_inputs(instance, **{key: change(instance.inputs[key])})) == {}:
            hiding.append(key)
            yield f"right where {told}"
    matrices = [key for key, told, _ in changes if told.endswith("symmetric")]
    if len(matrices) > 1 and not set(matrices) & set(hiding):
        turned = {key: (instance.inputs[key] + instance.inputs[key].T) / 2 for key in matrices}
        if probe.wrong(with_inputs(instance, **turned)) == {}:
            yield f"right where {', '.join(matrices)} are all symmetric"
