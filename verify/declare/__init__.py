"""`backproof declare`: a declaration block proposed from the letters, scripts and products of a document."""

from verify.declare.proposal import Proposal, propose

__all__ = ["Proposal", "propose"]
