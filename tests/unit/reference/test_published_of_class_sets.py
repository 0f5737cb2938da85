"""What was published of sets whose labels are sets of classes, and of which weights of torchvision."""

from __future__ import annotations

import numpy as np
import pytest

from hardiness.core.run import ModelIdentity
from hardiness.reference.class_sets import CLASS_SETS, class_set
from hardiness.reference.published_numbers import published_beside, published_for


def first_weights(name: str) -> ModelIdentity:
    return ModelIdentity(f"torchvision:{name}", options={"pretrained": "IMAGENET1K_V1"})


def test_imagenet_es_has_eleven_models_and_resnet_50_under_every_setting() -> None:
    assert len(published_beside("imagenet-es", "top1", {})) == 11
    (headline,) = published_for(first_weights("resnet50"), "imagenet-es", "top1", {})
    (originals,) = published_for(first_weights("resnet50"), "imagenet-es", "top1", {"reference": "originals"})
    assert (headline.value, headline.n, originals.value) == (0.502, 65_000, 0.863)
    assert "Results_summary.ipynb of Edw2n/ImageNet-ES" in headline.source
    cells = [
        published_for(first_weights("resnet50"), "imagenet-es", "top1", part.condition)
        for part in class_set("imagenet-es").parts
        if part.counted
    ]
    assert len(cells) == 54
    # The source's own headline is the plain mean of its cells.
    assert np.mean([row.value for (row,) in cells]) == pytest.approx(headline.value, abs=5e-4)


@pytest.mark.parametrize(("benchmark", "condition"), [("imagenet-es", {}), ("imagenet-9", {"variant": "original"})])
def test_later_weights_have_none_of_it(benchmark: str, condition: dict[str, str]) -> None:
    later = ModelIdentity("torchvision:resnet50", options={"pretrained": "IMAGENET1K_V2"})
    assert published_for(first_weights("resnet50"), benchmark, "top1", condition)
    assert not published_for(later, benchmark, "top1", condition)


def test_every_set_has_published_numbers_with_their_source() -> None:
    for name in CLASS_SETS:
        held = class_set(name)
        assert name == "objectnet" or (held.published and held.published_source), name
    (worlds,) = published_for(first_weights("resnet50"), "pug-imagenet", "top1", {"factor": "Worlds"})
    assert (worlds.value, worlds.source.split()[0]) == (0.278617, "PUG_ImageNet/PUG_ImageNet.ipynb")
    plain = published_beside("imagenet-d", "top1", {})
    assert (len(plain), plain["ResNet-50"].value) == (12, pytest.approx(1 - 0.889))
    assert plain["ViT-S/16, DAMP"].value == pytest.approx(1 - 0.8474)
