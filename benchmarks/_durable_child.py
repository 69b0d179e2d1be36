"""One measurement of durable work, in a process of its own.

    python -m benchmarks._durable_child MODULE CONTENDER WORKLOAD N DIRECTORY

The last line of standard output is the sample as JSON.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path

from benchmarks._durable_sample import DurableSuite


def main(module: str, contender: str, workload: str, n: str, directory: str) -> None:
    """Measure one workload of one contender and print the sample."""
    suite: DurableSuite = importlib.import_module(module).CONTENDERS[contender]
    sample = suite[workload](int(n), Path(directory))
    sys.stdout.write(f"\n{json.dumps(sample._asdict())}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
