"""From duplicates to the page that shows them, or several pages where there are many."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.command import move_commands
from lookalike.engine.duplicate_groups import KINDS, Copy, DuplicateGroup, Duplicates
from lookalike.engine.keeping import size_of
from lookalike.engine.looking import picture_thumbnail
from lookalike.errors import SettingsError
from lookalike.pictures import CopyCard, CopyGroup, DuplicatesPage, render_duplicates
from lookalike.storage import write_text
from lookalike.types import OnProgress, Progress, silent

if TYPE_CHECKING:
    from lookalike.engine.parts import EngineParts

__all__ = ["KIND_NAMES", "check_page", "write_duplicates_page"]

KIND_NAMES = {
    "exact": "same bytes",
    "same-pixels": "same pixels",
    "edited": "edited copy",
    "near": "near shot",
}
THUMBNAIL = 240
# A page holds about 2 MB of thumbnails.
GROUPS_A_PAGE = 100
CARDS_A_GROUP = 24
SUFFIXES = (".html", ".htm")


def check_page(place: Path) -> Path:
    """Return the place of a page.

    Raises:
        SettingsError: its name does not end as a page's does.
    """
    if place.suffix.lower() not in SUFFIXES:
        raise SettingsError(f"{place} is no page: wanted a name that ends in .html")
    return place


def write_duplicates_page(
    engine: EngineParts,
    found: Duplicates,
    place: str | Path,
    *,
    on_progress: OnProgress = silent,
) -> tuple[Path, ...]:
    """Write the page of duplicates; of more than 100 groups several, `NAME-2.html` and so on.

    Args:
        engine: whose duplicates they are.
        found: what `Engine.duplicates` returned.
        place: of the first page.
        on_progress: told how many groups are drawn.

    Returns:
        All pages.

    Raises:
        SettingsError: the place does not end in ".html".
        StorageError: the disk is full or may not be written.
    """
    first = check_page(Path(place))
    count = max(1, -(-len(found) // GROUPS_A_PAGE))
    more = [first.with_name(f"{first.stem}-{page}{first.suffix}") for page in range(2, count + 1)]
    files = (first, *more)
    for number, file in enumerate(files, start=1):
        start = (number - 1) * GROUPS_A_PAGE
        some = found.groups[start : start + GROUPS_A_PAGE]
        groups = []
        for done, group in enumerate(some, start=start + 1):
            groups.append(_group(engine, group))
            on_progress(Progress("draw", done, len(found)))
        page = _page(engine, found, tuple(groups), number, files)
        write_text(file, render_duplicates(page))
    return files


def _page(
    engine: EngineParts,
    found: Duplicates,
    groups: tuple[CopyGroup, ...],
    number: int,
    files: tuple[Path, ...],
) -> DuplicatesPage:
    facts = {"Pictures": f"{found.pictures:,}", "Groups": f"{len(found):,}"}
    for kind in found.kinds:
        facts[KIND_NAMES[kind].capitalize()] = f"{found.count(kind):,}"
    facts["To be freed"] = size_of(found.saves)
    kinds = ", ".join(KIND_NAMES[kind] for kind in found.kinds)
    return DuplicatesPage(
        f"Duplicates in {engine.layout.directory.name}",
        headline(found),
        facts,
        groups,
        number,
        tuple(file.name for file in files),
        found.notes,
        (
            f"# nothing has been changed; this moves all but the kept ones ({kinds}) and back",
            *move_commands(engine.layout.directory, found),
        ),
    )


def headline(found: Duplicates) -> str:
    """Return what was found in a sentence."""
    if not found.groups:
        return f"No duplicates among {found.pictures:,} pictures."
    others = "1 picture is" if found.others == 1 else f"{found.others:,} pictures are"
    groups = "1 group" if len(found) == 1 else f"{len(found):,} groups"
    return (
        f"{others} there more than once, in {groups}: {size_of(found.saves)} that could be freed."
    )


def _group(engine: EngineParts, group: DuplicateGroup) -> CopyGroup:
    kinds = [kind for kind in KINDS if any(one.kind == kind for one in group.others)]
    shown = group.copies[:CARDS_A_GROUP]
    return CopyGroup(
        f"{group.rank}. {len(group)} pictures: {', '.join(KIND_NAMES[kind] for kind in kinds)}",
        f"· {size_of(group.saves)}",
        f"Kept: {group.reason}.",
        tuple(_card(engine, one) for one in shown),
        len(group) - len(shown),
    )


def _card(engine: EngineParts, one: Copy) -> CopyCard:
    facts = {
        "Size": f"{one.width}×{one.height}",
        "Bytes": "not known" if one.file_size < 0 else size_of(one.file_size),
        "Format": one.format or "not known",
    }
    # When it was taken says more than when its file was last changed.
    if one.taken is not None:
        facts["Taken"] = f"{one.taken:%Y-%m-%d %H:%M}"
    facts["Changed"] = f"{one.modified:%Y-%m-%d %H:%M}"
    thumbnail = picture_thumbnail(engine, one.path, THUMBNAIL)
    return CopyCard(thumbnail, one.path, _tag(one), facts, one.kind is None)


def _tag(one: Copy) -> str:
    if one.kind is None:
        return "keep"
    if one.kind == "edited" and one.probability is not None:
        return f"edited, {percent(one.probability)}"
    return KIND_NAMES[one.kind]


def percent(probability: float) -> str:
    """Return a probability as people read it; nothing that was learnt is certain.

    >>> [percent(one).split() for one in (0.973, 0.9996, 0.001)]
    [['97', '%'], ['over', '99', '%'], ['under', '1', '%']]
    """
    number = "over 99" if probability > 0.99 else f"{100 * probability:.0f}"
    return f"{'under 1' if probability < 0.01 else number}\N{NO-BREAK SPACE}%"
