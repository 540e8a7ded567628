"""Proofs for all steps: a search (`prover`), its result as data (`certificate`), and a small replayer (`checker`)."""

from verify.induction.certificate import from_text, to_text
from verify.induction.checker import Replay, replay
from verify.induction.prover import Proof, prove

__all__ = ["Proof", "Replay", "from_text", "prove", "replay", "to_text"]
