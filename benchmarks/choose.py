"""What `build --choose` would build with, without building it.

    python -m benchmarks.choose SOURCE... [--data-home DIR] [--without-labels]

Prints the choice for each source, and why.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

from lookalike.cli.progress import show_progress
from lookalike.engine import BuildSettings, open_source
from lookalike.engine.choosing import choose_preset


def main() -> None:
    """Choose for each source."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sources", nargs="+")
    parser.add_argument("--data-home", type=Path)
    parser.add_argument("--without-labels", action="store_true", help="as if there were none")
    arguments = parser.parse_args()
    for source in arguments.sources:
        collection = open_source(source, home=arguments.data_home)
        if arguments.without_labels:
            bare = tuple(replace(one, label=None) for one in collection.pictures)
            collection = replace(collection, pictures=bare)
        with tempfile.TemporaryDirectory() as place, show_progress() as on_progress:
            choice = choose_preset(
                collection, Path(place) / "choosing", BuildSettings(), on_progress=on_progress
            )
        print(f"{source}: {choice.sentence}")
        for one in choice.candidates:
            print(f"  {one.preset:<24} {one.score:.3f}  {one.seconds:.0f} s of training")


if __name__ == "__main__":
    main()
