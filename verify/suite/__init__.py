"""The built-in suite: derivation documents, verified by `backproof verify` without a file."""
