"""Run every benchmark, one after the other: `python -m benchmarks`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

here = Path(__file__).parent
for script in sorted(here.glob("*.py")):
    if not script.name.startswith("_"):
        print(f"\n== {script.stem}", flush=True)
        subprocess.run([sys.executable, str(script)], check=True)
