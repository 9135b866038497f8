"""What training in bfloat16 does to retrieval: P@1 and P@10 after training in it and in float32.

python -m benchmarks.precision [--presets NAME:EPOCHS ...] [--work DIR]

The 10,000 garments that come with the package; seed 0, one thread. Each training is a process of
its own; the seconds are those of the whole build. Without AVX512_BF16 both are float32, and it says
so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PRESETS = ("digits-conv16:5", "conv128:3", "food-conv13x13x8:5", "food-dense128:20")


def main() -> None:
    """Build in both precisions, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--presets", nargs="*", default=PRESETS, metavar="NAME:EPOCHS")
    parser.add_argument("--work", type=Path, help="kept; by default a folder that is removed")
    parser.add_argument("--step", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        print(json.dumps(_build(arguments.work, arguments.step)))
        return
    print("| preset, epochs | precision | P@1 | P@10 | seconds |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as spare:
        for preset in arguments.presets:
            for precision in ("float32", "bfloat16"):
                row = _apart(arguments.work or Path(spare), f"{preset}:{precision}")
                print(f"| {preset} | {precision} | {row['P@1']:.4f} | {row['P@10']:.4f} "
                      f"| {row['seconds']:.0f} |", flush=True)  # fmt: skip


def _apart(work: Path, step: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.precision", "--work", str(work), "--step", step]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _build(work: Path, step: str) -> dict[str, float]:
    import torch

    import lookalike

    torch.set_num_threads(1)  # the same sums on every machine
    preset, epochs, precision = step.split(":")
    has_halves = torch.cpu._is_avx512_bf16_supported()
    if precision == "bfloat16" and not has_halves:
        print("this processor has no AVX512_BF16: float32 twice", file=sys.stderr)
    torch.cpu._is_avx512_bf16_supported = lambda: has_halves and precision == "bfloat16"
    started = time.perf_counter()
    engine = lookalike.build(
        "fashion-mnist-10k", work / step.replace(":", "-"), preset=preset, epochs=int(epochs),
        report=False, seed=0, device="cpu",
    )  # fmt: skip
    seconds = time.perf_counter() - started
    found = engine.evaluate(baselines=False).engine
    return {"P@1": found.p_at_1, "P@10": found.p_at_10, "seconds": seconds}


if __name__ == "__main__":
    main()
