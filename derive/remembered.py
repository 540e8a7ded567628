"""What was found out about a model is kept with the model: as long as it lives, and for it alone.

A memory by value would compare equal models formula by formula, which costs more than most answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from derive.model import Model

Arguments = ParamSpec("Arguments")
Found = TypeVar("Found")


def with_the_model(
    function: Callable[Concatenate[Model, Arguments], Found],
) -> Callable[Concatenate[Model, Arguments], Found]:
    """Decorator: the function of a model (and hashable arguments) is computed once for each model object."""

    @wraps(function)
    def remembered(model: Model, /, *arguments: Arguments.args, **named: Arguments.kwargs) -> Found:
        memory: dict[Any, Found] = vars(model).setdefault("_memory", {})
        key = (function, arguments, *named.items())
        if key not in memory:
            memory[key] = function(model, *arguments, **named)
        return memory[key]

    return remembered
