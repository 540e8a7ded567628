"""What was found out about a model is kept with the model: as long as it lives, and for it alone.

A memory by value would compare equal models formula by formula, which costs more than most answers.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def with_the_model(function: Function) -> Function:
    """Decorator: the function of a model (and hashable arguments) is computed once for each model object."""

    @wraps(function)
    def remembered(model: Any, *arguments: Any) -> Any:
        memory = vars(model).setdefault("_memory", {})
        key = (function, *arguments)
        if key not in memory:
            memory[key] = function(model, *arguments)
        return memory[key]

    return remembered  # type: ignore[return-value]
