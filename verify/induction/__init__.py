"""Proofs for all steps: a search (`prover`), its result as data (`certificate`), and a small replayer (`checker`)."""

from verify.induction.prover import Proof, prove

__all__ = ["Proof", "prove"]
