"""What keeping freed memory saves: processor time of the same training steps, with and without.

    python -m benchmarks.kept_memory

Each side runs in a process of its own, in turn, as often as `--rounds`; processor time, not wall
time, is compared, because other jobs do not count in it.
"""

from __future__ import annotations

import argparse
import contextlib
import resource
import subprocess
import sys

STEPS = 4
BATCH = 256
SIDE = 108


def main() -> None:
    """Run both sides in turn; print the processor seconds of each and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--side", choices=("kept", "given-back"), help="run one side only")
    arguments = parser.parse_args()
    if arguments.side:
        print(_processor_seconds(kept=arguments.side == "kept"))
        return
    seconds: dict[str, list[float]] = {"kept": [], "given-back": []}
    for _ in range(arguments.rounds):
        for side, found in seconds.items():
            command = [sys.executable, "-m", "benchmarks.kept_memory", "--side", side]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found.append(float(done.stdout))
    for side, found in seconds.items():
        print(f"{side:<10} {min(found):.2f} s for {STEPS} steps of {BATCH} pictures, best of "
              f"{arguments.rounds}")  # fmt: skip
    print(f"ratio      {min(seconds['kept']) / min(seconds['given-back']):.2f}")


def _processor_seconds(*, kept: bool) -> float:
    import torch

    from lookalike.training.allocation import freed_memory_kept

    with freed_memory_kept(torch.device("cpu")) if kept else contextlib.nullcontext():
        return _steps()


def _steps() -> float:
    import torch

    from lookalike.models import build_model, get_preset, resolve_image
    from lookalike.models.preset import TwinSettings
    from lookalike.models.twin import TwinAutoencoder
    from lookalike.training.twin import TwinLoss

    preset = get_preset("twin")
    model = build_model(preset, resolve_image(preset, size=SIDE))
    if not isinstance(model, TwinAutoencoder):
        raise TypeError(f"preset twin built {type(model).__name__}")
    losses = TwinLoss(model, TwinSettings())
    optimizer = torch.optim.AdamW(model.parameters())
    pictures = torch.rand(BATCH, 3, SIDE, SIDE)
    for step in range(STEPS + 2):
        if step == 2:
            before = resource.getrusage(resource.RUSAGE_SELF)
        optimizer.zero_grad()
        losses(pictures, pictures).backward()
        optimizer.step()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
