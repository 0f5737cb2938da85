"""Labels and answers in, intervals out: values are scikit-learn's, intervals scipy's, and hold in simulations."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit, logit

import hardiness
from hardiness.core.errors import ArgumentError, UnknownNameError

K = 4


def _answers(seed: int, count: int = 300, accuracy: float = 0.8) -> tuple[np.ndarray, np.ndarray]:
    """Labels, and probabilities whose largest is right about so often."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, K, count)
    logits = rng.standard_normal((count, K))
    logits[np.arange(count), labels] += 2.5 * accuracy
    shares = np.exp(logits)
    return labels, shares / shares.sum(axis=1, keepdims=True)


@pytest.fixture(scope="module")
def two() -> hardiness.HeldScores:
    labels, mine = _answers(0)
    _, theirs = _answers(0, accuracy=0.2)
    sites = np.resize(["A", "B", "C"], len(labels))
    groups = {"site": sites, "patient": np.arange(len(labels)) // 5}
    answers = {"mine": mine, "theirs": theirs}
    return hardiness.score(labels, answers, kind="probabilities", groups=groups, name="four")


def _value(scores: hardiness.HeldScores, metric: str, model: str = "mine") -> float:
    (result,) = (each for each in scores if each.model == model)
    return result.score(metric).number


def test_values_are_scikit_learns() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, shares = _answers(1)
    scores = hardiness.score(labels, shares, kind="probabilities")
    chosen = shares.argmax(axis=1)
    assert _value(scores, "top1", "model") == pytest.approx(sklearn.accuracy_score(labels, chosen))
    assert _value(scores, "balanced_accuracy", "model") == pytest.approx(
        sklearn.balanced_accuracy_score(labels, chosen)
    )
    assert _value(scores, "macro_f1", "model") == pytest.approx(sklearn.f1_score(labels, chosen, average="macro"))
    assert _value(scores, "nll", "model") == pytest.approx(sklearn.log_loss(labels, shares), rel=1e-5)
    is_first, of_first = labels == 0, shares[:, 0]
    binary = hardiness.score(is_first, of_first, kind="probabilities")
    area = sklearn.roc_auc_score(is_first, of_first)
    assert _value(binary, "auroc_two_classes", "model") == pytest.approx(area, abs=1e-6)


def test_interval_of_a_share_is_wilsons() -> None:
    labels = np.zeros(400, int)
    answers = np.where(np.arange(400) < 300, 0, 1)
    (row,) = hardiness.score(labels, answers, metrics=["top1"], level=0.9).table().to_pylist()
    ends = stats.binomtest(300, 400).proportion_ci(0.9, method="wilson")
    assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high))


def test_intervals_and_p_are_those_of_statsmodels() -> None:
    """Wilson of a share, and McNemar's mid-p of two models, which is its exact p less half of each tail's last term."""
    proportion = pytest.importorskip("statsmodels.stats.proportion")
    tables = pytest.importorskip("statsmodels.stats.contingency_tables")
    labels, count = np.zeros(200, int), np.arange(200)
    models = {"a": np.where(count < 150, 0, 1), "b": np.where((count < 139) | (count >= 197), 0, 1)}
    scores = hardiness.score(labels, models)
    for name, hits in (("a", 150), ("b", 142)):
        interval = next(each for each in scores if each.model == name).score("top1").interval
        ends = proportion.proportion_confint(hits, 200, method="wilson")
        assert (interval.low, interval.high) == pytest.approx(ends)
    table = [[139, 11], [3, 47]]
    last = stats.binom.pmf(3, 14, 0.5)
    (row,) = (row for row in scores.compare().table().to_pylist() if row["metric"] == "top1")
    assert row["p"] == pytest.approx(tables.mcnemar(table, exact=True).pvalue - last)


@pytest.mark.slow
def test_the_worked_example_gives_what_its_page_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearn")
    page = (Path(__file__).parents[3] / "docs" / "labels.md").read_text()
    code = page.partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path)
    variables: dict[str, object] = {}
    exec(code, variables)
    scores = variables["scores"]
    assert isinstance(scores, hardiness.HeldScores)
    for name in ("C=1", "C=0.01"):
        top1 = next(each for each in scores if each.model == name).score("top1")
        numbers = (100 * number for number in (top1.number, top1.interval.low, top1.interval.high))
        assert "{:.1f} % ({:.1f} to {:.1f})".format(*numbers) in page
    (row,) = (row for row in scores.compare().table().to_pylist() if row["metric"] == "top1")
    assert f"the difference is {100 * abs(row['difference']):.1f} points" in page
    assert row["told_apart"]
    assert (tmp_path / "digits.html").is_file()


def test_names_integers_and_logits_are_one() -> None:
    labels, shares = _answers(2)
    names = np.array(["cat", "dog", "emu", "fox"])
    ways = [
        hardiness.score(labels, shares.argmax(1)),
        hardiness.score(names[labels].tolist(), names[shares.argmax(1)].tolist()),
        hardiness.score(names[labels], np.log(shares), kind="logits", classes=names),
        hardiness.score(labels, np.log(shares), kind="logits", classes=names),
    ]
    for metric in ("top1", "balanced_accuracy", "macro_f1"):
        assert len({_value(way, metric, "model") for way in ways}) == 1
    assert ways[1][0].run.data.classes == tuple(names)


def test_every_library_s_arrays_are_read() -> None:
    torch, pd = (pytest.importorskip(name) for name in ("torch", "pandas"))
    pl = importlib.import_module("polars") if find_spec("polars") else pd
    import pyarrow as pa

    labels, shares = _answers(3)
    chosen = shares.argmax(1)
    expected = _value(hardiness.score(labels, chosen), "top1", "model")
    for read in (list, torch.tensor, pd.Series, pl.Series, pa.array, lambda each: pa.chunked_array([each])):
        assert _value(hardiness.score(read(labels), read(chosen)), "top1", "model") == expected
    columns = {"a": chosen, "b": labels}
    for frame in (pd.DataFrame(columns), pl.DataFrame(columns), pa.table(columns), columns):
        scores = hardiness.score(labels, frame, groups=frame)
        assert (_value(scores, "top1", "a"), _value(scores, "top1", "b")) == (expected, 1)
    gradients = torch.tensor(np.log(shares), requires_grad=True)
    assert _value(hardiness.score(labels, gradients, kind="logits"), "top1", "model") == expected


@pytest.mark.parametrize(
    ("labels", "answers", "options", "message"),
    [
        ([0, 1, None], [0, 1, 1], {}, r"labels must have a value everywhere, has none at \[2\]"),
        ([0, 1, 1], ["a", None, "b"], {}, r"answers of model .* none at \[1\]; leave this picture out"),
        ([0, 1], [[0.5, 0.5], [float("nan"), 0.5]], {"kind": "probabilities"}, r"none at \[1, 0\]"),
        ([0, 1], [0, 1, 1], {}, "must have a row for each of the 2 values of labels, has 3"),
        ([[0, 1], [1, 1]], [[0, 1], [1, 1]], {}, "once for each: score"),
        ([], [], {}, "labels must be"),
        ([0, 1], [[0.5, 0.5], [0.1, 0.9]], {}, "say kind='probabilities' or kind='logits'"),
        ([0, 1], [[3.0, -1], [0, 1]], {"kind": "probabilities"}, r"sum to 1, was \[.*\] at \[0\]; of logits say"),
        ([0, 5], [[0.5, 0.5], [0.1, 0.9]], {"kind": "probabilities"}, r"of the 2 classes \(0, 1\), was 5 at \[1\]"),
        (["a", "b"], [[0.5, 0.5], [0.1, 0.9]], {"kind": "probabilities"}, "classes must name the 2 outputs"),
        ([0.5, 1], [0, 1], {}, "must be integers or names, had 0.5"),
        ([0, 1], [0, 1], {"groups": {"site": ["A"]}}, "the 2 values of the pictures, has 1"),
        ([0, 1], [0, 1], {"cluster": "site"}, "site"),
        ([0, 1], [0, 1], {"level": 95}, "level must be above 0 and below 1"),
    ],
)
def test_what_is_refused_says_where(labels: object, answers: object, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        hardiness.score(labels, answers, **options)


def test_unknown_names_are_told() -> None:
    with pytest.raises(UnknownNameError, match="macro_f1"):
        hardiness.score([0, 1], [0, 1], metrics=["macro_f"])
    with pytest.raises(UnknownNameError, match="logits"):
        hardiness.score([0, 1], [0, 1], kind="logit")


def test_two_models_are_compared_picture_by_picture(two: hardiness.HeldScores) -> None:
    rows = two.compare().table().to_pylist()
    (top1,) = (row for row in rows if row["metric"] == "top1")
    assert top1["difference"] == pytest.approx(_value(two, "top1") - _value(two, "top1", "theirs"))
    assert top1["told_apart"]
    assert top1["n"] == 300
    assert two.compare("mine", "theirs", within="90 %").benchmarks[0].scores


def test_slices_clusters_gate_page_and_json(two: hardiness.HeldScores, tmp_path: Path) -> None:
    rows = two.slices("site").table().to_pylist()
    assert {row["slice_value"] for row in rows if row.get("slice")} >= {"A", "B", "C"}
    policy = '[[rules]]\nbenchmark = "answers"\nmetric = "top1"\nat_least = "20 %"\n'
    assert two.gate(policy).exit_status == 0
    address = two.report(tmp_path / "page.html")
    page = Path(address).read_text()
    assert "mine" in page
    assert "theirs" in page
    results = json.loads(two.to_json())["results"]
    assert {result["model"] for result in results} == {"mine", "theirs"}
    assert "<table" in two._repr_html_()


def test_clusters_widen_intervals() -> None:
    rng = np.random.default_rng(0)
    patient = np.repeat(np.arange(40), 10)
    right = np.repeat(rng.random(40) < 0.7, 10)
    answers = np.where(right, 0, 1)
    labels = np.zeros(400, int)
    groups = {"patient": patient}
    (alone,) = hardiness.score(labels, answers, groups=groups, metrics=["top1"]).table().to_pylist()
    (within,) = hardiness.score(labels, answers, groups=groups, cluster="patient", metrics=["top1"]).table().to_pylist()
    assert within["clusters"] == 40
    assert within["high"] - within["low"] > 2.5 * (alone["high"] - alone["low"])


def test_conditions_are_those_of_corruptions() -> None:
    labels, shares = _answers(4)
    _, worse = _answers(4, accuracy=0.2)
    answers = {"net": {"clean": shares.argmax(1), "fog/3": worse.argmax(1), "snow": worse.argmax(1)}}
    (result,) = hardiness.score(labels, answers)
    errors = {score.condition: score.number for score in result.scores if score.metric == "error"}
    error = float(np.mean(worse.argmax(1) != labels))
    assert errors[hardiness.Condition(corruption="snow", severity=1)] == pytest.approx(error)
    assert errors[hardiness.Condition(corruption="fog", severity=3)] == pytest.approx(error)
    clean = 1 - result.score("clean_error").number
    assert result.score("retained_accuracy").number == pytest.approx((1 - error) / clean)


def test_values_of_any_task_have_means_and_comparisons() -> None:
    rng = np.random.default_rng(0)
    values = rng.uniform(0, 100, 200)
    models = {"a": values, "b": {"clean": values, "fog/3": values * 0.5}}
    groups = {"scene": np.arange(200) // 4}
    scores = hardiness.score_values({"a": values, "b": values * 0.9}, value_range=(0, 100), groups=groups)
    assert _value(scores, "mean_score", "a") == pytest.approx(values.mean() / 100)
    (row,) = scores.compare().table().to_pylist()
    assert row["difference"] == pytest.approx(values.mean() / 1000)
    clustered = hardiness.score_values(values, value_range=(0, 100), groups=groups, cluster="scene")
    assert clustered[0].score("mean_score").clusters == 50
    kept = hardiness.score_values({"b": models["b"]}, value_range=(0, 100))
    assert _value(kept, "retained_score", "b") == pytest.approx(0.5)
    ends = stats.t.interval(0.95, 199, values.mean(), stats.sem(values))
    interval = scores[0].score("mean_score").interval
    assert (100 * interval.low, 100 * interval.high) == pytest.approx(ends, abs=1)


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ([0.1, float("nan")], {}, r"none at \[1\]"),
        ([0.1, 71.0], {}, r"must be from 0 to 1, was 71.0 at \[1\]; say value_range="),
        ({"a": [0.1], "b": [0.1, 0.2]}, {}, "must have a row for each of the 1 values of values of a, has 2"),
        (["a", "b"], {}, "must be \\(N,\\) numbers"),
        ([[0.1, 0.2]], {}, "must be \\(N,\\) numbers"),
        ([0.1, 0.2], {"value_range": (1, 0)}, "value_range must be"),
    ],
)
def test_values_that_are_refused_say_where(values: object, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        hardiness.score_values(values, **options)


def _masks(seed: int, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Pixels in the intersection and in the union of each picture, of three classes."""
    rng = np.random.default_rng(seed)
    union = rng.integers(0, 200, (count, 3)) * (rng.random((count, 3)) < 0.8)
    return rng.binomial(union, np.clip(rng.normal([0.8, 0.6, 0.4], 0.15, (count, 3)), 0, 1)), union


def test_a_ratio_of_sums_is_miou() -> None:
    above, below = _masks(0)
    scores = hardiness.score_ratio({"a": above, "b": above // 2}, below, by=["road", "sign", "sky"])
    expected = above.sum(0) / below.sum(0)
    assert _value(scores, "mean_ratio", "a") == pytest.approx(expected.mean())
    by_class = {score.condition: score.number for score in scores[0].scores if score.metric == "ratio"}
    assert by_class[hardiness.Condition(by="sign")] == pytest.approx(expected[1])
    (row,) = scores.compare().table().to_pylist()
    assert row["difference"] == pytest.approx(expected.mean() - ((above // 2).sum(0) / below.sum(0)).mean())
    assert row["told_apart"]
    assert not scores.compare().benchmarks[0].details, "they would be of the pictures' own ratios"
    rng = np.random.default_rng(1)
    draws = rng.integers(0, len(above), (2000, len(above)))
    bootstrap = np.quantile((above[draws].sum(1) / below[draws].sum(1)).mean(1), [0.025, 0.975])
    interval = scores[0].score("mean_ratio").interval
    assert (interval.low, interval.high) == pytest.approx(bootstrap.tolist(), abs=0.005)


def test_a_ratio_has_clusters_slices_and_one_column() -> None:
    above, below = _masks(2)
    groups = {"scene": np.arange(200) // 5, "half": np.arange(200) % 2}
    scores = hardiness.score_ratio(above[:, 0], below[:, 0], groups=groups, cluster="scene")
    assert scores[0].score("mean_ratio").clusters == 40
    assert _value(scores, "mean_ratio", "model") == pytest.approx(above[:, 0].sum() / below[:, 0].sum())
    sliced = [row for row in scores.slices("half").table().to_pylist() if row["slice_row"] == "value"]
    assert {row["slice_value"]: row["value"] for row in sliced} == pytest.approx(
        {str(k): above[k::2, 0].sum() / below[k::2, 0].sum() for k in (0, 1)}
    )


def test_a_class_that_no_picture_shows_is_left_out_of_the_mean() -> None:
    scores = hardiness.score_ratio([[1, 0], [3, 0], [2, 0]], [[2, 0], [4, 0], [2, 0]], by=["road", "tram"])
    assert _value(scores, "mean_ratio", "model") == pytest.approx(6 / 8)
    (tram,) = (score for score in scores[0].scores if score.condition.get("by") == "tram")
    assert tram.value is None
    assert "the denominators are all 0" in [row["reason"] for row in scores.table().to_pylist()]


@pytest.mark.parametrize(
    ("above", "below", "options", "message"),
    [
        ([1, 3], [2, 2], {}, r"no less than numerator, was 2 and 3 at \[1, 0\]"),
        ([1, -1], [2, 2], {}, "must be \\(N,\\) or \\(N, C\\) counts from 0 on"),
        ([1, 2], [2, 2, 2], {}, "denominator of model must be of shape"),
        ([[1, 2]], [[2, 2]], {"by": ["a"]}, "by must name each of the 2 columns"),
        ({"a": [1]}, {"b": [1]}, {}, "has none called 'a'"),
    ],
)
def test_counts_that_are_refused_say_where(above: object, below: object, options: dict, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        hardiness.score_ratio(above, below, **options)


@pytest.mark.slow
def test_intervals_of_miou_hold_as_often_as_they_say() -> None:
    """Over 300 samples of 80 pictures; the truth is of 200,000."""
    above, below = _masks(7, 200_000)
    truth = float((above.sum(0) / below.sum(0)).mean())
    held = 0
    for seed in range(300):
        interval = hardiness.score_ratio(*_masks(1000 + seed, 80))[0].score("mean_ratio").interval
        held += interval.low <= truth <= interval.high
    assert 0.92 * 300 <= held <= 0.985 * 300


@pytest.mark.slow
@pytest.mark.parametrize("by_cluster", [False, True])
def test_intervals_hold_as_often_as_they_say(by_cluster: bool) -> None:
    """Coverage of accuracy, balanced accuracy and macro F1 at 95 %, where pictures of a patient share half of it."""
    rng = np.random.default_rng(5)
    trials, patients, each, classes = 200, 60, 5, 3
    labels = rng.integers(0, classes, (trials, patients * each))
    ease = np.repeat(rng.standard_normal((trials, patients)), each, axis=1) * by_cluster
    right = ease + rng.standard_normal(labels.shape) > -1.0 * np.sqrt(1 + by_cluster)
    answers = np.where(right, labels, (labels + 1) % classes)
    truth = float(stats.norm.cdf(1.0))  # of each class alike, and so of all three scores
    groups = {"patient": np.repeat(np.arange(patients), each)}
    held = {"top1": 0, "balanced_accuracy": 0, "macro_f1": 0}
    for of_trial, given in zip(labels, answers, strict=True):
        scores = hardiness.score(of_trial, given, groups=groups, cluster="patient" if by_cluster else None)
        for metric in held:
            interval = scores[0].score(metric).interval
            held[metric] += interval.low <= truth <= interval.high
    assert all(0.91 * trials <= count for count in held.values()), held


@pytest.mark.slow
def test_ten_models_of_ten_thousand_answers_take_little_time_and_import_what_is_needed() -> None:
    code = """
import sys, time, numpy as np, hardiness
rng = np.random.default_rng(0)
labels = rng.integers(0, 10, 10_000)
answers = {f"m{k}": np.where(rng.random(10_000) < .9, labels, 0) for k in range(10)}
hardiness.score(labels[:100], {"m": answers["m0"][:100]})
start = time.process_time()
hardiness.score(labels, answers)
print(time.process_time() - start, *{name.partition(".")[0] for name in sys.modules})
print(*(name for name in sys.modules if name.startswith("hardiness.")))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, own = done.stdout.splitlines()
    seconds, *packages = first.split()
    needless = {"torch", "numba", "matplotlib", "pandas", "polars", "pyarrow", "jinja2", "PIL"}
    assert needless.isdisjoint(packages)
    assert not [name for name in own.split() if name.startswith(("hardiness.engine", "hardiness.visualise"))]
    assert float(seconds) < 2  # a second on a quiet machine


@pytest.mark.slow
def test_fifteen_published_networks_have_their_accuracies_and_places(tmp_path: Path, small_pictures_data: Path) -> None:
    versions = {"cifar10": "test", "cifar10.1": "v6", "cifar10.1-v4": "v4"}
    with np.load(small_pictures_data / "predictions_of_15.npz") as arrays:
        names = [name.removesuffix(".test") for name in arrays.files if name.endswith(".test")]
        labels = {of: arrays[f"labels_{version}".removesuffix("_test")] for of, version in versions.items()}
        answers = {of: {name: arrays[f"{name}.{version}"] for name in names} for of, version in versions.items()}
    published = {
        "resnet_basic_32": (92.5, 84.9),
        "wrn_28_10": (95.9, 89.7),
        "vgg_15_BN_64": (93.0, 84.9),
        "shake_shake_26_2x96d_SSI": (97.1, 91.9),
    }
    scores = hardiness.score(labels, answers)
    assert len(scores) == 45
    by_name = {(each.benchmark, each.model): each for each in scores}
    for name, percents in published.items():
        for of, percent in zip(("cifar10", "cifar10.1-v4"), percents, strict=True):
            top1 = by_name[of, name].score("top1")
            assert 100 * top1.number == pytest.approx(percent, abs=0.051)
            assert top1.interval.low < top1.number < top1.interval.high
    clean, shifted = (
        [np.mean(labels[of] == answers[of][name]) for name in names] for of in ("cifar10", "cifar10.1-v4")
    )
    line = stats.linregress(logit(clean), logit(shifted))
    for name, x, y in zip(names, clean, shifted, strict=True):
        above = by_name["cifar10.1-v4", name].score("effective_robustness")
        assert above.number == pytest.approx(y - expit(line.intercept + line.slope * logit(x)), abs=1e-4)
        assert above.interval.low < 0 < above.interval.high
    compared = scores.compare()
    assert {each.benchmark for each in compared} == versions.keys()
    places = compared.benchmarks[0].scores[0].ranks
    assert places["shake_shake_26_2x96d_SSI"].rank == 1
    assert (places["alexnet_tf_ben"].rank, places["alexnet_tf_ben"].worst) == (15, 15)
    page = Path(scores.report(tmp_path / "page.html")).read_text()
    assert "the best of 15 models here is better than 143 of 143" in page
    assert "cifar10.1: clean accuracy explains all 15 models" in page


def test_a_part_of_a_published_set_has_no_effective_robustness() -> None:
    labels = {"cifar10": np.arange(40) % 10, "cifar10.1": np.arange(20) % 10}
    answers = {of: {"net": np.where(right % 3, right, 0)} for of, right in labels.items()}
    scores = hardiness.score(labels, answers, metrics=["top1", "effective_robustness"])
    shifted = next(each for each in scores if each.benchmark == "cifar10.1")
    assert shifted.score("effective_robustness").lack.code == "part"
    assert len({each.run.model.weights_sha256 for each in scores}) == 1
    with pytest.raises(ArgumentError, match="answers must be a mapping from cifar10"):
        hardiness.score(labels, answers["cifar10"])
    with pytest.raises(UnknownNameError, match="benchmark"):
        hardiness.score({"cifar10.2": [0, 1]}, {"cifar10.2": [0, 1]})


def test_scores_that_classes_cannot_have_are_left_out_unless_they_are_named() -> None:
    labels = np.arange(40) % 2
    assert {"nll", "ece"}.isdisjoint(hardiness.score(labels, labels).table().column("metric").to_pylist())
    named = hardiness.score(labels, labels, metrics=["nll"]).table().to_pylist()
    assert [(row["value"], "classes" in row["reason"]) for row in named] == [(None, True)]
