"""The numeric witnesses by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from verify.claim import Claim
from verify.deciders.outcome import Outcome
from verify.instances import Instance
from verify.oracles import examination
from verify.oracles.bptt import Bptt
from verify.oracles.complex_step import ComplexStep
from verify.oracles.components import Components
from verify.oracles.differences import Differences
from verify.oracles.examination import examine
from verify.oracles.laboratory import Witness
from verify.oracles.limits import answered
from verify.oracles.tangents import Tangents


class Oracle(Protocol):
    """A numeric witness."""

    name: str

    def examine(self, claim: Claim, instances: Iterable[Instance]) -> Outcome:
        """The claim on the instances: equal (none differed), differ, unknown, limit or failed; nothing is raised."""
        ...


class Numeric:
    """A witness of derivatives as an oracle."""

    def __init__(self, witness: Witness) -> None:
        self.witness, self.name = witness, witness.name

    def examine(self, claim: Claim, instances: Iterable[Instance]) -> Outcome:
        """See `examination.examine`."""
        return answered(self.name, lambda: examine(self.witness, claim, instances))

    def side(self, side: Any, claim: Claim, instance: Instance, found: Outcome) -> Any:
        """See `examination.side`."""
        return examination.side(self.witness, side, claim, instance, found.where)


ORACLES: dict[str, Oracle] = {}


def register(oracle: Oracle) -> None:
    """Add an oracle; a name stands for one oracle only."""
    if oracle.name in ORACLES:
        raise ValueError(f"there is an oracle {oracle.name!r} already")
    ORACLES[oracle.name] = oracle


for _witness in (Bptt(), Tangents(), ComplexStep(), Differences()):
    register(Numeric(_witness))
register(Components())
