"""Where pictures of one cluster have nothing in common, an interval by cluster is hardly wider than one of pictures."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr, ndtri

from hardiness.benchmarks.shares import BRIER_OF_ANSWER, NLL, accuracy, aurra_score, mean_loss
from hardiness.core.condition import Condition
from hardiness.core.result import Metric, Score
from hardiness.core.table import ImageTable
from hardiness.results.clustered import clustered_score
from hardiness.statistics.cells import cell_means, equal_weights
from hardiness.statistics.clusters import Clusters

CLUSTERS, PICTURES, TRIALS = 100, 10, 12
IDS = np.array([f"{k:04d}" for k in range(CLUSTERS * PICTURES)], object)
OF_PATIENTS = Clusters(IDS, np.repeat(np.arange(CLUSTERS), PICTURES), "patient")


def scores_of(generator: np.random.Generator) -> dict[str, Score]:
    """Scores of independent pictures, a fifth of which are answered wrongly."""
    hard = generator.standard_normal(len(IDS))
    chance = np.clip(ndtr((hard - ndtri(0.2) * np.sqrt(1.5)) / np.sqrt(0.5)), 1e-6, 1 - 1e-6)
    right = generator.random(len(IDS)) < chance
    wrong = np.sqrt(0.6) * hard[:, None] + np.sqrt(0.4) * generator.standard_normal((len(IDS), 6)) < ndtri(0.2)
    conditions = tuple(Condition(corruption="fog", severity=k) for k in range(1, 7))
    columns = {"right": (~wrong).astype(np.int8)}
    table = ImageTable(IDS, np.zeros(len(IDS), np.int32), conditions, np.arange(6, dtype=np.int16), columns)
    cells = cell_means(table, wrong.astype(np.float64))
    *corrupted, clean = cells.cells
    gap = {**equal_weights(corrupted), clean: -1.0}
    nll = -np.log(np.where(right, chance, 1 - chance))
    return {
        "share": accuracy(Metric("top1"), right, ids=IDS),
        "mean": cells.score(Metric("mean_error"), equal_weights(cells.cells)),
        "gap": cells.score(Metric("error_gap"), gap),
        "AURRA": aurra_score(chance, right, IDS),
        "Brier": mean_loss(BRIER_OF_ANSWER, (chance - right) ** 2, right, IDS),
        "NLL": mean_loss(NLL, nll, right, IDS),
    }


def test_independent_pictures_in_clusters_have_intervals_of_nearly_the_plain_width() -> None:
    generator = np.random.default_rng(17)
    widths: dict[str, list[tuple[float, float]]] = {}
    for _ in range(TRIALS):
        for name, score in scores_of(generator).items():
            by_cluster = clustered_score(score, OF_PATIENTS)
            assert score.interval is not None
            assert by_cluster.interval is not None
            assert by_cluster.clusters == CLUSTERS
            pair = (score.interval.high - score.interval.low, by_cluster.interval.high - by_cluster.interval.low)
            widths.setdefault(name, []).append(pair)
    for name, pairs in widths.items():
        plain, clustered = np.mean(pairs, axis=0)
        assert 0.9 < clustered / plain < 1.12, (name, clustered / plain)
