"""Makes formulas: models, derivations with every step named, LaTeX. SymPy is imported at the first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "derive.errors": ("BackproofError", "ModelError", "NotationError", "RuleError", "ShapeError"),
    "derive.model": ("Equation", "Loss", "Model", "Time"),
    "derive.language.build": (
        "diag", "divide", "hadamard", "kron", "matadd", "matmul", "negate", "ones", "sequence", "transpose", "vec",
    ),
    "derive.language.functions": ("elementwise", "function"),
    "derive.language.show": ("show",),
    "derive.batch": ("batched",),
    "derive.naming": ("delta_names",),
    "derive.sensitivities": ("forward_gradient", "sensitivity"),
    "derive.derivation": ("Derivation", "Step", "block", "family", "jacobian"),
    "derive.recurrence": ("delta", "gradient"),
    "derive.unroll": ("product_over_steps", "unrolled"),
    "derive.document": ("as_document", "as_latex", "as_text"),
    "derive.models.systems": ("System", "system", "systems"),
}  # fmt: skip
_HOME = {name: module for module, names in _PUBLIC.items() for name in names}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """PEP 562: `import derive` costs nothing; a name loads its module when it is asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'derive' has no attribute {name!r}; it has {', '.join(__all__)}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
