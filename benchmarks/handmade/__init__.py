"""Hand-engineered NumPy, one module a model, with the interface of generated code: the yardstick beside it."""
