"""Companions that are known for all images."""

import numpy as np
import pytest

from hardiness.core import ArgumentError
from hardiness.scoring.stopping.control import controlled


def test_what_the_companion_explains_is_saved() -> None:
    generator = np.random.default_rng(0)
    cheap = generator.normal(size=4000)
    dear = 0.6 * cheap + 0.8 * generator.normal(size=4000)
    found = [
        controlled(dear[chosen], cheap[chosen, None], np.array([cheap.mean()]))
        for chosen in (generator.choice(4000, 100) for _ in range(600))
    ]
    values = np.array([each.value for each in found])
    assert values.mean() == pytest.approx(dear.mean(), abs=4 * values.std() / np.sqrt(600))
    assert np.mean([each.explained for each in found]) == pytest.approx(0.36, abs=0.02)
    assert np.sqrt(np.mean([each.variance for each in found])) == pytest.approx(values.std(), rel=0.1)
    assert values.std() < 0.87 * dear.std() / 10


def test_a_companion_that_is_the_thing_itself_leaves_nothing() -> None:
    dear = np.arange(50.0)
    found = controlled(dear[:20], dear[:20, None], np.array([dear.mean()]))
    assert found.value == pytest.approx(dear.mean())
    assert found.variance == pytest.approx(0, abs=1e-12)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ArgumentError, match="needs 4 images, had 3"):
        controlled(np.ones(3), np.ones((3, 1)), np.ones(1))
