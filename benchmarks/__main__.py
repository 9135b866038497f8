"""Run every benchmark of speed, one after the other: `python -m benchmarks`.

The presets table is not one of them: it takes hours, `python -m benchmarks.presets_table`.
"""

from __future__ import annotations

import subprocess
import sys

SPEEDS = ("guarded", "exact_search")

for name in SPEEDS:
    print(f"\n== {name}", flush=True)
    subprocess.run([sys.executable, "-m", f"benchmarks.{name}"], check=True)
