"""Every Eval Ever and AI Verify: what is written follows their schemas, and the numbers are those of results."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from answer_rows import answer_rows
from commands import called
from sessions import session_of

import hardiness
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.result import Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.exports.exporter import registry
from hardiness.results.folder import Folder
from hardiness.results.results import published_results
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.store.store import Store

SCHEMAS = Path(__file__).parents[2] / "reference" / "schemas"

CELLS = (
    Condition(),
    *(Condition(corruption=name, severity=level) for name in ("fog", "jpeg_compression") for level in (1, 3)),
)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on 40 pictures, clean and under two corruptions, and one of them on clean pictures alone."""
    folder = tmp_path_factory.mktemp("others") / "out"
    for name, cells in (("first", 5), ("second", 5), ("second", 1)):
        is_right = np.random.default_rng(len(name) + cells).random((40, cells)) >= 0.25
        label = np.arange(40) % 4
        rows = answer_rows(np.where(is_right, label[:, None], 9), label)
        names = ("imagenet-c", "corruption") if cells > 1 else ("imagenet-val", "classification")
        run = Run(
            ModelIdentity(name, "beef" * 16),
            BenchmarkIdentity(*names, "hendrycks2019" if cells > 1 else "orhan2019"),
            DataIdentity("imagenet", "f00d00", 40),
            conditions=CELLS[:cells],
        )
        stored = Store.create(folder).run(run, Plan(whole=tuple(range(cells))))
        stored.write(0, list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True)), Records(rows))
        stored.add_measured(session_of(40 * cells, "2026-11-01T10:00:00.000+00:00", elapsed_s=2.5))
    return folder


def lines(out: Path, form: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in str(hardiness.export(out, form)).splitlines()]


def faults(name: str, document: Any) -> list[str]:
    schema = json.loads((SCHEMAS / name).read_text())
    validator = jsonschema.validators.validator_for(schema)(schema)
    return [error.message for error in validator.iter_errors(document)]


def test_each_model_is_a_record_of_every_eval_ever_with_uncertainty(out: Path) -> None:
    records = lines(out, "every-eval-ever")
    assert [record["model_info"]["id"] for record in records] == ["first", "second"]
    results = Folder.open(Store.open(out)).results
    for record in records:
        assert faults("every_eval_ever.eval.schema.json", record) == []
        assert record["schema_version"] == "0.3.0"
        assert record["retrieved_timestamp"] == "1793527200"
        own = [result for result in results if result.model == record["model_info"]["id"]]
        scores = [score for result in own for score in result.scores if score.value is not None]
        entries = record["evaluation_results"]
        assert [each["score_details"]["score"] for each in entries] == [score.value for score in scores]
        assert len({each["evaluation_result_id"] for each in entries}) == len(entries)
        for score, entry in zip(scores, entries, strict=True):
            uncertainty = entry["score_details"]["uncertainty"]
            assert uncertainty["num_samples"] == score.n
            ends = uncertainty.get("confidence_interval")
            assert (ends is None) == (score.interval is None)
            if score.interval and ends:
                assert (ends["lower"], ends["upper"]) == (score.interval.low, score.interval.high)
                assert ends["confidence_level"] == 0.95
            assert entry["metric_config"]["lower_is_better"] == (not score.higher_is_better)
            details = entry["score_details"]["details"], entry["source_data"]["additional_details"]
            assert all(isinstance(value, str) for each in details for value in each.values())
    assert any("confidence_interval" in e["score_details"]["uncertainty"] for e in records[0]["evaluation_results"])
    broken = {**records[0], "evaluation_results": [{**records[0]["evaluation_results"][0], "score_details": {}}]}
    assert faults("every_eval_ever.eval.schema.json", broken), "the schema refuses something"


def test_a_standard_error_is_the_one_that_an_interval_was_made_of(out: Path) -> None:
    """Of a share of n pictures it is the root of p (1 - p) / (n - 1); of a score by estimate it is its variance's."""
    (record, _) = lines(out, "every-eval-ever")
    uncertainties = {
        each["metric_config"]["metric_id"]: (each["score_details"]["score"], each["score_details"]["uncertainty"])
        for each in record["evaluation_results"]
    }
    share, uncertainty = uncertainties["clean_error"]
    assert uncertainty["standard_error"]["value"] == pytest.approx(np.sqrt(share * (1 - share) / 39))
    assert "standard_error" in uncertainties["mean_error"][1]
    estimate = Estimate(0.4, np.arange(50), np.where(np.arange(50) % 5 < 2, 0.6, -0.4) * 1.5)
    spreads = estimate.spread(0, 1), estimate.spread(-1, 3), estimate.spread(), estimate.spread(-1, 1, signed=True)
    assert [spread.error for spread in spreads] == pytest.approx([estimate.error] * 4)
    assert TwoEnds(0.5, 0.4, 0.6).error is None
    assert ShareOfImages(20, 20).error is None, "nothing varied"


def test_nothing_is_made_up_for_what_nobody_stated(out: Path) -> None:
    (record, _) = lines(out, "every-eval-ever")
    assert record["source_metadata"]["source_organization_name"] == "not stated"
    assert record["source_metadata"]["evaluator_relationship"] == "other"
    assert record["model_info"]["additional_details"]["model_availability"] == "unknown"
    assert "developer" not in record["model_info"]


def test_each_picture_under_each_condition_is_a_sample_of_its_score(out: Path) -> None:
    samples = lines(out, "every-eval-ever-samples")
    assert len(samples) == 40 * (5 + 5 + 1)
    assert all(faults("every_eval_ever.instance_level_eval.schema.json", each) == [] for each in samples[::7])
    records = lines(out, "every-eval-ever")
    by_id = {e["evaluation_result_id"]: e for record in records for e in record["evaluation_results"]}
    identities = {record["evaluation_id"] for record in records}
    assert {each["evaluation_id"] for each in samples} == identities
    shares: dict[str, list[float]] = {}
    for each in samples:
        shares.setdefault(each["evaluation_result_id"], []).append(each["evaluation"]["score"])
        assert each["evaluation"]["is_correct"] == (each["output"]["raw"] == each["input"]["reference"])
    assert len(shares) == 11, "a score for each condition of each run"
    for identity, rights in shares.items():
        entry = by_id[identity]
        right = 1 - entry["score_details"]["score"] if entry["metric_config"]["lower_is_better"] else None
        share = entry["score_details"]["score"] if right is None else right
        assert np.mean(rights) == pytest.approx(share)


def test_pictures_at_a_single_level_are_samples_of_its_score(out: Path, tmp_path: Path) -> None:
    shutil.copytree(out, tmp_path / "out")
    store = Store.open(tmp_path / "out")
    (beside,) = (run.run for run in store.runs() if run.run.model.name == "first")
    level = Condition(corruption="jpeg_compression", level="quality=20")
    options = {**beside.benchmark.options, "cell": "jpeg_compression/quality=20"}
    run = replace(beside, benchmark=replace(beside.benchmark, options=options), conditions=(level,))
    label = np.arange(40) % 4
    rows = answer_rows(np.where(label > 0, label, 9)[:, None], label)
    stored = store.run(run, Plan(whole=(0,)))
    stored.write(0, list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True)), Records(rows))
    samples = [each for each in lines(tmp_path / "out", "every-eval-ever-samples") if "level" in each["metadata"]]
    assert len(samples) == 40
    (identity,) = {each["evaluation_result_id"] for each in samples}
    by_id = {
        each["evaluation_result_id"]: each
        for record in lines(tmp_path / "out", "every-eval-ever")
        for each in record["evaluation_results"]
    }
    assert by_id[identity]["score_details"]["score"] == pytest.approx(0.25)
    assert sum(each["evaluation"]["is_correct"] for each in samples) == 30


def test_samples_need_the_rows(out: Path) -> None:
    with pytest.raises(ArgumentError, match="needs the folder of an evaluation whose rows have answers"):
        hardiness.export(Folder.open(Store.open(out)).results, "every-eval-ever-samples")


def test_a_test_result_of_ai_verify_has_its_fields_and_its_output_follows_their_schema(out: Path) -> None:
    documents = lines(out, "aiverify")
    assert len(documents) == 2, "a line for each run of corruptions"
    for document in documents:
        assert faults("aiverify.testresult.schema.json", document) == []
        assert faults("aiverify_blur_corruptions.output.schema.json", document["output"]) == []
        assert list(document) == ["gid", "cid", "version", "startTime", "timeTaken", "testArguments", "output"]
        assert (document["gid"], document["cid"]) == ("hardiness", "imagenet-c")
        assert (document["startTime"], document["timeTaken"]) == ("2026-11-01T10:00:00+00:00", 2.5)
        assert {"testDataset", "mode", "modelType", "algorithmArgs", "modelFile"} == document["testArguments"].keys()
        assert document["testArguments"]["testDataset"] == "urn:hardiness:data:imagenet:f00d00"
        assert document["testArguments"]["modelType"] == "classification"
    (fog, jpeg) = documents[0]["output"]["results"]
    result = next(result for result in Folder.open(Store.open(out)).results if result.model == "first")
    assert (fog["corruption_function"], jpeg["corruption_function"]) == ("fog", "jpeg_compression")
    assert list(jpeg["accuracy"]) == ["severity0", "severity1", "severity3"]
    error = result.score("error", corruption="jpeg_compression", severity=3).value
    assert error is not None
    assert jpeg["accuracy"]["severity3"] == pytest.approx(1 - error)
    assert jpeg["parameter"]["severity3"] == {"quality": 15}
    broken = {"results": [{**fog, "accuracy": {"severity1": "high"}, "corruption_group": 3}]}
    assert faults("aiverify_blur_corruptions.output.schema.json", broken)


@pytest.mark.slow
@pytest.mark.parametrize("form", ["every-eval-ever", "aiverify"])
def test_where_there_is_nothing_to_write_it_is_said(form: str) -> None:
    with pytest.raises(ArgumentError, match=f"{form} needs a "):
        registry.get(form).write(published_results())


@pytest.mark.parametrize("form", ["every-eval-ever", "every-eval-ever-samples", "aiverify"])
def test_the_same_folder_gives_the_same_bytes_by_command_and_in_python(
    out: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(out, tmp_path / "copy")
    assert called(monkeypatch, "export", str(tmp_path / "copy"), "--format", form, "--to", str(tmp_path / "x")) == 0
    assert (tmp_path / "x").read_text() == hardiness.export(out, form)


def test_a_number_that_is_not_finite_is_left_out(out: Path) -> None:
    (result, *_) = Folder.open(Store.open(out)).results
    scores: list[Score] = [replace(result.scores[0], value=float("inf"), lack=None), *result.scores[1:2]]
    changed: Result = replace(result, scores=scores)
    (record,) = map(json.loads, registry.get("every-eval-ever").write([changed]).decode().splitlines())
    assert len(record["evaluation_results"]) == len([score for score in result.scores[1:2] if score.value is not None])
