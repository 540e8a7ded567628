"""The door `gradients` of a generated module: at once, split over threads, or by segments that save memory.

By segments: the loss of all steps seen from the states at a segment's end is the later segments' gradient by those
states, so a segment's backward pass needs that gradient alone, added to the cotangent of its last step. Only the states
at the segments' starts are kept, and each segment's forward pass is run again (Chen et al., Training deep nets with
sublinear memory cost, 2016): √T segments of √T steps need O(√T) memory beside the inputs and their gradients.
"""

from __future__ import annotations

from derive.code.lowering import Unsupported
from derive.code.program import Program


def gradients_text(program: Program, memory: str) -> str:
    """The functions `gradients` and `whole`, which it runs for each part of the batch."""
    parts = [_GRADIENTS.format(axes=_axes(program), batch=_first(program))]
    if memory == "full":
        return "\n\n".join([*parts, _WHOLE])
    _check(program)
    states = "{" + ", ".join(f'"{b.key}": "{_output(program, b.name)}"' for b in program.boundaries) + "}"
    sequences = ", ".join(f'"{one.key}"' for one in program.sequences)
    return "\n\n".join([*parts, _SEGMENTS.format(states=states, sequences=sequences, first=_first(program))])


def _axes(program: Program) -> str:
    """Which axis of an input is the batch's, by key; parameters have none."""
    found = {one.key: 1 for one in program.sequences} | {one.key: 0 for one in program.boundaries}
    return "{" + ", ".join(f'"{key}": {axis}' for key, axis in found.items()) + "}"


def _first(program: Program) -> str:
    return program.sequences[0].key


def _output(program: Program, name: str) -> str:
    return next(one.key for one in program.outputs if one.name == name)


def _check(program: Program) -> None:
    if program.loss:
        raise Unsupported("memory saved by segments needs a loss that sees the states: choose one without a formula")
    if not program.boundaries or any(one.side > 0 for one in program.boundaries):
        raise Unsupported("memory is saved by segments of steps only where all states run forwards")


_GRADIENTS = '''BATCH = {axes}  # the axis of the samples; parameters have none


def gradients(inputs, cotangents, threads=1):
    """The gradients of every input by its key, from the cotangents of outputs.

    `threads` parts of the batch run side by side: let BLAS have one thread then (OPENBLAS_NUM_THREADS=1).
    """
    if threads == 1:
        return whole(inputs, cotangents)
    samples = np.shape(inputs["{batch}"])[1]
    threads = max(1, min(threads, samples))
    cuts = [samples * part // threads for part in range(threads + 1)]

    def run(part):
        def cut(array, axis):
            return array if axis is None else np.ascontiguousarray(array[:, part] if axis else array[part])

        mine = {{key: cut(np.asarray(array), BATCH.get(key)) for key, array in inputs.items()}}
        theirs = {{key: cut(np.asarray(array), 1 if np.ndim(array) else None) for key, array in cotangents.items()}}
        return whole(mine, theirs)

    with ThreadPoolExecutor(threads) as pool:
        found = list(pool.map(run, map(slice, cuts, cuts[1:])))
    return {{
        key: np.concatenate([one[key] for one in found], BATCH[key]) if key in BATCH else sum(one[key] for one in found)
        for key in found[0]
    }}
'''

_WHOLE = '''def whole(inputs, cotangents):
    """The gradients of a whole batch."""
    return backward(forward(inputs)[1], cotangents)
'''

_SEGMENTS = '''STATES = {states}  # a state before the first step, and the output that is the state at the later ones
SEQUENCES = ({sequences},)


def whole(inputs, cotangents):
    """The gradients of a whole batch, by segments of steps: memory grows with the square root of their number."""
    steps = np.shape(inputs["{first}"])[0]
    length = max(1, math.isqrt(steps))
    segments = [slice(low, min(steps, low + length)) for low in range(0, steps, length)]
    starts = [{{key: inputs[key] for key in STATES}}]
    for segment in segments[:-1]:
        outputs, _ = forward(cut(inputs, segment) | starts[-1])
        starts.append({{key: outputs[name][-1].copy() for key, name in STATES.items()}})
    found, later = {{}}, None
    for segment, start in zip(reversed(segments), reversed(starts)):
        outputs, saved = forward(cut(inputs, segment) | start)
        given = {{key: array[segment] for key, array in cotangents.items()}}
        for key, name in STATES.items() if later else ():
            given[name] = np.array(given[name]) if name in given else np.zeros_like(outputs[name])
            given[name][-1] += later[key]
        part = backward(saved, given)
        later = {{key: part[key] for key in STATES}}
        for key, gradient in part.items():
            if key in SEQUENCES:
                found.setdefault(key, np.empty((steps, *gradient.shape[1:]), gradient.dtype))[segment] = gradient
            elif key in STATES:
                found[key] = gradient
            else:
                found[key] = found[key] + gradient if key in found else gradient
    return found


def cut(inputs, segment):
    """The inputs of some steps."""
    return {{key: array[segment] if key in SEQUENCES else array for key, array in inputs.items()}}
'''
