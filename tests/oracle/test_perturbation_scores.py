"""mFR and its kin: against the published algorithm written out frame by frame, by hand, and from published numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from hardiness.benchmarks import decisions
from hardiness.benchmarks.card import Baseline, cards
from hardiness.benchmarks.sequence_measures import DISTANCE, ratio_weights, sequences, top5_distance
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import Run
from hardiness.core.table import Failure, ImageTable, Records
from hardiness.distortions.apply import perturbations
from hardiness.reference.published_numbers import baseline, published
from hardiness.reference.sets import distortion_set
from hardiness.report.words import text as said

IMAGENET_P = distortion_set("imagenet-p")

PUBLISHED = {  # Orhan 2019, in percent
    "resnext101_32x8d": 46.15,
    "resnext101_32x8d_wsl": 38.76,
    "resnext101_32x16d_wsl": 32.73,
    "resnext101_32x32d_wsl": 29.72,
    "resnext101_32x48d_wsl": 27.83,
}

CONDITIONS = (
    *(Condition(perturbation=name) for name in (*IMAGENET_P.members, *IMAGENET_P.extra)),
    Condition(perturbation="shot_noise", severity=2),
)
CARD, RUN = cards.get("perturbation"), Run(conditions=CONDITIONS)


def literal_scores(videos: np.ndarray, fixed: bool) -> tuple[float, float]:
    """Flip probability and top-5 distance of ``(V, F, K)`` logits: all ranks of all frames, frame by frame."""
    classes = videos.shape[2]
    cut = np.minimum(np.arange(classes), 5)
    flip_total = distance_total = 0.0
    for video in videos:
        ranks = [rankdata(-frame, method="ordinal") for frame in video]
        predictions = [int(frame.argmax()) for frame in video]
        flips, distances = [], []
        for later in range(1, len(video)):
            reference = 0 if fixed else later - 1
            flips.append(int(predictions[reference] != predictions[later]))
            by_rank = np.argsort(ranks[reference])
            moved_to = ranks[later][by_rank]
            distances.append(int(np.abs(cut[:5] - cut[moved_to - 1][:5]).sum()))
        flip_total += np.mean(flips) / len(videos)
        distance_total += np.mean(distances) / len(videos)
    return flip_total, distance_total


def records_of(videos: Mapping[Condition, np.ndarray], shuffled: bool = False) -> Records:
    """What the engine stores of ``(V, F, K)`` logits in each condition."""
    parts = []
    for condition, logits in videos.items():
        count, frames, classes = logits.shape
        image = np.repeat(np.arange(count, dtype=np.int32), frames)
        labels = np.zeros(count * frames, np.int32)
        columns = {
            "sample": np.array([f"n/{i:05d}" for i in image.tolist()]),
            "image": image,
            "condition": np.full(count * frames, CONDITIONS.index(condition), np.int16),
            "frame": np.tile(np.arange(frames, dtype=np.int16), count),
            "label": labels,
            **decisions.argmax(
                logits.reshape(-1, classes).astype(np.float32), np.zeros(logits.size // classes, np.int32)
            ),
        }
        parts.append(Records(columns))
    joined = Records.concatenate(parts)
    order = np.random.default_rng(0).permutation(len(joined)) if shuffled else np.arange(len(joined))
    return joined.where(order)


def measured(given: Records) -> Baseline:
    found = CARD.as_baseline(CARD.table(given, RUN), RUN)
    assert found is not None
    return found


def scores(given: Records, against: Mapping[str, object] | None = None) -> dict[tuple[str, Condition], Score]:
    found = CARD.scores(CARD.table(given, RUN), RUN, baseline("imagenet-p") if against is None else against)
    by_key = {(score.metric, score.condition): score for score in found}
    assert len(by_key) == len(found), "(metric, condition) is unique"
    headlines = [not score.condition for score in found]
    assert headlines == sorted(headlines, reverse=True), "headlines first"
    assert not any(score.higher_is_better for score in found)
    return by_key


def value(found: dict[tuple[str, Condition], Score], metric: str, **condition: str | int) -> float:
    score = found[metric, Condition(**condition)]
    assert score.value is not None, said(score.lack)
    return score.value


def drifting(count: int, frames: int, classes: int, seed: int, levels: int = 0) -> np.ndarray:
    """Logits that wander from frame to frame; with ``levels``, rounded so that many are equal."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(count, frames, classes)) * 0.4
    steps[:, 0] = rng.normal(size=(count, classes)) * 2
    logits = steps.cumsum(axis=1)
    return (np.round(logits * levels) if levels else logits).astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(2, 9), st.integers(6, 40), st.integers(0, 1000), st.integers(0, 3))
def test_stored_classes_give_what_all_ranks_give(count: int, frames: int, classes: int, seed: int, levels: int) -> None:
    videos = {
        Condition(perturbation="gaussian_noise"): drifting(count, frames, classes, seed, levels),
        Condition(perturbation="rotate"): drifting(count, frames, classes, seed + 1, levels),
    }
    found = scores(records_of(videos, shuffled=True))
    for condition, logits in videos.items():
        flips, distance = literal_scores(logits, fixed=condition["perturbation"] == "gaussian_noise")
        assert found["flip_probability", condition].value == pytest.approx(flips, abs=1e-12)
        assert found["top5_distance", condition].value == pytest.approx(distance, abs=1e-12)


def test_a_thousand_classes_and_sequences_of_two_lengths() -> None:
    videos = {
        Condition(perturbation="shot_noise"): drifting(6, 31, 1000, 0),
        Condition(perturbation="translate"): drifting(6, 41, 1000, 1),
        Condition(perturbation="snow"): drifting(6, 31, 1000, 2, levels=1),
    }
    found = scores(records_of(videos))
    for condition, logits in videos.items():
        flips, distance = literal_scores(logits, fixed="noise" in condition["perturbation"])
        assert found["flip_probability", condition].value == pytest.approx(flips, abs=1e-12)
        assert found["top5_distance", condition].value == pytest.approx(distance, abs=1e-12)


@pytest.mark.parametrize(
    ("reference", "later", "distance"),
    [
        ((1, 2, 3, 4, 5), (1, 2, 3, 4, 5), 0),
        ((1, 2, 3, 4, 5), (2, 1, 3, 4, 5), 2),  # two neighbours change places
        ((1, 2, 3, 4, 5), (1, 2, 3, 4, 9), 1),  # the fifth falls to the sixth place or further
        ((1, 2, 3, 4, 5), (9, 1, 2, 3, 4), 5),  # everyone moves down by one
        ((9, 1, 2, 3, 4), (1, 2, 3, 4, 5), 9),  # the first falls out, four move up: it is not symmetric
        ((1, 2, 3, 4, 5), (5, 4, 3, 2, 1), 12),  # turned around: 4 + 2 + 0 + 2 + 4
        ((1, 2, 3, 4, 5), (6, 7, 8, 9, 10), 15),  # five others: 5 + 4 + 3 + 2 + 1
        ((1, 2, 3, 4, 5), (5, 6, 7, 8, 9), 18),  # the most: 5 + 4 + 3 + 2, and the fifth comes first
    ],
)
def test_distances_by_hand(reference: Sequence[int], later: Sequence[int], distance: int) -> None:
    assert top5_distance(np.array([reference], np.int16), np.array([later], np.int16)).tolist() == [distance]


def test_fewer_than_five_classes_only_change_places() -> None:
    first = np.array([[2, 0, 1, -1, -1], [2, 0, 1, -1, -1]], np.int16)
    later = np.array([[2, 0, 1, -1, -1], [1, 0, 2, -1, -1]], np.int16)
    assert top5_distance(first, later).tolist() == [0, 4]
    logits = drifting(3, 7, 3, 5)
    found = scores(records_of({Condition(perturbation="rotate"): logits}))
    assert 0 <= value(found, "top5_distance", perturbation="rotate") <= 4


def constant(flips_every: int, frames: int = 31, count: int = 4) -> np.ndarray:
    """Logits of seven classes whose first two change places with every so-manieth frame; 0 for never."""
    logits = np.tile(np.array([7.0, 6, 5, 4, 3, 2, 1], np.float32), (count, frames, 1))
    for frame in range(frames if flips_every else 0):
        if frame // flips_every % 2:
            logits[:, frame, :2] = logits[:, frame, 1::-1]
    return logits


def all_ten(logits: np.ndarray) -> dict[Condition, np.ndarray]:
    return {Condition(perturbation=name): logits for name in IMAGENET_P.members}


def test_all_numbers_by_hand() -> None:
    """Answers that change with every tenth frame: twice in thirty; against the first frame ten times in thirty."""
    found = scores(records_of(all_ten(constant(10, frames=30))))
    before, first = 2 / 29, 10 / 29
    alexnet = baseline("imagenet-p")
    assert alexnet is not None
    divisors = alexnet["flip_probability"]
    for name in IMAGENET_P.members:
        expected = first if "noise" in name else before
        assert value(found, "flip_probability", perturbation=name) == pytest.approx(expected)
        assert value(found, "top5_distance", perturbation=name) == pytest.approx(2 * expected)
        assert value(found, "flip_rate", perturbation=name) == pytest.approx(expected / divisors[name])
    assert value(found, "flip_probability") == pytest.approx((8 * before + 2 * first) / 10)
    assert value(found, "top5_distance") == pytest.approx((16 * before + 4 * first) / 10)
    rates = [(first if "noise" in name else before) / divisors[name] for name in IMAGENET_P.members]
    assert value(found, "mfr") == pytest.approx(np.mean(rates))
    assert found["top5_distance", Condition()].unit == DISTANCE
    assert found["mfr", Condition()].unit == "ratio"
    assert {score.n for score in found.values()} == {4}


@pytest.mark.parametrize("model", PUBLISHED)
def test_published_flip_probabilities_give_the_published_mfr(model: str) -> None:
    alexnet = baseline("imagenet-p")
    assert alexnet is not None
    values = []
    for name in IMAGENET_P.members:
        (found,) = [p.value for p in published(model, "imagenet-p", "flip_probability", {"perturbation": name})]
        values.append(found)
    divisors = np.array([alexnet["flip_probability"][name] for name in IMAGENET_P.members])
    assert round(100 * float(np.array(values) @ ratio_weights(divisors)), 2) == PUBLISHED[model]
    (headline,) = published(model, "imagenet-p", "mfr", {})
    assert round(100 * headline.value, 2) == PUBLISHED[model]


def test_without_top5_distances_of_a_baseline_mt5d_is_undefined_and_the_raw_mean_stands_beside_it() -> None:
    found = scores(records_of(all_ten(drifting(3, 5, 9, 0))))
    undefined = found["mt5d", Condition()]
    assert undefined.value is None
    assert "no source gives AlexNet's" in said(undefined.lack)
    assert "--baseline" in said(undefined.lack)
    assert value(found, "top5_distance") > 0
    assert not {metric for metric, _ in found} & {"t5d"}


def test_a_run_divided_by_itself_is_one_in_every_ratio() -> None:
    given = records_of(all_ten(drifting(5, 31, 20, 3)))
    found = scores(given, measured(given))
    for metric in ("mfr", "mt5d"):
        assert value(found, metric) == pytest.approx(1)
    for name in IMAGENET_P.members:
        assert value(found, "flip_rate", perturbation=name) == pytest.approx(1)
        assert value(found, "t5d", perturbation=name) == pytest.approx(1)


def test_without_a_baseline_or_with_one_that_never_flips_there_is_a_reason_and_no_number() -> None:
    given = records_of(all_ten(drifting(3, 5, 9, 0)))
    (mfr,) = [score for score in CARD.scores(CARD.table(given, RUN), RUN, None) if score.metric == "mfr"]
    assert said(mfr.lack) == "there is no baseline for these classes"
    still = measured(records_of(all_ten(constant(0))))
    found = scores(given, still)
    assert "no flip probability above 0 under gaussian_noise" in said(found["mfr", Condition()].lack)
    assert "no top5 distance above 0 under gaussian_noise" in said(found["mt5d", Condition()].lack)
    part = scores(given, measured(records_of({CONDITIONS[0]: drifting(3, 5, 9, 0)})))
    assert "under shot_noise" in said(part["mfr", Condition()].lack)


@pytest.mark.parametrize("absent", ["rotate", "gaussian_noise"])
def test_fewer_than_ten_are_partial(absent: str) -> None:
    videos = {c: logits for c, logits in all_ten(constant(10)).items() if c["perturbation"] != absent}
    found = scores(records_of(videos))
    assert not {"mfr", "mt5d"} & {metric for metric, _ in found}
    rates = [value(found, "flip_rate", perturbation=name) for name in IMAGENET_P.members if name != absent]
    assert value(found, "mfr_partial") == pytest.approx(np.mean(rates))
    assert found["mt5d_partial", Condition()].value is None


def test_other_photographs_in_one_sequence_or_a_failure_make_it_partial() -> None:
    given = records_of(all_ten(constant(10)))
    rotate = CONDITIONS.index(Condition(perturbation="rotate"))
    fewer = given.where((given["condition"] != rotate) | (given["image"] != 3))
    assert ("mfr_partial", Condition()) in scores(fewer)
    failed = Records(given.columns, (Failure("n/00009", "torn", (rotate,)),))
    assert ("mfr_partial", Condition()) in scores(failed)
    harder = Records(given.columns, (Failure("n/00009", "torn", (len(CONDITIONS) - 1,)),))
    assert ("mfr", Condition()) in scores(harder), "mFR does not rest on difficulty 2"


def test_validation_and_harder_sequences_are_in_no_mean() -> None:
    ten = all_ten(drifting(4, 31, 12, 1))
    wild = drifting(4, 31, 12, 2) * np.random.default_rng(0).normal(size=(4, 31, 12)).astype(np.float32)
    more = ten | {Condition(perturbation="spatter"): wild, Condition(perturbation="shot_noise", severity=2): wild}
    without, with_more = scores(records_of(ten)), scores(records_of(more))
    for key, score in without.items():
        assert with_more[key].value == score.value
    assert value(with_more, "flip_probability", perturbation="spatter") > 0.5
    assert value(with_more, "flip_probability", perturbation="shot_noise", severity=2) > 0.5
    assert ("flip_rate", Condition(perturbation="spatter")) not in with_more
    alone = scores(records_of({Condition(perturbation="spatter"): wild}))
    assert said(alone["mfr_partial", Condition()].lack) == "none of the ten test perturbations was run"
    assert ("flip_probability", Condition()) not in alone


def test_tables_of_parts_joined_give_the_scores_of_all_rows() -> None:
    given = records_of(all_ten(drifting(7, 31, 30, 4)))
    parts = [CARD.table(given.where(given["image"] % 3 == k), RUN) for k in range(3)]
    joined = ImageTable.join(parts)
    assert joined["flips"].shape == (7, 10)
    apart = {(s.metric, s.condition): s for s in CARD.scores(joined, RUN, baseline("imagenet-p"))}
    assert apart == scores(given)
    assert len(CARD.table(Records({}), RUN)) == 0


def test_a_sequence_keeps_its_own_reference_when_rows_are_mixed() -> None:
    given = records_of({Condition(perturbation="rotate"): drifting(5, 8, 9, 6)})
    mixed = given.where(np.random.default_rng(1).permutation(len(given)))
    for left, right in zip(sequences(given, RUN).columns.values(), sequences(mixed, RUN).columns.values(), strict=True):
        np.testing.assert_array_equal(left, right)


def test_all_sequences_of_a_photograph_move_together() -> None:
    """A photograph flips always or never: ten sequences then say no more than one."""
    count = 120
    logits = constant(0, count=count)
    logits[::3] = constant(1, count=count)[::3]
    found = scores(records_of(all_ten(logits)))["flip_probability", Condition()]
    assert found.interval is not None
    one = scores(records_of({Condition(perturbation="rotate"): logits}))["flip_probability", Condition()]
    assert one.interval is not None
    # Against the first frame every second frame differs; against the one before all do.
    p = 1 / 3
    normal = 2 * 1.96 * np.sqrt(p * (1 - p) / count)
    assert one.interval.high - one.interval.low == pytest.approx(normal, rel=0.15)
    share = (8 + 2 * 0.5) / 10
    assert found.interval.high - found.interval.low == pytest.approx(share * normal, rel=0.15)


def test_every_registered_perturbation_has_a_published_divisor() -> None:
    alexnet = baseline("imagenet-p")
    assert alexnet is not None
    assert set(alexnet["flip_probability"]) == set(perturbations.names())
    assert alexnet["top5_distance"] is None
