"""Play a scenario on a real actor system: JSON on stdin, the trace as JSON lines on stdout.

``python -m tests.supervision.otp.runner`` plays in real time, with ``--virtual`` in no time at all.
"""

import json
import logging
import sys

from dramaturg.actors import ManualClock, SystemClock
from tests.supervision.otp._play import play

if __name__ == "__main__":
    # What fails on purpose is in the trace.
    logging.getLogger("dramaturg").setLevel(logging.CRITICAL)
    clock = ManualClock() if "--virtual" in sys.argv[1:] else SystemClock()
    for line in play(json.load(sys.stdin), clock):
        print(json.dumps(line))  # noqa: T201 - the trace
