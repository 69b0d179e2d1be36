"""One measurement, in a process of its own.

    python -m benchmarks._child MODULE CONTENDER WORKLOAD N REPEATS

The last line of standard output is the sample as JSON. The CPU set is inherited from the parent.
"""

from __future__ import annotations

import importlib
import json
import sys

from benchmarks._sample import Run, Sample, Suite


def measure(run: Run, n: int, repeats: int) -> Sample:
    """Run a workload; when it is repeated, after one run that does not count."""
    if repeats > 1:
        run(n)
    samples = [run(n) for _ in range(repeats)]
    return Sample(sum(s.operations for s in samples), sum(s.cost for s in samples))


def main(module: str, contender: str, workload: str, n: str, repeats: str) -> None:
    """Measure one workload of one contender and print the sample."""
    suite: Suite = importlib.import_module(module).CONTENDERS[contender]
    sample = measure(suite[workload], int(n), int(repeats))
    sys.stdout.write(f"\n{json.dumps(sample._asdict())}\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
