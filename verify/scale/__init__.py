"""Work in other processes: one seam, submit a task and get its result or why it was lost, and three crews behind it.

A task is a module's function and plain arguments. `crew` has the seam and the loop that sees every task through,
`alone`, `pool` and `cluster` do the work here, in processes of this machine, or on dask.distributed.
"""
