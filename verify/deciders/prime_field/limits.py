"""What one decision may spend."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Limits of the prime-field decider; the one that is hit is named in the outcome.

    `error_exponent`: equal is refused above a probability of 2^-error_exponent of being wrong. `bits`: digits of
    literals, in bits. `exponent`: of a power, once the steps are numbers. `steps`: of one sum or product over
    time. `entries`: of one intermediate array. `trials`: primes at one choice of sizes. `sizes`: choices of sizes.
    """

    error_exponent: int = 60
    bits: int = 4096
    exponent: int = 64
    steps: int = 64
    entries: int = 4_000_000
    trials: int = 2048
    sizes: int = 256
    size: int = 64
    redraws: int = 4
