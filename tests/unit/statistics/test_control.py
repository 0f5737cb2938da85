"""Companions that are known for all images."""

import numpy as np
import pytest

from hardiness.statistics.cells import cell_estimate
from hardiness.statistics.stopping import Companions


def two_models(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    """Errors of a dear and a cheap model that share most of what makes an image hard, and its ids."""
    generator = np.random.default_rng(2)
    hard = generator.normal(size=n)
    dear, cheap = (hard + 0.5 * generator.normal(size=n) > 0.8 for _ in range(2))
    return np.column_stack([dear, cheap]).astype(float), np.array([f"{i:05d}" for i in range(n)], object)


@pytest.mark.slow
@pytest.mark.parametrize("finite", [True, False])
def test_companions_make_the_estimate_as_exact_as_it_says(finite: bool) -> None:
    answers, ids = two_models()
    population = len(ids) if finite else None
    companions = Companions(ids, answers[:, 1:])
    generator, found, plain = np.random.default_rng(3), [], []
    for _ in range(500):
        chosen = np.sort(generator.choice(len(ids), 1000, replace=False))
        estimate = cell_estimate(ids[chosen], answers[chosen, :1], np.ones(1), population)
        own = companions.values_of(ids[chosen])
        assert own is not None
        found.append(companions.correct(estimate, own, population))
        plain.append(estimate.variance)
        explained = estimate.between - found[-1].between
        beyond = 0.0 if finite else explained / len(ids)
        left = 1 - 1000 / len(ids) if finite else 1.0
        assert found[-1].variance == pytest.approx(left * found[-1].between / 1000 + beyond)
    values = np.array([each.value for each in found])
    assert values.mean() == pytest.approx(answers[:, 0].mean(), abs=4 * values.std() / np.sqrt(500))
    mean_variance = np.mean([each.variance for each in found])
    if finite:
        assert np.sqrt(mean_variance) == pytest.approx(values.std(), rel=0.08)
        left = 1 - np.corrcoef(answers.T)[0, 1] ** 2
        assert mean_variance / np.mean(plain) == pytest.approx(left, rel=0.05)
    else:  # what the companions' own 4,000 images leave open of all images like these comes on top
        open_ = answers[:, 0].var() * np.corrcoef(answers.T)[0, 1] ** 2 / len(ids)
        assert mean_variance - open_ == pytest.approx(values.var() / 0.75, rel=0.16)


def test_companions_are_left_out_where_too_little_speaks_for_them() -> None:
    answers, ids = two_models(300)
    alike = answers[:, :1].copy()
    alike[:5] = 1 - alike[:5]  # a model that differs on five images only
    for dear, cheap in ((answers[:20, :1], answers), (alike, answers[:, ::-1])):
        companions = Companions(ids, cheap[:, 1:])
        estimate = cell_estimate(ids[: len(dear)], dear, np.ones(1))
        own = companions.values_of(ids[: len(dear)])
        assert own is not None
        assert companions.correct(estimate, own) is estimate
    assert Companions(ids, answers[:, 1:]).values_of(np.array(["other"], object)) is None
