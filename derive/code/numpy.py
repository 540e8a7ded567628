"""A module in NumPy that computes a system's outputs and all gradients: `numpy_source(system)`."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import sympy as sp

from derive.code import helpers
from derive.code.doors import gradients_text
from derive.code.form import Form
from derive.code.identifiers import Identifiers
from derive.code.lowering import Unsupported
from derive.code.program import Program, input_shapes, program_of
from derive.code.resolved import resolved
from derive.code.static import is_static, static_source
from derive.code.writing import INDENT, function, listed, shapes_in_lines
from derive.models.registry import System


def numpy_source(system: System, memory: str = "full") -> str:
    """The source of a module with `forward`, `backward` and `gradients`. Raises `Unsupported`.

    `memory` says how `gradients` works: `full` keeps every step's values, `sqrt` those of about √T steps.
    """
    if is_static(system.model):
        if memory != "full":
            raise Unsupported("memory is saved by segments of steps, and this model has none")
        return static_source(system)
    return Module(resolved(program_of(system)), memory).text()


class Module:
    """The text of a module: the doors, and each pass for one sample and for many."""

    def __init__(self, program: Program, memory: str = "full") -> None:
        self.program, self.memory = program, memory
        self.sizes = list(map(str, program.sizes))
        if clash := sorted({"T", "B"} & {*self.sizes}):
            raise Unsupported(f"a size is called {clash[0]}: in code T counts the steps and B the samples")
        self.helpers = {"arrays"} | (set() if program.loss else {"given"})
        names = Identifiers([*self.sizes, *helpers.HELPERS])
        self.matrices = {one.name: names.of(one.name, one.key) for one in program.parameters}
        self.inputs = {one.name: names.of(("input", one.name), one.key) for one in program.sequences}
        self.boundaries = {one.name: names.of(("boundary", one.name), one.key) for one in program.boundaries}
        self.locals = [*self.inputs.values(), *self.boundaries.values(), *self.matrices.values()]

    def text(self) -> str:
        """The whole module."""
        forms = [Form(self, one) for one in (True, False)]  # a backward pass is written after its forward pass
        passes = [*(form.forward() for form in forms), *(form.backward() for form in forms)]
        self.helpers |= {helper for form in forms for helper in form.used}
        doors = [self._forward(), self._backward(), gradients_text(self.program, self.memory)]
        head = [self._heading(), self._imports() + self._keys()]
        return "\n\n".join([*head, *doors, *passes, helpers.text(self.helpers)])

    # --- the doors -----------------------------------------------------------------------------------------------

    def _heading(self) -> str:
        program = self.program
        lines = [f"{program.title}: forward pass and backpropagation through time, in NumPy.", ""]
        lines += [f"    {line.formula}" for line in program.forward]
        lines += [f"    {program.loss_formula}"] if program.loss else []
        lines += [
            "",
            "Written by Backproof from the formulas that it derives; T steps, B samples, float32 or float64.",
            "",
        ]
        lines += shapes_in_lines("inputs", self._shapes())
        outputs = {one.key: f"(T, B, {one.size})" for one in program.outputs}
        lines += shapes_in_lines("outputs", {program.loss_key: "()", **outputs} if program.loss else outputs)
        lines += [f"{name}: {kind}" for name, kind in program.functions.items()]
        return '"""' + "\n".join(lines) + '\n"""\n'

    def _imports(self) -> str:
        needs_math = self.helpers & {"normal_cdf", "normal_density"} or self.memory == "sqrt"
        lines = ["import math"] if needs_math else []
        lines += ["from concurrent.futures import ThreadPoolExecutor", "from itertools import repeat"]
        lines += ["", "import numpy as np", ""]
        lines += ["WINDOW = 1 << 20  # bytes of coefficients that are computed before the steps that use them"]
        lines += ["ROWS = 512  # steps times samples at once, over which the gradients' products contract", ""]
        return "\n".join(lines)

    def _keys(self) -> str:
        keys = [f'"{key}"' for key in self._shapes()]
        text = f"KEYS = ({', '.join(keys)}{',' if len(keys) == 1 else ''})"
        return "\n".join(wrap(text, 110, subsequent_indent=" " * 8)) + "\n"

    def _shapes(self) -> dict[str, str]:
        """The shape of every input by its key."""
        return input_shapes(self.program.sequences, self.program.boundaries, self.program.parameters)

    def _forward(self) -> str:
        first = self.inputs[self.program.sequences[0].name]
        arguments = ", ".join(["T", "B", *self.sizes, *self.locals])
        shapes = list(self._shapes().values())
        lines = ["found = [inputs.get(key) for key in KEYS]"]
        lines += listed("", self.locals, " = found")
        lines += ["try:", f"{INDENT}T, B, _ = {first}.shape", *(INDENT + line for line in self._size_lines())]
        lines += [f'{INDENT}fits = len(inputs) == {len(shapes)} and {first}.dtype.kind == "f"']
        same = listed("fits = fits and [array.shape for array in found] == [", shapes, "]")
        lines += [INDENT + line for line in same]
        lines += ["except (AttributeError, IndexError, ValueError):", f"{INDENT}fits = False"]
        letters = [f'"{" ".join(shape.strip("(),").split(", "))}"' for shape in shapes]
        lines += ["if not fits:", *(INDENT + line for line in listed("found = arrays(inputs, [", letters, "])"))]
        lines += [f"{INDENT}return forward(dict(zip(KEYS, found)))"]
        lines += ["run = forward_one if B == 1 else forward_many"]
        lines += wrap(f"return run({arguments})", 110, subsequent_indent=INDENT * 3)
        said = "The outputs, and what `backward` needs. Do not write to them: they share memory."
        return function("forward(inputs)", said, lines)

    def _size_lines(self) -> list[str]:
        """Each size from the first array that has it as an axis."""
        program = self.program
        axes: list[tuple[str, int, Any]] = [(self.inputs[one.name], 2, one.size) for one in program.sequences]
        axes += [(self.boundaries[one.name], 1, one.size) for one in program.boundaries]
        for one in program.parameters:
            axes += [(self.matrices[one.name], at, size) for at, size in enumerate(one.sizes)]
        found: dict[str, str] = {}
        for array, axis, size in axes:
            if isinstance(size, sp.Symbol):
                found.setdefault(str(size), f"{size} = {array}.shape[{axis}]")
        missing = [size for size in self.sizes if size not in found]
        if missing:
            raise Unsupported(f"no input has an axis of {', '.join(missing)} entries")
        return list(found.values())

    def _backward(self) -> str:
        lines = ["run = backward_one if saved[1] == 1 else backward_many", "return run(saved, cotangents)"]
        said = "The gradients of every input by its key, from the cotangents of outputs; one left out counts as 0."
        return function("backward(saved, cotangents)", said, lines)
