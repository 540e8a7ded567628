"""`python -m verify.cli`."""

from verify.cli import main

main(prog_name="backproof")
