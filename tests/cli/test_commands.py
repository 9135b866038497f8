from __future__ import annotations

import inspect
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.main import get_command

from lookalike.cli.app import with_one_command
from lookalike.cli.commands import app

QUICK = ("--epochs", "1", "--batch-size", "8", "--size", "16", "--device", "cpu")


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONWARNINGS": "default"}
    return subprocess.run(
        [sys.executable, "-m", "lookalike.cli", *map(str, words)],
        capture_output=True, text=True, cwd=cwd, env=environment, check=False,
    )  # fmt: skip


def fails(*words: str | Path, code: int = 1, cwd: Path | None = None) -> str:
    done = run(*words, cwd=cwd)
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == ""
    if code == 1:
        (line,) = [one for one in done.stderr.splitlines() if one.startswith("lookalike: ")]
        assert "Traceback" not in done.stderr
        return line
    return done.stderr


def test_build_search_evaluate_map_info(photos: Path, tmp_path: Path):
    done = run("build", photos, *QUICK, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "36 pictures to search, 1 skipped" in done.stdout
    assert "report.html" in done.stdout
    place = tmp_path / f"{photos.name}.lookalike"

    done = run("search", place, "disc/00.png", photos / "stripes", "-k", 2, "--json")
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == 13
    assert answers[0]["query"] == "disc/00.png"
    assert set(answers[0]["hits"][0]) == {
        "rank", "path", "score", "distance", "label", "probability", "percentile", "band",
    }  # fmt: skip
    assert [hit["rank"] for hit in answers[0]["hits"]] == [1, 2]

    grid = tmp_path / "grid.png"
    done = run("search", place, "disc/00.png", "-k", 99, "--grid", grid, "-q")
    assert "all are shown" in done.stderr
    assert done.stdout.count(".png") + done.stdout.count(".jpg") >= 35
    assert grid.stat().st_size > 1000

    rows = json.loads(run("evaluate", place, "--json", "-q").stdout)["rows"]
    assert [row["name"] for row in rows][1:5] == ["raw-pixels", "colour-histogram", "hog", "pca"]
    assert "mAP@1000" in run("evaluate", place, "--no-baselines").stdout

    done = run("map", place, "-o", tmp_path / "map.webp", "--json")
    assert json.loads(done.stdout) == {"map": str(tmp_path / "map.webp"), "pictures": 36}
    assert (tmp_path / "map.webp").exists()
    facts = json.loads(run("info", place, "--json", "--skipped").stdout)
    assert facts["preset"] == "twin"
    assert facts["stopped_early"] is False
    assert facts["files skipped"][0].startswith("disc/broken.jpg: ")
    assert "disc/broken.jpg" in run("info", place, "--skipped").stdout
    told = run("info", place, "--all").stdout
    assert ["stopped_early", "False"] in [line.split() for line in told.splitlines()]


def test_train_then_index(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    done = run("train", photos, "-o", place, "-p", "digits-conv16", *QUICK)
    assert f"lookalike index {place}" in done.stdout
    done = run("index", place)
    assert "36 pictures" in done.stdout
    assert f"report: lookalike report {place}\n" in done.stdout
    answer = json.loads(run("search", place, "disc/00.png", "-k", 1, "--json").stdout)
    assert answer["metric"] == "euclidean"


def test_index_never_shows_the_report_of_before(photos: Path, engine_path: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    shutil.copytree(engine_path, place)
    page = place / "reports" / "report.html"
    done = run("index", place, photos / "stripes", "-q")
    assert "report.html" not in done.stdout
    assert f"report: lookalike report {place} (the one that is there is of before)" in done.stdout
    assert "36 pictures" in page.read_text(encoding="utf-8")

    done = run("report", place, "--no-baselines", "--json", "-q")
    said = json.loads(done.stdout)
    assert (said["report"], said["evaluation"]) == (str(page), None)
    assert said["card"]["sentence"].startswith("Finds ")
    assert "12 pictures" in page.read_text(encoding="utf-8")
    assert not page.with_name("metrics.json").exists()
    assert run("report", place, "-q").stdout.endswith(f"\n{page}\n")


def test_presets_agree_with_the_seeds():
    facts = {one["name"]: one for one in json.loads(run("presets", "--json").stdout)}
    assert {name: one["latent_size"] for name, one in facts.items()} == {
        "digits-conv16": 16, "animals-conv16": 16, "animals-linear512": 512,
        "tiny-conv8x8x8": 512, "food-dense128": 128, "food-conv13x13x8": 1352, "vgg19": 4608,
        "efficientnet-lite0": 1280, "conv128": 128, "twin": 704,
        "efficientnet-lite0-twin": 768,
    }  # fmt: skip
    assert facts["tiny-conv8x8x8"]["encoder_parameters"] == 195_480
    assert facts["tiny-conv8x8x8"]["parameters"] == 390_955
    assert facts["tiny-conv8x8x8"]["latent_shape"] == [8, 8, 8]
    assert facts["food-conv13x13x8"]["latent_shape"] == [13, 13, 8]
    assert facts["animals-linear512"]["flatten"] == 14_112
    table = run("presets").stdout
    assert "390,955" in table
    assert "13×13×8" in table


def test_datasets_lists_licence_and_size():
    facts = {one["name"]: one for one in json.loads(run("datasets", "--json").stdout)}
    assert set(facts) == {
        "fashion-mnist", "fashion-mnist-10k", "stamps", "mnist", "afhq", "imagenette",
    }  # fmt: skip
    assert facts["fashion-mnist"]["licence"] == "MIT"
    assert "10,000" in run("datasets").stdout


def test_help_and_usage():
    commands = ("demo", "build", "train", "index", "search", "evaluate", "report", "map",
                "oddities", "clusters", "between", "presets", "datasets", "info")  # fmt: skip
    text = run("--help").stdout
    assert all(command in text for command in commands)
    assert run("--version").stdout.startswith("lookalike 0.")
    for command in commands:
        assert run(command, "--help").returncode == 0
    fails("search", code=2)
    fails("nonsense", code=2)


def test_every_command_speaks_json():
    for command in app.registered_commands:
        assert "as_json" in inspect.signature(command.callback).parameters, command.callback


def test_info_is_a_summary_unless_all_is_asked_for(engine_path: Path, photos: Path):
    lines = run("info", engine_path).stdout.splitlines()
    assert len(lines) < 16
    text = "\n".join(lines)
    for part in ("36 to search, 1 skipped", str(photos), "twin", "32×32 in colour",
                 "2 epochs on 36 pictures", "10 hits by cosine", "lookalike build"):  # fmt: skip
        assert part in text
    assert "fingerprint" not in text
    for name in ("fingerprint", "settings.training.batch_size", "versions.torch"):
        assert name in run("info", engine_path, "--all").stdout
    facts = json.loads(run("info", engine_path, "--json").stdout)
    assert {"fingerprint", "settings", "versions", "timings"} <= facts.keys()


@pytest.mark.parametrize(("count", "words"), [(1, "a single picture"), (9, "only 9 pictures")])
def test_few_pictures_are_warned_about_in_one_line(
    photos: Path, tmp_path: Path, count: int, words: str
):
    (tmp_path / "few").mkdir()
    for path in sorted((photos / "stripes").iterdir())[:count]:
        shutil.copy(path, tmp_path / "few")
    done = run("build", "few", "--no-report", "-q", *QUICK, cwd=tmp_path)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"lookalike: {words}: too few")
    assert done.stdout


def test_help_of_epochs_speaks_of_few_pictures():
    assert "few pictures" in " ".join(run("build", "--help").stdout.split())


def test_bad_input_is_one_line(photos: Path, engine_path: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.jpg").write_bytes(b"no picture")
    out = ("-o", tmp_path / "e.lookalike", "-q")
    assert "empty" in fails("build", tmp_path / "empty", *out)
    assert "a.jpg" in fails("build", tmp_path / "broken", *out)
    assert "no folder, list or data set" in fails("build", tmp_path / "nowhere", *out)
    assert "did you mean tiny-conv8x8x8" in fails("build", photos, "-p", "tiny-conv8x8", *out)
    assert "already there" in fails("build", photos, "-o", engine_path, "-q")
    assert "no engine at" in fails("search", tmp_path / "none.lookalike", "a.png")
    assert "not a Lookalike engine" in fails("info", tmp_path / "empty")
    assert "k is 0" in fails("search", engine_path, "disc/00.png", "-k", "0")
    assert "neither a picture file" in fails("search", engine_path, "nowhere.png")
    assert "cannot be read" in fails("search", engine_path, tmp_path / "broken" / "a.jpg")
    assert "not understood" in fails("search", engine_path, "disc/00.png", "--where", "a = b")
    assert "unknown metric" in fails("search", engine_path, "disc/00.png", "--metric", "l1")
    assert "wanted" in fails("build", photos, "--device", "abacus", *out)
    assert not list(tmp_path.glob("e.lookalike"))


def test_one_unreadable_picture_does_not_cost_a_folder_of_queries(photos: Path, engine_path: Path):
    done = run("search", engine_path, photos / "disc", "-k", "1", "--json")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 12
    assert "broken.jpg" in done.stderr


def test_unreadable_queries_among_several_are_skipped(photos: Path, engine_path: Path):
    broken = photos / "disc" / "broken.jpg"
    done = run("search", engine_path, "disc/00.png", broken, "-k", "1", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["query"] == "disc/00.png"
    assert done.stderr.splitlines()[-1].startswith("lookalike: skipped: ")
    assert "none of 2 queries can be read" in fails("search", engine_path, broken, broken)
    mistyped = fails("search", engine_path, "disc/00.png", "nowhere.png")
    assert "nowhere.png is neither a picture file nor in the gallery" in mistyped


def test_a_filter_that_matches_nothing_says_so(engine_path: Path):
    done = run("search", engine_path, "disc/00.png", "--where", "label = 'dsic'", "-q")
    assert done.returncode == 0
    assert done.stdout == "disc/00.png: nothing found\n"
    assert done.stderr == (
        "lookalike: no picture matches label = 'dsic'; the labels are disc, square, stripes\n"
    )
    done = run("search", engine_path, "disc/00.png", "--where", "width > 999", "-q", "--json")
    assert json.loads(done.stdout)["hits"] == []
    assert done.stderr == "lookalike: no picture matches width > 999\n"
    done = run("search", engine_path, "disc/00.png", "--where", "path = 'disc/00.png'", "-q")
    assert done.stderr == "lookalike: no other picture matches path = 'disc/00.png'\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_one_line(engine_path: Path):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "lookalike.cli", "info", str(engine_path)],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_a_full_disk_while_building_is_one_line(photos: Path, tmp_path: Path):
    """A limit on file size stands in for a full disk: the writer gets an error in mid-file."""
    limited = f"ulimit -f 40; exec {sys.executable} -m lookalike.cli build {photos} " + " ".join(
        (*QUICK, "-q", "-o", str(tmp_path / "e.lookalike"))
    )
    done = subprocess.run(
        ["bash", "-c", f"trap '' XFSZ; {limited}"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("lookalike: cannot write")
    assert not (tmp_path / "e.lookalike").exists()


def test_every_command_runs_without_the_others():
    names = [*get_command(app).commands]
    assert len(names) > 20
    for name in names:
        alone = with_one_command(app, [name, "--help"])
        assert list(get_command(alone).commands) == [name]
    for other in ([], ["--version"], ["no-such"], ["--help", "search"]):
        assert with_one_command(app, other) is app


# Lets Ctrl-C interrupt the program although the tests were started where it is ignored.
HEEDS_CTRL_C = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    "from lookalike.cli import main; main()"
)


def test_an_interrupted_training_is_not_discarded(photos: Path, tmp_path: Path):
    place = tmp_path / "e.lookalike"
    build = ("build", photos, "-o", place, "-q", "--epochs", "2000", *QUICK[2:])
    words = [sys.executable, "-c", HEEDS_CTRL_C, *map(str, build)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as job:
        state = tmp_path / "e.lookalike.partial" / "checkpoint" / "checkpoint.json"
        while not state.exists():
            assert job.poll() is None
            time.sleep(0.1)
        job.send_signal(signal.SIGINT)
        job.communicate(timeout=120)
    assert job.returncode == 130
    epoch = json.loads(state.read_text())["epoch"]
    line = fails(*build)
    assert f"(epoch {epoch} of 2000) is kept in {place}.partial: " in line
    assert "(--resume)" in line
    assert "(--overwrite)" in line
    for words in (("search", place, "disc/00.png"), ("info", place)):
        assert f"{place}.partial; build it again with resume (--resume)" in fails(*words)


def test_search_makes_the_most_of_the_gallery(photos: Path, engine_path: Path):
    def paths(*words: str | Path) -> list[list[str]]:
        done = run("search", engine_path, *words, "--json", "-q", "-k", 8)
        assert done.returncode == 0, done.stderr
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return [[hit["path"] for hit in line["hits"]] for line in lines]

    two = ("disc/00.png", photos / "stripes" / "01.jpg")
    plain = paths(*two)
    assert paths(*two, "--expand", "0") == plain
    for words in (
        ("--expand", "4", "--alpha", "0"),
        ("--rerank", "k-reciprocal", "--depth", "20"),
        ("--rerank", "diffusion"),
        ("--expand", "2", "--rerank", "spectral"),
        ("--balance", "0.2", "--expand", "2", "--rerank", "spectral"),
        ("--balance", "0.9", "--rerank", "k-reciprocal"),
        ("--balance", "0.9", "--metric", "euclidean"),
    ):
        assert [len(one) for one in paths(*two, *words)] == [8, 8]
    (mean,) = paths(*two, "--combine", "mean")
    (best,) = paths(*two, "--combine", "best")
    assert paths(two[0], "--like", two[1]) == [mean]
    assert set(best) <= set(plain[0]) | set(plain[1])
    (away,) = paths(*two, "--unlike", mean[0], "--unlike", mean[1])
    assert not {mean[0], mean[1]} & set(away)
    assert paths("disc/00.png", "--crop", "0,0,48,48") == paths("disc/00.png", "--crop", "0,0,1,1")
    assert paths("disc/00.png", "--crop", "0,0,0.5,0.5") != plain[:1]


def test_bad_ways_to_search_are_one_line(engine_path: Path):
    search = ("search", engine_path, "disc/00.png")
    assert "expand is -1" in fails(*search, "--expand", "-1")
    assert "wanted one of k-reciprocal" in fails(*search, "--rerank", "magic")
    assert "wanted one of mean, best" in fails(*search, "--combine", "all")
    assert "wanted x,y,w,h" in fails(*search, "--crop", "1,2,3")
    assert "lies outside" in fails(*search, "--crop", "400,0,3,3")
    assert "search by cosine" in fails(*search, "--expand", "3", "--metric", "euclidean")
    assert "combine by mean" in fails(*search, "--expand", "3", "--combine", "best")
    assert "nothing is re-ranked" in fails(*search, "--depth", "3")
    assert "the whole gallery" in fails(*search, "--depth", "3", "--rerank", "spectral")
    assert "alpha is 3 but no query is expanded" in fails(*search, "--alpha", "3")
    assert "leave alpha out" in fails(*search, "--alpha", "0", "--rerank", "diffusion")
    assert "neither a picture file" in fails(*search, "--unlike", "nowhere.png")
