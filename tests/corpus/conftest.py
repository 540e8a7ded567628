"""The confirmations use the zoo's arithmetic and networks, plain modules of tests/zoo."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "zoo")]
