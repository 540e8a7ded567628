"""What a system takes: its keys and the shape of each, checked at the door of its forward and backward passes.

A shape is written "n m". "T …" is a sequence: T is its first axis. Further axes stand before the last ones (after T).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from verify.reference.sequences import Arrays


@dataclass(frozen=True)
class Shapes:
    """The shapes by key of the inputs that a system needs, and of those that may be absent."""

    needed: Mapping[str, str]
    optional: Mapping[str, str]

    def check(self, inputs: Arrays) -> None:
        """The keys, then the sizes."""
        self.check_keys(inputs)
        self.check_sizes(inputs)

    def check_keys(self, inputs: Arrays) -> None:
        """Raises KeyError for a key too few or too many: a misspelt bias must not count as none."""
        known = {**self.needed, **self.optional}
        missing, unknown = sorted(set(self.needed) - set(inputs)), sorted(set(inputs) - set(known))
        if missing:
            raise KeyError(f"no {', '.join(missing)} among the inputs {', '.join(sorted(inputs))}")
        if unknown:
            raise KeyError(f"inputs {', '.join(unknown)}, which nothing reads; expected some of {', '.join(known)}")

    def check_sizes(self, inputs: Arrays) -> None:
        """Raises ValueError where two arrays differ in a size that they share: NumPy would repeat a bias (1,)."""
        known = {**self.needed, **self.optional}
        found: dict[str, tuple[int, str]] = {}
        for key, array in inputs.items():
            for letter, size in sizes(key, array.shape, known[key]).items():
                first, where = found.setdefault(letter, (size, key))
                if size != first:
                    raise ValueError(
                        f"{key} is {known[key]} with {letter} = {size}, but {where} has {letter} = {first}"
                    )


def sizes(key: str, shape: tuple[int, ...], written: str) -> dict[str, int]:
    """The size of each letter of a shape. Raises ValueError where the array has too few axes, or is not square."""
    letters = written.split()
    if len(shape) < len(letters):
        raise ValueError(f"{key} is {written}, not of shape {shape}")
    kept = (shape[0], *shape[len(shape) - len(letters) + 1 :]) if letters[0] == "T" else shape[-len(letters) :]
    found: dict[str, int] = {}
    for letter, size in zip(letters, kept, strict=True):
        if found.setdefault(letter, size) != size:
            raise ValueError(f"{key} is {written}, not of shape {shape}")
    return found
