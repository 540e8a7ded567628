"""The process in which `backproof audit` runs somebody's function: what happens there ends this process only.

It is the user's own code and is not sandboxed: it can read and write whatever its user can. The order comes as one
line of JSON on standard input; stages and the outcome go as lines of JSON to what was standard output, which is
standard error from then on: what the function prints is no answer.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from typing import Any

from derive.errors import BackproofError
from verify.errors import WitnessConflict

LOST = 113  # the exit code where the channel is closed


def main() -> None:
    """Do one order."""
    order = json.loads(sys.stdin.readline())
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as channel:
        os.dup2(2, 1)

        def tell(**line: Any) -> None:
            try:
                channel.write(json.dumps(line) + "\n")
                channel.flush()
            except (OSError, ValueError):  # the function has closed it
                os._exit(LOST)

        try:
            tell(**_outcome(order, tell))
        except WitnessConflict as error:
            tell(error=f"two witnesses disagree, which is an error in Backproof: {error}", code=3)
        except BackproofError as error:
            tell(error=str(error), code=2)
        except MemoryError as error:
            tell(error=f"too large: {error}", code=2)
        except KeyboardInterrupt:  # raised by the function: the terminal's does not reach this session
            tell(fault=["exit", "KeyboardInterrupt was raised"])
        except Exception as error:  # the function's own exceptions are caught where it is called
            traceback.print_exc()
            tell(error=f"an error in Backproof: {type(error).__name__}: {error}", code=3)


def _outcome(order: dict[str, Any], tell: Any) -> dict[str, Any]:
    import numpy.random  # noqa: F401  # NumPy loads it late, when a random.py beside the function would come first

    from verify.audit.audit import Plan, audited, truth_of
    from verify.audit.loading import loaded
    from verify.audit.report import data, text
    from verify.audit.subject import subject_of

    truth = truth_of(order["model"], order["choices"])
    plan = Plan(**order["plan"])
    plan.check(truth)
    tell(stage=f"importing {order['function'].rpartition(':')[0]}")
    function = loaded(order["function"])
    subject = subject_of(function, tuple(truth.shapes), tuple(truth.outputs), name=order["function"], **order["how"])
    report = audited(subject, truth, plan, lambda stage: tell(stage=stage))
    return {"text": text(report), "data": data(report), "code": 0 if report.ok else 1}


if __name__ == "__main__":
    main()
