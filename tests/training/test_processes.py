"""Two processes on one CPU, exchanging gradients by gloo: what several GPUs do, without them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import train_by_processes
from safetensors.torch import load_file

SCRIPT = Path(train_by_processes.__file__)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (torch.distributed.is_available() and torch.distributed.is_gloo_available()),
        reason="this build of torch has no gloo, by which processes on a CPU talk",
    ),
]


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def launch(processes: int, *arguments: object) -> None:
    """Run the script once in each process, all at the same time."""
    places = [str(SCRIPT.parent), *(str(Path(place).resolve()) for place in sys.path if place)]
    shared = os.environ | {
        "PYTHONPATH": os.pathsep.join(places),
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(free_port()),
        "WORLD_SIZE": str(processes),
        "LOCAL_WORLD_SIZE": str(processes),
    }
    command = [sys.executable, "-W", "error::UserWarning", str(SCRIPT), *map(str, arguments)]
    running = [
        subprocess.Popen(
            command,
            env=shared | {"RANK": str(number), "LOCAL_RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    try:
        spoken = [process.communicate(timeout=120) for process in running]
    finally:
        for process in running:
            process.kill()
    for process, (said, complained) in zip(running, spoken, strict=True):
        assert process.returncode == 0, complained
        assert said == ""


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (42, 8, 8, 1), dtype=np.uint8)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, pictures: np.ndarray) -> Path:
    """Weights after two epochs of two processes, in one go and stopped in between."""
    root = tmp_path_factory.mktemp("processes")
    np.save(root / "pixels.npy", pictures)
    launch(2, root / "pixels.npy", root)
    return root


def test_two_processes_train_what_one_trains(place, pictures):
    alone = train_by_processes.trained(pictures, "plain", epochs=2)
    together = load_file(place / "plain-whole-0.safetensors")
    for name, value in alone.items():
        torch.testing.assert_close(together[name], value, rtol=1e-3, atol=1e-5)


def test_each_process_sees_only_its_share(place, pictures):
    alone = train_by_processes.trained(pictures, "normalised", epochs=2)
    together = load_file(place / "normalised-whole-0.safetensors")
    assert not torch.allclose(alone["1.running_mean"], together["1.running_mean"], rtol=1e-3)


@pytest.mark.parametrize("model", train_by_processes.MODELS)
def test_the_processes_end_with_the_same_network_and_losses(place, model):
    first, second = (load_file(place / f"{model}-whole-{n}.safetensors") for n in (0, 1))
    assert all(torch.equal(value, second[name]) for name, value in first.items())


@pytest.mark.parametrize("model", train_by_processes.MODELS)
def test_resumed_processes_give_the_same_bits(place, model):
    whole, resumed = (
        load_file(place / f"{model}-{how}-0.safetensors") for how in ("whole", "resumed")
    )
    assert all(torch.equal(value, resumed[name]) for name, value in whole.items())
