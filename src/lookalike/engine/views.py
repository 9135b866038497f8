"""What an engine can be looked at through: each is one method, made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lookalike.engine.parts import EngineParts
from lookalike.types import Hits, OnProgress, silent

if TYPE_CHECKING:
    from PIL.Image import Image

    from lookalike.engine.atlas import MapPages
    from lookalike.engine.between import Between
    from lookalike.engine.clusters import Clusters
    from lookalike.engine.duplicate_groups import Duplicates
    from lookalike.engine.gallery_map import GalleryMap
    from lookalike.engine.keeping import Keep
    from lookalike.engine.moving import Moved
    from lookalike.engine.oddities import Oddities
    from lookalike.engine.queries import QueryLike

__all__ = ["EngineViews"]


class EngineViews(EngineParts):
    """An engine's parts, and the pictures that they make."""

    def grid(self, hits: Sequence[Hits]) -> Image:
        """Draw queries beside what they found."""
        from lookalike.engine.looking import draw_hits

        return draw_hits(self, hits)

    def curve(self) -> Image:
        """Draw the loss of every epoch.

        Raises:
            SettingsError: the encoder came trained, so there is no loss to draw.
        """
        from lookalike.engine.looking import draw_curve

        return draw_curve(self)

    def map(self, *, seed: int | None = None, on_progress: OnProgress = silent) -> Image:
        """Draw the t-SNE map of the gallery with thumbnails.

        Args:
            seed: of the layout, below 2**32; None for the engine's own.
            on_progress: told how far the layout is.
        """
        from lookalike.engine.looking import draw_gallery_map

        return draw_gallery_map(self, seed=seed, on_progress=on_progress)

    def gallery_map(
        self, *, anew: bool = False, seed: int | None = None, on_progress: OnProgress = silent
    ) -> GalleryMap:
        """Return where every picture of the gallery stands on its map, by t-SNE.

        The map is kept in the engine's directory, where that may be written. After a sync only new
        pictures are placed, among their neighbours; once these are a fifth of all, everything is
        laid out again, starting from where it stood.

        Args:
            anew: lay out again what is kept.
            seed: of the layout, below 2**32; None for that of the map that is kept, else the
                engine's own. Another one lays out anew.
            on_progress: told how far it is.

        Raises:
            SettingsError: the seed is out of range.
        """
        from lookalike.engine.gallery_map import make_map

        return make_map(self, anew=anew, seed=seed, on_progress=on_progress)

    def map_pages(self, found: GalleryMap) -> MapPages:
        """Return the pages of small pictures that belong to what `gallery_map` returned."""
        from lookalike.engine.atlas import MapPages

        return MapPages(self, found)

    def oddities(self, count: int = 25, *, on_progress: OnProgress = silent) -> Oddities:
        """Find the gallery's oddest pictures: those that the decoder rebuilds worst.

        Args:
            count: how many; more than there are gives all.
            on_progress: told how many pictures are rebuilt.

        Returns:
            The oddest first; `draw()` shows each beside its reconstruction.

        Raises:
            EngineError: the decoded pictures are gone, or the encoder has no decoder.
            SettingsError: the count is below 1.
        """
        from lookalike.engine.oddities import find_oddities

        return find_oddities(self, count, on_progress=on_progress)

    def clusters(
        self, count: int = 12, *, seed: int | None = None, on_progress: OnProgress = silent
    ) -> Clusters:
        """Part the gallery into clusters of pictures alike, by k-means over its embeddings.

        Args:
            count: clusters wanted; fewer come back where fewer pictures differ.
            seed: of the starts, below 2**31; None for the engine's own.
            on_progress: told how far it is.

        Returns:
            The largest first; `draw()` shows each cluster's decoded average and central members.

        Raises:
            SettingsError: the count is below 1, or the seed is out of range.
        """
        from lookalike.engine.clusters import find_clusters

        return find_clusters(self, count, seed=seed, on_progress=on_progress)

    def between(
        self,
        a: QueryLike,
        b: QueryLike,
        *,
        steps: int = 7,
        on_progress: OnProgress = silent,
    ) -> Between:
        """Decode the way from one picture to another, with the gallery's nearest at each step.

        Args:
            a: where it begins: a file, a path of the gallery, bytes, an array, a Pillow image.
            b: where it ends.
            steps: pictures on the way, both ends among them; 2 to 100.
            on_progress: told how many of the two pictures are embedded.

        Returns:
            The steps from `a` to `b`; `draw()` shows them.

        Raises:
            EngineError: the encoder has no decoder.
            QueryError: `a` or `b` cannot be read, or the gallery holds nothing else.
            SettingsError: `steps` is out of range.
        """
        from lookalike.engine.between import find_between

        return find_between(self, a, b, steps=steps, on_progress=on_progress)

    def duplicates(
        self,
        kinds: Sequence[str] = ("exact", "same-pixels", "edited"),
        *,
        at_least: float = 0.5,
        where: str | None = None,
        keep: Keep = "best",
        prefer: Sequence[str] = (),
        on_progress: OnProgress = silent,
    ) -> Duplicates:
        """Group the pictures that are there more than once; nothing is changed.

        Args:
            kinds: "exact" (the same bytes), "same-pixels" (of different files), "edited" (a changed
                copy), "near" (close, but no copy: the same scene, a series of shots).
            at_least: probability from which a picture counts as an edited copy.
            where: SQL filter, as in `search_many`: only these pictures are compared.
            keep: "best", "largest", "oldest" or "newest"; see `KeepRule`.
            prefer: folders; of several copies one in or below them is kept first.
            on_progress: told how far each stage is.

        Returns:
            Groups in which every picture is a copy of the one to keep, with the reason for it.

        Raises:
            SettingsError: a kind is unknown, or the probability is out of range.
            GalleryError: `where` is not understood.
        """
        from lookalike.engine.duplicates import find_duplicates
        from lookalike.engine.keeping import KeepRule

        rule = KeepRule(keep, tuple(prefer))
        return find_duplicates(
            self, kinds=kinds, at_least=at_least, where=where, rule=rule, on_progress=on_progress
        )

    def duplicates_page(
        self, found: Duplicates, place: str | Path, *, on_progress: OnProgress = silent
    ) -> tuple[Path, ...]:
        """Write the page that shows groups of duplicates; of many groups several pages.

        Args:
            found: what `duplicates` returned.
            place: of the first page; its name ends in ".html".
            on_progress: told how many groups are drawn.

        Returns:
            All pages: `NAME.html`, `NAME-2.html` and so on.

        Raises:
            SettingsError: the name ends otherwise.
            StorageError: the disk is full or may not be written.
        """
        from lookalike.engine.duplicates_page import write_duplicates_page

        return write_duplicates_page(self, found, place, on_progress=on_progress)

    def move_duplicates(
        self,
        found: Duplicates,
        directory: str | Path,
        *,
        dry_run: bool = False,
        on_progress: OnProgress = silent,
    ) -> Moved:
        """Move all pictures but the kept ones of each group; see `lookalike.engine.moving`.

        Args:
            found: what `duplicates` returned.
            directory: where to, outside of the pictures' folder; paths below it stay the same.
            dry_run: say what would be moved, and move nothing.
            on_progress: told how many are moved.

        Raises:
            EngineError: the directory is inside of the pictures' folder.
            StorageError: the disk is full, or the directory may not be written.
        """
        from lookalike.engine.moving import move_duplicates

        return move_duplicates(self, found, directory, dry_run=dry_run, on_progress=on_progress)
