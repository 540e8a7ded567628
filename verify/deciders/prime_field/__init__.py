"""Exact evaluation over prime fields: decides and refutes claims for every size.

A claim is compiled once (`program`), followed as class counts to find sizes that settle all sizes (`classes`,
`bounds`), and evaluated there at random points modulo random-looking primes (`arrays`, `fields`), derivatives by
jets (`jets`, `scope`). Nothing symbolic is differentiated, expanded or simplified.
"""

from verify.deciders.prime_field.decide import decide_at, differs_at
from verify.deciders.prime_field.limits import Limits
from verify.deciders.prime_field.window import decide_window

__all__ = ["Limits", "decide_at", "decide_window", "differs_at"]
