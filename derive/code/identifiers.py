"""Names in generated code: plain keys of the formulas' names, each given once."""

from __future__ import annotations

import builtins
import keyword
import unicodedata
from collections.abc import Iterable

from derive.language.keys import plain_key

UFUNCS = ("add", "subtract", "multiply", "tanh", "exp", "log", "sqrt", "reciprocal")  # called by their own names
RESERVED = frozenset(
    {"T", "B", "np", "math", "dtype", "one", "lead", "inputs", "outputs", "saved", "cotangents", "gradients", "scale"}
    | {"forward", "backward", "whole", "run", "found", "fits", "key", "array", "shapes", "given", "arrays", "repeat"}
    | {"low", "high", "window", "size", "forward_one", "forward_many", "backward_one", "backward_many", "cut", "matmul"}
    | {"KEYS", "ROWS", "WINDOW", "BATCH", "STATES", "SEQUENCES", "ThreadPoolExecutor"}
    | {*UFUNCS, *keyword.kwlist, *dir(builtins)}
)  # what the text of a module writes of itself


class Identifiers:
    """Gives each name an identifier that nothing else has."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self.taken = {*taken, *RESERVED}
        self.known: dict[object, str] = {}

    def of(self, thing: object, wish: str) -> str:
        """The identifier of a thing, as near to `wish` as may be; the same whenever it is asked for."""
        if thing not in self.known:
            self.known[thing] = self.fresh(wish)
        return self.known[thing]

    def fresh(self, wish: str) -> str:
        """An identifier that nothing has."""
        found = short = plain(wish)
        count = 1
        while found in self.taken:
            count += 1
            found = f"{short}_{count}"
        self.taken.add(found)
        return found


def plain(name: str) -> str:
    """A formula's name in letters that any reader can type."""
    key = unicodedata.normalize("NFKD", plain_key(name)).encode("ascii", "ignore").decode()
    return key if key and not key[0].isdigit() else f"v_{key}"
