"""Block matrices: a claim about stacked tensors becomes one claim for each block, before any decider sees it.

A stacked axis is an ordered concatenation, so a formula over it is a grid of formulas over its parts: exact at all
sizes. `partition` says what the parts are, `grids` how each node of the language acts on grids, `splitting` makes
the model and the claims.
"""

from verify.blocks.partition import Unsupported
from verify.blocks.splitting import Block, is_blocked, reached, split

__all__ = ["Block", "Unsupported", "is_blocked", "reached", "split"]
