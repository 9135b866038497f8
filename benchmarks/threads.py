"""What a training's threads cost beside other work: one, several that sleep, several that spin.

    python -m benchmarks.threads

`digits-conv16` on the garments that come with the package, images per second of single epochs,
alone and beside processes that do nothing but count. Each way trains in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EPOCHS = 5
PICTURES = 1_000
BATCHES = (32, 256)
COUNT = "while True: pass"


def main() -> None:
    """Run every way beside none, one and as many busy processes as there are cores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", type=int, metavar="BATCH", help="train in this process only")
    only = parser.parse_args().one
    if only is not None:
        print(json.dumps(_rates(only)))
        return
    cores = os.cpu_count() or 1
    ways = {
        "1 thread": {"OMP_NUM_THREADS": "1"},
        f"{cores} that sleep": {"OMP_WAIT_POLICY": "PASSIVE"},
        f"{cores} that spin": {},
    }
    print("busy beside it | batch | " + " | ".join(ways))
    for busy in sorted({0, 1, cores}):
        others = [subprocess.Popen([sys.executable, "-c", COUNT]) for _ in range(busy)]
        try:
            for batch in BATCHES:
                found = [_trained(batch, settings) for settings in ways.values()]
                print(busy, batch, *found, sep=" | ", flush=True)
        finally:
            for one in others:
                one.kill()
                one.wait()


def _trained(batch: int, settings: dict[str, str]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    command = [sys.executable, "-m", "benchmarks.threads", "--one", str(batch)]
    done = subprocess.run(
        command, check=True, capture_output=True, text=True, env={**kept, **settings}
    )
    rates = sorted(json.loads(done.stdout))
    return f"{rates[len(rates) // 2]:,.0f} ({rates[0]:,.0f} to {rates[-1]:,.0f})"


def _rates(batch: int) -> list[float]:
    from lookalike.benchmark.training import NetworkInTraining, clothes

    with tempfile.TemporaryDirectory() as work:
        pixels = clothes(Path(work), PICTURES)
    network, found = NetworkInTraining(pixels, batch, 0), []
    network.epoch()
    for _ in range(EPOCHS):
        started = time.perf_counter()
        network.epoch()
        found.append(PICTURES / (time.perf_counter() - started))
    return found


if __name__ == "__main__":
    main()
