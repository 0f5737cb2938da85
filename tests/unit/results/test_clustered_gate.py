"""Rules on pictures that come in clusters: each verdict is over clusters, or missing with the reason."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import ttest_rel
from sliced_runs import columns_of, stored

import hardiness
from hardiness.core.columns import Columns, Grouping
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.request import Stop
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.gate import gate_markdown, gate_view
from hardiness.report.words import line as said
from hardiness.report.words import text as why
from hardiness.results.folder import Folder
from hardiness.results.gate import GateVerdict
from hardiness.results.policy import parse_policy
from hardiness.statistics.clusters import Clusters
from hardiness.statistics.estimate import mean
from hardiness.statistics.intervals import clustered_proportion, outermost, within
from hardiness.store.store import Store

SIZE, PATIENTS = 10, 40
TOP1 = 'benchmark = "imagenet-val"\nmetric = "top1"\n'
CLUSTER = '[policy]\ncluster = "patient"\n'


def by_patient(patients: int = PATIENTS, size: int = SIZE) -> Columns:
    n = patients * size
    return columns_of(n, patient=[f"patient {k // size}" for k in range(n)])


def right(seed: int, cells: int = 1, patients: int = PATIENTS, ease: float = 0.8) -> np.ndarray:
    """Answers of a model that finds some patients easy."""
    generator = np.random.default_rng(seed)
    effect = np.repeat(generator.normal(0, 1, patients), SIZE)[:, None]
    return generator.normal(0, 1, (patients * SIZE, cells)) + effect > -ease


def verdict(out: Path, rule: str, settings: str = CLUSTER, columns: Columns | None = None, **more: Any) -> GateVerdict:
    given = by_patient() if columns is None else columns
    (found,) = hardiness.gate(out, f"{settings}[[rules]]\n{rule}\n", columns=given, **more).verdicts
    return found


def of_rule(answers: np.ndarray) -> tuple[np.ndarray, Clusters]:
    ids = by_patient().ids
    return ids, Clusters(ids, np.arange(len(answers)) // SIZE, "patient")


def test_a_share_is_judged_by_the_clustered_interval_at_every_level(tmp_path: Path) -> None:
    answers = right(0)
    stored(tmp_path, answers)
    ids, clusters = of_rule(answers)
    variance, value = clusters.collapse(mean(ids, answers[:, 0])).variance, float(answers.mean())
    for metric, limit in ((TOP1, "at_least = 0.7"), (TOP1.replace("top1", "accuracy"), "at_least = 0.7")):
        found = verdict(tmp_path, metric + limit)
        wanted = clustered_proportion(value, variance, 400, 40)
        assert found.interval == pytest.approx(wanted), metric
        assert (found.n, found.clusters, found.cluster, found.outcome) == (400, 40, "patient", "cannot tell")
        assert found.which_interval == "plain 95 %, over clusters by patient"
        single = verdict(tmp_path, metric + limit, settings="")
        assert (single.clusters, single.cluster) == (0, "")
        assert single.interval.low > found.interval.low + 0.02
    families = hardiness.gate(
        tmp_path, CLUSTER + 7 * f"[[rules]]\n{TOP1}at_least = 0.99\n", columns=by_patient()
    ).verdicts
    holm = clustered_proportion(value, variance, 400, 40, 1 - 0.05 / 7)
    assert (families[0].outcome, families[0].interval) == ("fail", pytest.approx(holm))


def test_more_is_counted_in_clusters_and_every_output_says_so(tmp_path: Path) -> None:
    stored(tmp_path, right(0))
    rule = f"[[rules]]\n{TOP1}at_least = 0.7\n"
    found = hardiness.gate(tmp_path, CLUSTER + rule, columns=by_patient())
    single = hardiness.gate(tmp_path, rule)
    more, pictures = found.verdicts[0].more, single.verdicts[0].more
    assert 40 < more < pictures
    view = gate_view(found)
    assert view.rows[0][-1] == "400 in 40"
    line = f"about {more:,} clusters more by patient of imagenet decide with 80 % chance"
    assert any(line in note and "n = 400 in 40 clusters by patient" in note for note in view.notes)
    assert line in gate_markdown(found, 9999).replace("\\", "")
    form = json.loads(json.dumps(found.as_dict()))["verdicts"][0]
    assert (form["n"], form["cluster"], form["clusters"], form["more"]) == (400, "patient", 40, more)
    row = found.table().to_pylist()[0]
    assert (row["n"], row["cluster"], row["clusters"]) == (400, "patient", 40)
    assert "patient 1" not in f"{view} {form} {row}"


def test_few_clusters_are_warned_of_and_fewer_than_eight_are_missing(tmp_path: Path) -> None:
    stored(tmp_path, right(0, patients=20))
    found = hardiness.gate(tmp_path, f"{CLUSTER}[[rules]]\n{TOP1}at_least = 0.1\n", columns=by_patient(20))
    assert found.outcome == "pass"
    assert tuple(map(said, found.remarks)) == (
        "net on imagenet-val: 20 clusters by patient: with fewer than 30 an interval may hold in less than 95 % of "
        "cases, above all where clusters are of unlike sizes",
    )
    for metric in ("top1", "error", "rms_calibration_error"):
        rule = f'benchmark = "imagenet-val"\nmetric = "{metric}"\nat_most = 0.99\n'
        where = 'where = { protocol = "hendrycks2019" }\n' if "rms" in metric else ""
        missing = verdict(tmp_path, rule + where, columns=by_patient(7, 30))
        assert missing.outcome == "missing", metric
        assert why(missing.missing).startswith("no interval: "), metric
        assert "it needs 8 clusters, had 7" in why(missing.missing) or "no method for clusters" in said(missing.missing)


@pytest.mark.parametrize("metric", ["mean_error", "accuracy"])
def test_a_mean_over_cells_is_judged_by_two_tests_over_clusters(metric: str, tmp_path: Path) -> None:
    answers = right(1, cells=4)
    stored(tmp_path, answers)
    ids, clusters = of_rule(answers)
    rule = f'benchmark = "imagenet-c"\nmetric = "{metric}"\nat_most = 0.3\n'
    where = 'where = { corruption = "gaussian_noise" }\n' if metric == "accuracy" else ""
    found = verdict(tmp_path, rule + where)
    counts = answers[:, 1:] if metric == "accuracy" else ~answers[:, 1:]
    by_cluster = clusters.collapse(mean(ids, counts.astype(float)))
    wanted = outermost(by_cluster.interval(0.0, 1.0), within(by_cluster.interval()))
    assert why(found.missing) == ""
    assert (found.interval.low, found.interval.high) == pytest.approx((wanted.low, wanted.high))
    assert (found.n, found.clusters) == (400, 40)


def test_the_lowest_recall_is_judged_by_the_clusters_of_each_class(tmp_path: Path) -> None:
    """Single pictures of each class are exact; patients of one class each are far fewer."""
    patients, size = 60, 5
    classes = np.arange(patients * size) // size % 3
    rows = np.repeat(np.random.default_rng(3).random(patients) < 0.75, size)
    out = tmp_path / "out"
    write_own(out, rows, classes)
    ids = sorted(f"c{c}/{k:05d}" for k, c in enumerate(classes.tolist()))
    of = {f"c{c}/{k:05d}": f"p{k // size}" for k, c in enumerate(classes.tolist())}
    columns = Columns(np.array(ids, object), {"patient": np.array([of[each] for each in ids], object)})
    rule = 'benchmark = "imagenet-val"\nmetric = "worst_class"\nat_least = 0.3\n'
    single, found = (verdict(out, rule, settings, columns) for settings in ("", CLUSTER))
    recalls = [each for each in Folder.open(Store.open(out)).results[0].scores if each.metric == "recall"]
    assert len(recalls) == 3
    assert found.value == pytest.approx(single.value) == min(each.value for each in recalls)
    assert (found.n, found.clusters) == (100, 20)
    assert found.interval.high - found.interval.low > 1.7 * (single.interval.high - single.interval.low)
    lows = []
    for label in range(3):
        where = np.flatnonzero(classes == label)
        share = float(rows[where].mean())
        of_class = Clusters(where, where // size).collapse(mean(where, rows[where]))
        lows.append(clustered_proportion(share, of_class.variance, 100, 20).low)
    assert found.interval.low == pytest.approx(min(lows))


def write_own(out: Path, rows: np.ndarray, classes: np.ndarray, samples: int = 0) -> None:
    """A run of three classes of one's own, of all of its samples or of the first ones."""
    n, label = len(rows), classes.astype(np.int32)
    records = Records(
        {
            "sample": np.array([f"c{c}/{k:05d}" for k, c in enumerate(classes.tolist())]),
            "condition": np.zeros(n, np.int16),
            "frame": np.zeros(n, np.int16),
            "label": label,
            "prediction": np.where(rows, label, (label + 1) % 3).astype(np.int32),
            "top5_class": np.zeros((n, 5), np.int16),
            "confidence": np.full(n, 0.6, np.float32),
        }
    )
    names = ("c0", "c1", "c2")
    run = Run(
        ModelIdentity("m", "m"),
        BenchmarkIdentity("imagenet-val", "classification", "p"),
        DataIdentity("own", "f", samples or n, num_classes=3, classes=names),
        conditions=(Condition(),),
    )
    work = [(name, 0) for name in records["sample"].tolist()]
    Store.create(out).run(run, Plan(whole=(0,))).write(0, work, records)


def test_worse_than_a_baseline_is_paired_over_clusters(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    mine, theirs = right(1, ease=0.6), right(2)
    stored(new, mine)
    stored(old, theirs)
    rule = f'{TOP1}worse_by_at_most = 0.02\nagainst = "{old}"\n'
    found, single = verdict(new, rule), verdict(new, rule, settings="")
    of_t = ttest_rel(*(1.0 - side.reshape(PATIENTS, SIZE).mean(axis=1) for side in (mine, theirs)))
    interval = of_t.confidence_interval()
    unseen = 1 - 0.025 ** (1 / PATIENTS)
    low, high = (np.hypot(found.value - end, unseen * (1 - found.value**2)) for end in (interval.low, interval.high))
    wanted = found.value - low, found.value + high
    assert (found.interval.low, found.interval.high) == pytest.approx(wanted, abs=0.01), "and skew"
    assert (found.n, found.clusters, found.value) == (400, 40, pytest.approx(theirs.mean() - mine.mean()))
    assert found.interval.high - found.interval.low > 1.5 * (single.interval.high - single.interval.low)
    calibration = rule.replace("top1", "rms_calibration_error") + 'where = { protocol = "hendrycks2019" }\n'
    measured = verdict(new, calibration)
    assert measured.clusters == 40, why(measured.missing)


@pytest.mark.parametrize("metric", ["negative_flips", "agreement"])
def test_a_metric_of_two_runs_is_over_the_clusters_of_both(metric: str, tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    mine, theirs = right(1), right(2)
    stored(new, mine)
    stored(old, theirs)
    kind = "at_most = 0.01" if metric == "negative_flips" else "at_least = 0.99"
    found = verdict(new, f'benchmark = "imagenet-val"\nmetric = "{metric}"\n{kind}\nagainst = "{old}"\n')
    ids, clusters = of_rule(mine)
    counts = (theirs & ~mine if metric == "negative_flips" else theirs == mine)[:, 0]
    variance = clusters.collapse(mean(ids, counts)).variance
    assert found.interval == pytest.approx(clustered_proportion(float(counts.mean()), variance, 400, 40))
    assert (found.outcome, found.n, found.clusters) == ("fail", 400, 40)


def test_a_baseline_has_the_columns_of_its_own_folder_which_must_agree(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    for folder, seed in ((new, 1), (old, 2)):
        stored(folder, right(seed))
    own = by_patient()
    others = np.array([*own.values["patient"][:-2], "patient 0", "patient 1"], object)
    rule = f'{TOP1}worse_by_at_most = 0.02\nagainst = "{old}"\n'
    Store.open(old).runs()[0].keep_picture_columns(own)
    assert verdict(new, rule).clusters == 40
    Store.open(old).runs()[0].keep_picture_columns(Columns(own.ids, {"patient": others}))
    found = verdict(new, rule)
    assert found.outcome == "missing"
    assert why(found.missing).startswith(
        f"the baseline {old}: patient must be the same in all runs that have a picture, and is another than in this "
        "run for 2 pictures (n/0398, n/0399); mend the column"
    )


def test_a_rule_names_a_cluster_of_its_own_and_what_is_asked_for_counts(tmp_path: Path) -> None:
    stored(tmp_path, right(0))
    columns = columns_of(400, patient=[f"p{k // 10}" for k in range(400)], scene=[f"s{k // 40}" for k in range(400)])
    rules = f'[[rules]]\n{TOP1}at_least = 0.7\n[[rules]]\n{TOP1}at_least = 0.7\ncluster = "scene"\n'
    both = hardiness.gate(tmp_path, CLUSTER + rules, columns=columns).verdicts
    assert [(each.cluster, each.clusters) for each in both] == [("patient", 40), ("scene", 10)]
    one = hardiness.gate(tmp_path, rules, columns=columns).verdicts
    assert [(each.cluster, each.clusters) for each in one] == [("", 0), ("scene", 10)]
    told = hardiness.gate(tmp_path, CLUSTER + rules, columns=columns, cluster="scene").verdicts
    assert [(each.cluster, each.clusters) for each in told] == [("scene", 10)] * 2
    with pytest.raises(ArgumentError, match=r"rule 1: cluster: no column of the pictures is called 'patiant'"):
        hardiness.gate(tmp_path, CLUSTER.replace("patient", "patiant") + rules, columns=columns)


def test_a_policys_table_lies_beside_it(tmp_path: Path) -> None:
    stored(tmp_path / "out", right(0))
    lines = [f"n/{k:04d},{k // SIZE}" for k in range(400)]
    (tmp_path / "meta.csv").write_text("\n".join(["file,who", *lines]))
    settings = '[policy]\ncluster = "patient"\ncolumns = "meta.csv:path=file,patient=who"\n'
    policy = tmp_path / "policy.toml"
    policy.write_text(f"{settings}[[rules]]\n{TOP1}at_least = 0.7\n")
    (found,) = hardiness.gate(tmp_path / "out", policy).verdicts
    assert (found.cluster, found.clusters) == ("patient", 40)


@pytest.mark.parametrize(
    ("settings", "rule", "message"),
    [
        ("cluster = 3", "", r"\[policy\]: cluster must be the name of a column, as in \"patient\", was 3"),
        ("columns = [3]", "", r"\[policy\]: columns must be a file or several"),
        ("", 'cluster = ""', "cluster must be a text, was ''"),
        ("clusters = 3", "", "unknown field 'clusters'; did you mean 'cluster'"),
    ],
)
def test_a_policy_that_cannot_be_says_how_it_reads(settings: str, rule: str, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        parse_policy(f"[policy]\n{settings}\n[[rules]]\n{TOP1}at_least = 0.5\n{rule}\n")


def test_a_run_that_was_stopped_by_pictures_says_so_of_clusters(tmp_path: Path) -> None:
    """Looks at pictures that stand alone say nothing of clusters: rules have none, scores those of a fixed number."""
    rows, classes = right(0)[:, 0], np.arange(400) // SIZE % 3
    ids = sorted(f"c{c}/{k:05d}" for k, c in enumerate(classes.tolist()))
    columns = Columns(
        np.array(ids, object), {"patient": np.array([f"p{int(each[3:]) // SIZE}" for each in ids], object)}
    )
    grouping = Grouping("patient", columns=columns)
    for name, stop in (("rules", Stop(None, 400, policy="policy.toml")), ("target", Stop(0.1, 400))):
        out = tmp_path / name
        write_own(out, rows, classes, samples=800)
        store = Store.open(out)
        store.runs()[0].keep_stop(stop)
        single, found = (verdict(out, TOP1 + "at_least = 0.1", settings, columns) for settings in ("", CLUSTER))
        assert (single.outcome, single.looked) == ("pass", name == "rules")
        (result,) = Folder.open(store, grouping=grouping).results
        value, of_picture = result.score("top1").interval, Folder.open(store).results[0].score("top1").interval
        assert value.high - value.low > 1.3 * (of_picture.high - of_picture.low)
        if name == "rules":
            assert found.outcome == "missing"
            assert "stopped where rules were decided, and looks at single pictures say nothing of clusters" in said(
                found.missing
            )
        else:
            assert (found.outcome, found.clusters) == ("pass", 40)
            assert any(
                "intervals over clusters are those of a number of pictures" in line
                for line in map(said, result.warnings)
            )
