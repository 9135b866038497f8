"""The two stages of making an engine: train an encoder, fill a gallery."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lookalike.engine.ahead import EmbeddedAhead
from lookalike.engine.manifest import Layout
from lookalike.engine.settings import BuildSettings, natural_batch, natural_image
from lookalike.engine.skipped import keep_skipped
from lookalike.engine.unfinished import (
    Plan,
    Unfinished,
    check_pictures,
    check_settings,
    describe_pictures,
    find_unfinished,
    keep_plan,
)
from lookalike.errors import CollectionError, SettingsError
from lookalike.images import (
    Collection,
    ImageSpec,
    PictureCache,
    decode_collection,
    fresh_cache,
)
from lookalike.models import Preset, TrainingSettings, build_model, get_preset, resolve_image
from lookalike.parts import natural_balance
from lookalike.training import TrainingRecord, split_rows, spread_rows, train
from lookalike.types import OnProgress, silent

if TYPE_CHECKING:
    from lookalike.encoder import Encoder
    from lookalike.models.autoencoder import Network

__all__ = [
    "Trained",
    "cache_and_embed",
    "cache_pictures",
    "compared_pictures",
    "train_encoder",
]


@dataclass(frozen=True)
class Trained:
    """What training gives.

    Attributes:
        encoder: the encoder, not yet whitened.
        record: the losses of every epoch; None for a pretrained preset.
        cache: the decoded pictures.
        settings: every setting as it was used.
        train: how many pictures were trained on.
        validation: how many were held out for the validation loss.
    """

    encoder: Encoder
    record: TrainingRecord | None
    cache: PictureCache
    settings: dict[str, Any]
    train: int
    validation: int


def cache_pictures(
    collection: Collection, image: ImageSpec, layout: Layout, on_progress: OnProgress = silent
) -> PictureCache:
    """Decode a collection at one size, once; later calls read what the first one wrote."""
    return decode_collection(collection, image, layout.decoded(image), on_progress=on_progress)


def cache_and_embed(
    collection: Collection,
    encoder: Encoder,
    layout: Layout,
    *,
    whiten: bool,
    on_progress: OnProgress = silent,
) -> tuple[PictureCache, EmbeddedAhead]:
    """Decode a collection as `cache_pictures` does, and embed its pictures meanwhile.

    Args:
        collection: the pictures.
        encoder: with its last weights.
        layout: where the decoded pictures go.
        whiten: the embeddings will be whitened, for which mirror images may count.
        on_progress: told how far the decoding is.
    """
    mirrored = whiten and encoder.mirrors and bool(encoder.outline.parts)
    ahead = EmbeddedAhead(encoder, mirrored=mirrored)
    place = layout.decoded(encoder.image)
    try:
        cache = decode_collection(
            collection, encoder.image, place, on_pixels=ahead.take, on_progress=on_progress
        )
    except BaseException:
        ahead.stop()
        raise
    return cache, ahead


def compared_pictures(
    collection: Collection, image: ImageSpec, layout: Layout, on_progress: OnProgress = silent
) -> PictureCache:
    """Decode a collection for a comparison; what the engine keeps of its gallery is left alone."""
    own = fresh_cache(collection, image, layout.decoded(image))
    if own is not None:
        return own
    place = layout.compared / layout.decoded(image).name
    return decode_collection(collection, image, place, on_progress=on_progress)


def train_encoder(
    collection: Collection,
    layout: Layout,
    settings: BuildSettings,
    *,
    start: Encoder | None = None,
    resume: bool = False,
    on_progress: OnProgress = silent,
) -> Trained:
    """Decode the pictures, train the preset's network on them, save the encoder.

    Args:
        collection: the pictures.
        layout: where the decoded pictures, the checkpoint and the encoder go.
        settings: what was chosen.
        start: whose weights the training goes on from; None for new ones.
        resume: go on from the checkpoint.
        on_progress: told how far each stage is.

    Raises:
        SettingsError: the preset and the settings do not go together.
        CollectionError: there is no picture to train on.
        TrainingError: training stopped or diverged.
    """
    from lookalike.encoder import Encoder

    preset = get_preset(settings.preset)
    image = _choose_image(preset, settings, collection)
    model = build_model(
        preset, image, latent=settings.latent, weights=settings.weights, seed=settings.seed
    )
    # What is wrong with the settings is said before the pictures are decoded.
    if start is not None:
        model.load_state_dict(start.model.state_dict())
    plan = _plan(settings, image, model, _choose_training(preset, settings, len(collection)))
    plan = replace(plan, start=start.fingerprint if start else "")
    if resume:
        check_settings(layout, plan)
    cache = cache_pictures(collection, image, layout, on_progress)
    keep_skipped(layout, cache.skipped)
    schedule = _choose_training(preset, settings, len(cache.rows(None, "train")))
    record, rows, held_out = None, np.zeros(0, np.int64), np.zeros(0, np.int64)
    if schedule is not None:
        rows, held_out = _split(cache, schedule)
        if settings.minutes is not None:
            begun = find_unfinished(layout) if resume else None
            schedule = _fit_to_minutes(settings, schedule, begun, model, cache, rows)
        pictures = describe_pictures(cache.sha256)
        plan.used["epoch_pictures"] = schedule.epoch_pictures
        plan = replace(plan, epochs=schedule.epochs, pictures=pictures)
        if resume:
            check_pictures(layout, plan)
        keep_plan(layout, plan)
        record = train(
            model,
            cache.pixels,
            rows,
            held_out if len(held_out) else None,
            image=image,
            settings=schedule,
            seed=settings.seed,
            device=settings.device,
            checkpoint=layout.checkpoint,
            resume=resume,
            on_progress=on_progress,
        )
        record.write_csv(layout.reports / "history.csv")
    whiten = preset.whiten if settings.whiten is None else settings.whiten
    encoder = Encoder(
        model,
        preset.name,
        image,
        latent=settings.latent,
        mirrors=model.mirrors and whiten,
        balance=natural_balance(len(rows), model.balance_of_few) if model.parts else None,
        device=settings.device,
    )
    encoder.freeze()
    encoder.save(layout.encoder)
    used = {
        "whiten": whiten,
        "training": asdict(schedule) if schedule else None,
        "chosen": settings.chosen(),
    }
    return Trained(encoder, record, cache, used, len(rows), len(held_out))


def _plan(
    settings: BuildSettings, image: ImageSpec, model: Network, schedule: TrainingSettings | None
) -> Plan:
    """Return what decides the weights, beside the pictures and the number of epochs."""
    used = {
        "preset": settings.preset,
        "size": image.height,
        "channels": image.channels,
        # Of a twin, the part whose width can be chosen.
        "latent": model.parts[-1].width if model.parts else math.prod(model.latent_shape),
        "batch_size": schedule.batch_size if schedule else None,
        "learning_rate": schedule.learning_rate if schedule else None,
        "seed": settings.seed,
    }
    return Plan(used, settings.chosen())


def _choose_image(preset: Preset, settings: BuildSettings, collection: Collection) -> ImageSpec:
    size, channels = settings.size, settings.channels
    if preset.adapts and (size is None or channels is None):
        natural = natural_image(collection, preset.adapts.largest)
        size = size or preset.adapts.side(natural.height)
        channels = channels or natural.channels
    return resolve_image(preset, size=size, channels=channels)


def _choose_training(
    preset: Preset, settings: BuildSettings, pictures: int
) -> TrainingSettings | None:
    chosen: dict[str, Any] = {
        name: value
        for name in ("epochs", "minutes", "batch_size", "learning_rate")
        if (value := getattr(settings, name)) is not None
    }
    if preset.training is None:
        if chosen:
            raise SettingsError(
                f"preset {preset.name} is pretrained and is not trained: "
                f"leave out {', '.join(sorted(chosen))}"
            )
        return None
    chosen.pop("minutes", None)  # how many epochs that is, is measured later
    if preset.adapts:
        chosen.setdefault("epochs", preset.adapts.epochs(pictures))
        chosen.setdefault("batch_size", natural_batch(pictures, preset.training.batch_size))
    schedule = replace(preset.training, **chosen)
    if preset.training.decay:  # the Keras seeds tie their decay to the length of the training
        schedule = replace(schedule, decay=schedule.learning_rate / schedule.epochs)
    return schedule


def _fit_to_minutes(
    settings: BuildSettings,
    schedule: TrainingSettings,
    begun: Unfinished | None,
    model: Network,
    cache: PictureCache,
    rows: NDArray[np.int64],
) -> TrainingSettings:
    """Return the schedule with as many epochs as the minutes allow, or as it was begun with."""
    from lookalike.training import fit_to_seconds

    if begun is not None and begun.plan is not None:
        plan = begun.plan
        return replace(schedule, epochs=plan.epochs, epoch_pictures=plan.used.get("epoch_pictures"))
    return fit_to_seconds(
        60 * (settings.minutes or 0),
        model,
        cache.pixels,
        rows,
        image=cache.spec,
        settings=schedule,
        device=settings.device,
    )


def _split(
    cache: PictureCache, schedule: TrainingSettings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    rows, held_out = cache.rows(None, "train"), cache.rows("val")
    if not len(rows):
        raise CollectionError("no picture to train on: the `train` split is empty")
    if not len(held_out) and schedule.validation_fraction > 0:
        rows, held_out = split_rows(rows, schedule.validation_fraction, schedule.split_seed)
    return spread_rows(rows, schedule.most_pictures), held_out
