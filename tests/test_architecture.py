"""The tree is the pipeline: imports go downward only, light parts stay light."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "lookalike"
# From the ground up; parts on one line know nothing of each other.
LAYERS = (
    ("errors",),
    ("types",),
    ("storage", "names", "ordered", "cpu_sessions"),
    ("walking",),
    ("images", "whitening"),
    ("parts",),
    ("models",),
    ("training", "gallery"),
    ("encoder",),
    ("pictures", "evaluation", "search"),
    ("engine",),
    ("serve", "benchmark"),
    ("cli",),
)
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}
WITHOUT_TORCH = (
    "errors", "types", "storage", "names", "ordered", "cpu_sessions", "walking", "images",
    "whitening", "parts", "gallery", "search", "evaluation", "pictures",
)  # fmt: skip
MODULES = sorted(SOURCE.rglob("*.py"))


def part_of(path: Path) -> str:
    return path.relative_to(SOURCE).with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_imports_go_downward_only(path: Path):
    if part_of(path) == "__init__":
        return
    own = part_of(path)
    parts = {name.split(".")[1] for name in imported(path) if name.startswith("lookalike.")}
    above = {part for part in parts if part != own and RANK[part] >= RANK[own]}
    assert not above, f"{own} may not import {above}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_light_parts_never_import_torch(path: Path):
    if part_of(path) in WITHOUT_TORCH:
        assert not {name for name in imported(path) if name.split(".")[0] == "torch"}


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_nothing_imports_torchvision_or_pickle(path: Path):
    assert not {name.split(".")[0] for name in imported(path)} & {"torchvision", "pickle"}


@pytest.mark.parametrize(
    ("statement", "forbidden"),
    [
        ("import lookalike", {"torch", "numpy", "lance", "matplotlib"}),
        ("import lookalike.engine.sync_run", {"torch"}),  # what moved has to be embedded by nothing
        (  # what a sync of nothing new needs
            "import lookalike.engine.syncing; from lookalike.gallery import newest_version",
            {"torch", "numpy", "lance", "PIL", "faiss"},
        ),
        ("import lookalike.cli.commands", {"torch", "numpy", "lance", "matplotlib", "PIL"}),
        ("import lookalike.engine", {"torch", "matplotlib", "sklearn", "skimage"}),
        ("import lookalike.encoder, lookalike.models", {"torch", "onnx", "onnxruntime"}),
        ("import lookalike.gallery, lookalike.search", {"torch", "matplotlib", "sklearn"}),
    ],
)
def test_importing_costs_only_what_is_needed(statement: str, forbidden: set[str]):
    code = f"import sys; {statement}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not forbidden & set(done.stdout.split())


def test_a_picture_file_is_searched_for_without_torch(engine_path: Path, photos: Path):
    """Also where its reconstruction is asked for, which tells whether the engine knows it."""
    code = (
        "import sys, lookalike; engine = lookalike.open(sys.argv[1]); "
        "hits = engine.search(open(sys.argv[2], 'rb').read()); "
        "engine.encoder.reconstruct(engine.cache.pixels[:1]); print(*sys.modules)"
    )
    picture = next(photos.rglob("*.png"))
    done = subprocess.run(
        [sys.executable, "-c", code, engine_path, picture],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not {"torch", "onnx", "matplotlib", "sklearn", "scipy", "skimage"} & loaded


@pytest.mark.parametrize(
    "path",
    [p for p in MODULES if part_of(p) in {"engine", "models", "gallery", "storage", "search"}],
    ids=lambda p: str(p.relative_to(SOURCE)),
)
def test_errors_speak_to_users_of_both_python_and_the_command_line(path: Path):
    """An option stands in brackets behind its name: replace it with overwrite (--overwrite)."""
    if path.name == "command.py":  # it writes command lines
        return
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)]
    bare = [text for text in texts if isinstance(text, str) and re.search(r"(?<!\()--[a-z]", text)]
    assert not bare


def test_every_public_name_exists():
    import lookalike

    assert all(getattr(lookalike, name) is not None for name in lookalike.__all__)
    assert dir(lookalike) == sorted(lookalike.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = lookalike.nothing
