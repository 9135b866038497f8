"""What keeping freed memory saves: processor time and new pages of the same training steps.

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
        print(*_spent(kept=arguments.side == "kept"))
        return
    spent: dict[str, list[tuple[float, float]]] = {"kept": [], "given-back": []}
    for _ in range(arguments.rounds):
        for side, found in spent.items():
            command = [sys.executable, "-m", "benchmarks.kept_memory", "--side", side]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds, pages = map(float, done.stdout.split())
            found.append((seconds, pages))
    for side, found in spent.items():
        seconds, pages = min(found)
        print(f"{side:<10} {seconds:.2f} s and {pages:,.0f} new pages a step for {STEPS} steps of "
              f"{BATCH} pictures, best of {arguments.rounds}")  # fmt: skip
    print(f"ratio      {min(spent['kept'])[0] / min(spent['given-back'])[0]:.2f}")


def _spent(*, kept: bool) -> tuple[float, float]:
    """Return processor seconds, and pages that the system cleared for a step."""
    import torch

    from lookalike.training.allocation import freed_memory_kept

    with freed_memory_kept(torch.device("cpu")) if kept else contextlib.nullcontext():
        return _steps()


def _steps() -> tuple[float, float]:
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
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, (after.ru_minflt - before.ru_minflt) / STEPS


if __name__ == "__main__":
    main()
