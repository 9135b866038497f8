"""One benchmark in this process: JSON on standard output.

`python -m lookalike.benchmark NAME [EFFORT [PART]]`
"""

from __future__ import annotations

import json
import sys

from lookalike.benchmark.apart import SAID
from lookalike.benchmark.outcome import Effort
from lookalike.benchmark.suite import run_benchmark
from lookalike.errors import BenchmarkError


def main() -> None:
    """Run the benchmark that is named, print its outcome as one line of JSON."""
    name, *rest = sys.argv[1:]
    effort = Effort(**json.loads(rest[0])) if rest else Effort()
    try:
        found = run_benchmark(name, effort, *rest[1:])
    except BenchmarkError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(SAID)
    sys.stdout.write(json.dumps(found.as_dict()) + "\n")


if __name__ == "__main__":
    main()
