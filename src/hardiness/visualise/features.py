"""Activation maximisation as a folder of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hardiness.core import ArgumentError, Listener
from hardiness.models import Classifier
from hardiness.visualise.exhibition import Exhibition, about, refuse_strangers
from hardiness.visualise.maximise import Feature, Settings, maximise, side_px
from hardiness.visualise.sheet import SheetTile, folded, probability_text
from hardiness.visualise.units import Unit

PROTOCOL = "activation-maximisation"


def write_features(
    classifier: Classifier, units: Sequence[Unit], settings: Settings, folder: Path, listener: Listener | None = None
) -> list[Feature]:
    """The pictures of the units, which it also writes: one PNG each, ``grid.png`` and ``features.json``.

    Args:
        classifier: any model that has gradients.
        units: at least one.
        settings: how pictures are made.
        folder: replaced where an earlier command wrote it; refused where it holds anything else.
        listener: hears of progress.

    Raises:
        ArgumentError: no unit, one that the model has not, or a folder with other files.
        ModelError, StoreError: as the message says.
    """
    if not units:
        raise ArgumentError("nothing to visualise: name a layer, channel, neuron or class")
    refuse_strangers(folder)
    features = maximise(classifier, units, settings, listener)
    stated = {**settings.as_dict(), "size_px": side_px(classifier, settings)}
    exhibition = Exhibition(folder, about(classifier, PROTOCOL, stated))
    for feature in features:
        facts = {
            **feature.unit.as_dict(),
            "variant": feature.variant,
            "activation_before": feature.before,
            "activation_after": feature.after,
        }
        if feature.probability is not None:
            facts["probability_after"] = feature.probability
        label = feature.unit.label if settings.variants == 1 else f"{feature.unit.label} {feature.variant}"
        exhibition.add(label, feature.image, facts)
    columns = settings.variants if settings.variants > 2 else None
    exhibition.write(folded([_panel(feature) for feature in features], columns))
    return features


def _panel(feature: Feature) -> SheetTile:
    told = f"{feature.before:.3g} to {feature.after:.3g}"
    if feature.probability is not None:
        told += f"   p {probability_text(feature.probability)}"
    return SheetTile((feature.unit.label, told), feature.image)
