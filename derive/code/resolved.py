"""Values written with the names that they have: what equals a family's formula is that family.

Besides, σ(v) = ½ + ½ tanh(v/2): one tanh serves all gates of a cell, and the half goes into the parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import sympy as sp

from derive.code import values
from derive.code.named import Names
from derive.code.program import Line, Program
from derive.code.values import Apply, Read, Scaled, Value

HALF = sp.Rational(1, 2)


def resolved(program: Program) -> Program:
    """The program with every value under its name and without sigmoids."""
    names = Names(program.definitions)
    named = _changed(program, names.named)
    smooth = _changed(replace(named, forward=tuple(map(_without_sigmoid, named.forward))), without_sigmoid)
    return _halved(smooth)


def _changed(program: Program, change: Callable[[Value], Value]) -> Program:
    """The program with its values after the forward pass changed."""
    return replace(
        program,
        loss_parts=tuple(part.changed(change) for part in program.loss_parts),
        backward=tuple(replace(line, value=change(line.value)) for line in program.backward),
        carried=tuple(replace(one, value=change(one.value)) for one in program.carried),
        sums={key: tuple(part.changed(change) for part in parts) for key, parts in program.sums.items()},
        steps={key: change(value) for key, value in program.steps.items()},
        ends={key: change(value) for key, value in program.ends.items()},
    )


def _without_sigmoid(line: Line) -> Line:
    return replace(line, value=without_sigmoid(line.value))


def without_sigmoid(value: Value) -> Value:
    """σ(v) = ½ + ½ tanh(½ v)."""
    made = values.rebuilt(value, without_sigmoid)
    if not isinstance(made, Apply) or made.kind != "sigmoid":
        return made
    half = values.scaled(HALF, values.apply("tanh", values.scaled(HALF, made.operand)))
    return values.add(values.number(HALF), half)


def everything(program: Program) -> Iterable[Value]:
    """All values of a program."""
    yield from (line.value for line in (*program.forward, *program.backward))
    yield from (one.value for one in program.carried)
    for part in (*program.loss_parts, *(one for parts in program.sums.values() for one in parts)):
        yield from part.values
    yield from (*program.steps.values(), *program.ends.values())


def _halved(program: Program) -> Program:
    """A family of which only the half is read is computed as its half: the parameters are halved instead."""
    whole = {one.name for one in program.outputs}
    half: set[str] = set()
    for value in everything(program):
        _note_reads(value, whole, half)
    chosen = frozenset(half - whole) & program.definitions.keys()

    def line(one: Line) -> Line:
        value = _reading_halves(one.value, chosen)
        return replace(one, value=values.add(*_halves(value)) if one.name in chosen else value)

    return replace(program, forward=tuple(map(line, program.forward)))


def _note_reads(value: Value, whole: set[str], half: set[str]) -> None:
    if isinstance(value, Scaled) and value.number == HALF and isinstance(value.operand, Read):
        half.add(value.operand.name)
        return
    if isinstance(value, Read):
        whole.add(value.name)
    for operand in value.operands:
        _note_reads(operand, whole, half)


def _reading_halves(value: Value, chosen: frozenset[str]) -> Value:
    if isinstance(value, Scaled) and isinstance(value.operand, Read) and value.operand.name in chosen:
        return values.scaled(value.number / HALF, value.operand)
    return values.rebuilt(value, lambda operand: _reading_halves(operand, chosen))


def _halves(value: Value) -> Iterable[Value]:
    return (values.scaled(HALF, term) for term in (value.terms if isinstance(value, values.Sum) else (value,)))
