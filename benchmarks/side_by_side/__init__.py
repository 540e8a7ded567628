"""Generated code and the audit beside their peers: what `benchmarks/speed.py` measures, one module a subject."""
