"""What verification may spend: steps, instances and seeds, all options of the command."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Effort:
    """How hard to try.

    `steps`: the last step up to which symbolic times are tried, `small_steps` the first round;
    `examples`: numeric instances a model;
    `seed`: keys every random draw; `seconds`: the time for one claim (0: no limit);
    `repair_seconds`: the time for the search for a repair of a refuted claim (0: none is looked for).
    """

    steps: int = 6
    examples: int = 100
    seed: int = 0
    small_steps: int = 3
    seconds: float = 20.0
    repair_seconds: float = 2.0
