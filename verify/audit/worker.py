"""The process in which `backproof audit` runs somebody's function: what happens there ends this process only.

It is the user's own code and is not sandboxed: it can read and write whatever its user can. The order comes as one
line of JSON on standard input; stages and the outcome go as lines of JSON to the file descriptor that it names.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from derive.errors import BackproofError
from verify.errors import WitnessConflict


def main() -> None:
    """Do one order."""
    order = json.loads(sys.stdin.readline())
    with os.fdopen(order.pop("descriptor"), "w", encoding="utf-8") as channel:

        def tell(**line: Any) -> None:
            channel.write(json.dumps(line) + "\n")
            channel.flush()

        try:
            tell(**_outcome(order, tell))
        except WitnessConflict as error:
            tell(error=str(error), code=3)
        except BackproofError as error:
            tell(error=str(error), code=2)


def _outcome(order: dict[str, Any], tell: Any) -> dict[str, Any]:
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
