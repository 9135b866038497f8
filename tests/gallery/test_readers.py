"""Two readers beside a writer: no error, no wrong answer.

Five seconds as a rule; `LOOKALIKE_READERS_SECONDS=300 pytest tests/gallery/test_readers.py -s` for
longer.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import changing

SECONDS = float(os.environ.get("LOOKALIKE_READERS_SECONDS", "5"))


def test_two_readers_search_while_a_writer_adds_changes_and_removes(tmp_path: Path):
    place = tmp_path / "gallery"
    changing.make(place)
    processes = [
        subprocess.Popen(
            [sys.executable, changing.__file__, role, str(place), str(SECONDS), str(seed)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for seed, role in enumerate(("write", "read", "read"))
    ]  # fmt: skip
    said = [process.communicate(timeout=SECONDS + 120) for process in processes]
    for process, (_, errors) in zip(processes, said, strict=True):
        assert process.returncode == 0, errors
    writer, *readers = (json.loads(out.splitlines()[-1]) for out, _ in said)
    sys.stdout.write("\n".join(map(json.dumps, (writer, *readers))) + "\n")  # -s shows it
    assert writer["commits"] > 3
    for reader in readers:
        assert reader["searches"] > 10
        assert reader["states"] > 1
        assert reader["wrong"] == 0
        assert reader["missed"] <= 0.02 * reader["places"]
