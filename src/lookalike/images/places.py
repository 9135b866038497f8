"""Where the pictures of a gallery lie: in one folder, or in several that have names."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lookalike.errors import CollectionError
from lookalike.names import file_of_name, name_of_file

__all__ = ["Places"]

MARK = "@"
"""What the name of a further folder begins with: `@archive/2020/a.jpg`."""


@dataclass(frozen=True)
class Places:
    """The folders of a gallery, and what its paths are relative to.

    Attributes:
        root: what paths without a folder's name are relative to.
        folders: further folders by their names, which begin with "@".

    Raises:
        CollectionError: a folder's name cannot be one.
    """

    root: Path
    folders: Mapping[str, Path] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.folders:
            if not name.startswith(MARK) or len(name) == 1 or "/" in name or not name.isprintable():
                raise CollectionError(
                    f"{name!r} cannot name a folder: wanted {MARK} and letters, as in @archive"
                )

    def file(self, path: str) -> Path:
        """Return the file of a path of the gallery."""
        name, _, rest = path.partition("/")
        folder = self.folders.get(name)
        if folder is None:
            return self.root / file_of_name(path)
        return folder / file_of_name(rest)

    def paths(self, file: Path) -> Iterator[str]:
        """Yield what an absolute `file` may be called in the gallery, the likeliest first."""
        yield name_of_file(Path(os.path.relpath(file, self.root)).as_posix())
        for name, folder in self.folders.items():
            if file.is_relative_to(folder):
                yield name_of_file(f"{name}/{file.relative_to(folder).as_posix()}")
        yield name_of_file(file.as_posix())

    def folder_of(self, path: str) -> str:
        """Return the name of the further folder that a path of the gallery is in, "" for the first.

        A file of the first folder that is below a folder called as a further one is not found by
        any search, so there is none.
        """
        name = path.partition("/")[0]
        return name if name in self.folders else ""

    def free_name(self, folder: Path) -> str:
        """Return a name for a further folder: its own, with a number where that is taken."""
        own = "".join(c if c.isalnum() or c in "-_." else "-" for c in folder.name) or "folder"
        name, number = MARK + own, 2
        while name in self.folders or (self.root / name).exists():
            name, number = f"{MARK}{own}-{number}", number + 1
        return name
