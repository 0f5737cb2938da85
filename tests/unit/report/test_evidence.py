"""The evidence file: its schema, what it says of order, people, attackers and limits, and that it holds no machine."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from answer_rows import answer_rows
from commands import called

import hardiness
from hardiness import attacks
from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import CheckOutcome, Fact, Trust, error_of
from hardiness.core.forms import from_json
from hardiness.core.result import ClustersOfResult, Counts, Metric
from hardiness.core.run import BenchmarkIdentity, DataIdentity, InputIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.table import Records
from hardiness.reference.attackers import assumptions
from hardiness.reference.evidence_clauses import clause_table
from hardiness.reference.files import reference_file
from hardiness.reference.limits import limits
from hardiness.report.evidence.about import EXAMPLE, read_about
from hardiness.report.evidence.limits import APPLIES, limits_of
from hardiness.report.evidence.page import caveats_of, evidence_page
from hardiness.report.evidence.portable import portable
from hardiness.report.evidence.record import SECTIONS, EvidenceRecord
from hardiness.report.evidence.writing import EvidenceSources, evidence_json, evidence_record
from hardiness.results.folder import Folder
from hardiness.store.store import Store

CELLS = (Condition(), *(Condition(corruption="fog", severity=level) for level in (1, 3)))
POLICY = '[[rules]]\nname = "clean"\nbenchmark = "imagenet-val"\nmetric = "top1"\nat_least = 0.5\n'
DIGEST = hashlib.sha256(POLICY.encode()).hexdigest()


def stored(
    out: Path, name: str, cells: int = 1, policies: tuple[str, ...] = ("",), error: float = 0.2, **changed: Any
) -> None:
    """A run of 60 pictures with sessions that began with policies of these digests, "" for none."""
    is_right = np.random.default_rng(len(name)).random((60, cells)) >= error
    label = np.arange(60) % 4
    rows = answer_rows(np.where(is_right, label[:, None], 9), label)
    benchmark = ("imagenet-c", "corruption") if cells > 1 else ("imagenet-val", "classification")
    run = Run(
        ModelIdentity(name, hashlib.sha256(name.encode()).hexdigest()),
        BenchmarkIdentity(*benchmark, "hendrycks2019" if cells > 1 else "orhan2019"),
        DataIdentity("imagenet", "f00d00", 60),
        conditions=CELLS[:cells],
    )
    run = replace(run, **changed)
    folder = Store.create(out).run(run, Plan(whole=tuple(range(cells))))
    folder.write(0, list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True)), Records(rows))
    for number, policy in enumerate(policies):
        session = {
            "started": f"2026-11-0{number + 1}T10:00:00.000+00:00",
            "rows": 30,
            "host": "a-machine",
            "limit": None,
            "asked": {"model": name, "benchmark": run.benchmark.name, "data": ["imagenet=/secret/folder/imagenet"]},
            "packages": {"hardiness": "0.2.0", "torch": "2.13.0"},
            "python": "3.11.7",
        }
        named = {"policy": {"name": "policy.toml", "sha256": policy}} if policy else {}
        folder.add_measured({**session, **named})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models on clean and on corrupted pictures, judged by a policy that stood before the clean ones of one."""
    folder = tmp_path_factory.mktemp("evidence")
    for name, digest in (("first", DIGEST), ("second", "")):
        stored(folder / "out", name, policies=(digest,))
        stored(folder / "out", name, 3, policies=(digest,))
    (folder / "policy.toml").write_text(POLICY)
    (folder / "about.toml").write_text(EXAMPLE)
    hardiness.gate(folder / "out", folder / "policy.toml")
    hardiness.write_evidence(folder / "out", folder / "filed", about=folder / "about.toml")
    return folder


def page_of(record: EvidenceRecord) -> str:
    """The page of a record."""
    return evidence_page(record, evidence_json(record))


def record_of(folder: Path) -> EvidenceRecord:
    """The record of the fixture's evidence, as it is read back."""
    return from_json(EvidenceRecord, evidence_of(folder / "filed"), "evidence.json")


def evidence_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "evidence.json").read_text())
    return content


@pytest.fixture(scope="module")
def evidence(made: Path) -> dict[str, Any]:
    """The JSON of the fixture's evidence."""
    return evidence_of(made / "filed")


def test_the_file_follows_the_schema_that_lies_beside_it_and_in_the_package(
    made: Path, evidence: dict[str, Any]
) -> None:
    schema = json.loads((made / "filed" / evidence["$schema"]).read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(evidence)] == []
    for wrong in ({**evidence, "more": 1}, {k: v for k, v in evidence.items() if k != "gates"}):
        assert list(validator.iter_errors(wrong))
    evidence["runs"][0]["seed"], seed = "0", evidence["runs"][0]["seed"]
    assert list(validator.iter_errors(evidence))
    evidence["runs"][0]["seed"] = seed
    documents = Path(hardiness.__file__).parents[2] / "docs" / "evidence.schema.json"
    assert reference_file("evidence.schema.json").read_bytes() == documents.read_bytes()


def test_the_same_folder_gives_the_same_bytes_wherever_it_lies(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made / "out", tmp_path / "copy", copy_function=shutil.copyfile)  # times of files are others
    shutil.copy(made / "about.toml", tmp_path)
    hardiness.write_evidence(tmp_path / "copy", tmp_path / "filed", about=tmp_path / "about.toml")
    for name in ("evidence.json", "evidence.html", "evidence.schema.json"):
        assert (tmp_path / "filed" / name).read_bytes() == (made / "filed" / name).read_bytes(), name
    assert sorted(file.name for file in (tmp_path / "filed").iterdir()) == [
        "evidence.html", "evidence.json", "evidence.schema.json",
    ]  # fmt: skip


def test_it_names_no_machine_and_no_folder(made: Path, evidence: dict[str, Any]) -> None:
    text = "".join((made / "filed" / name).read_text() for name in ("evidence.json", "evidence.html"))
    for secret in (str(made), "/secret", "a-machine", platform.node() + "-"):
        assert secret not in text, secret
    command = evidence["runs"][0]["commands"][0]
    assert command == "hardiness run -m first -b imagenet-val --data imagenet=…/imagenet"
    (result, *_) = Folder.open(Store.open(made / "out")).results
    odd = replace(
        result, model="py:/home/somebody/net.py:build", warnings=(error_of(ArgumentError("see /home/somebody/x")),)
    )
    content = evidence_json(evidence_record(EvidenceSources([odd])))
    assert b"somebody" not in content
    assert b"py:\\u2026/net.py:build" in content


def test_the_page_shows_what_the_json_holds_and_begins_with_models_and_verdict(made: Path) -> None:
    content = (made / "filed" / "evidence.json").read_bytes()
    page = (made / "filed" / "evidence.html").read_text()
    assert page == evidence_page(from_json(EvidenceRecord, json.loads(content), "evidence.json"), content)
    first = re.sub(r"<[^>]+>", " ", page.partition("</header>")[0].partition("<body>")[2])
    first = " ".join(first.split())
    filed = "Filed, of 2 models: first pass · second pass The gate passes: all 2 rules hold."
    assert first.startswith(f"Evidence of robustness, QA-2026-014 Tile sorter 3.2 {filed}")
    assert "Nothing shows that the policy stood before these rows." in first
    statements = ("Sorts tiles by surface defect", "A. Example")
    for text in (*statements, "Signature", "Nothing here is about any attack or group"):
        assert text in first, text
    assert hashlib.sha256(content).hexdigest() in page
    assert page.count("no claim of conformity") >= 2
    assert "clean_<wbr>error" in page
    assert "<script" not in page
    assert not re.search(r"\b(src|href)=.https?:|@import|url\(", page), "nothing is loaded"


def test_one_that_is_left_out_of_the_first_sheet_is_no_several(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FRONT_BLOCKS", "FRONT_ROWS"):
        monkeypatch.setattr(f"hardiness.report.evidence.page.{name}", 1)
    page = page_of(record_of(made))
    assert "The first of 2 benchmarks; section 4 has all." in page
    assert "and 1 more model in section 4" in page


def test_the_first_sheet_says_first_which_model_is_filed_and_whether_it_passed(tmp_path: Path) -> None:
    for name, error in (("good", 0.1), ("bad", 0.9)):
        stored(tmp_path / "out", name, error=error)
    hardiness.gate(tmp_path / "out", POLICY)
    about = tmp_path / "about.toml"
    for named, told in (
        ("", "Filed, of 2 models: bad fail · good pass The gate fails: of 2 rules 1 fails."),
        ("good", "Filed: good pass The gate passes: its rule holds."),
        ("bad", "Filed: bad fail The gate fails: of 1 rule 1 fails."),
    ):
        about.write_text(f'[system]\nname = "Sorter"\nmodel = "{named}"\n')
        hardiness.write_evidence(tmp_path / "out", tmp_path / "filed", about=about)
        page = (tmp_path / "filed" / "evidence.html").read_text()
        first = " ".join(re.sub(r"<[^>]+>", " ", page.partition("<h1>")[2]).split())
        assert first.startswith(f"Sorter {told}")
        verdicts = re.findall(r'class="outcome (\w+)"', page.partition("</header>")[0])
        assert verdicts == (["pass", "fail"] if named == "good" else ["fail", "pass"])
    about.write_text('[system]\nmodel = "god"\n')
    with pytest.raises(ArgumentError, match="no model 'god' was evaluated; did you mean 'good'"):
        hardiness.write_evidence(tmp_path / "out", tmp_path / "other", about=about)
    assert not (tmp_path / "other").exists()


def test_what_is_not_stated_is_said_so_and_not_made_up(made: Path, tmp_path: Path) -> None:
    hardiness.write_evidence(made / "out", tmp_path)
    about = evidence_of(tmp_path)["about"]
    assert about["source"] is None
    assert {*about["system"].values(), *about["data"].values(), *about["responsible"].values()} == {None}
    page = (tmp_path / "evidence.html").read_text()
    assert "Not stated: intended use, domain, who is responsible, date, provenance of the pictures." in page
    assert page.count('<i class="unstated">not stated</i>') > 15


def test_statements_are_read_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "about.toml"
    file.write_text('date = 2026-11-30\n[system]\nname = " A <b>system</b> "\ndomain = ""\n')
    about = read_about(file)
    assert (about.date, about.system.name, about.system.domain) == ("2026-11-30", "A <b>system</b>", None)
    assert about.source is not None
    assert about.source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    long = replace(about, system=replace(about.system, intended_use="long " * 99))
    first = page_of(evidence_record(EvidenceSources((), about=long))).partition("</header>")
    assert ("long " * 99).strip() in first[2], "section 1 has all of it"
    page = page_of(evidence_record(EvidenceSources((), about=about)))
    assert "A &lt;b&gt;system&lt;/b&gt;" in page
    assert "<b>system" not in page


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[sytem]\nname = "x"', "unknown field 'sytem'; did you mean 'system'"),
        ('[system]\nintended = "x"', r"\[system\]: unknown field 'intended'; did you mean 'intended_use'"),
        ("[system]\nname = 3", r"\[system\]: name must be a text, was 3"),
        ("date = 20261130", "date must be a text, or a date, was 20261130"),
        ('system = "x"', r"\[system\] must be a table, was 'x'"),
        ("[system", "must be TOML, and is not"),
    ],
)
def test_a_wrong_statement_is_one_line_and_nothing_is_written(
    made: Path, tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "about.toml").write_text(text)
    with pytest.raises(ArgumentError, match=message) as error:
        hardiness.write_evidence(made / "out", tmp_path / "filed", about=tmp_path / "about.toml")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "filed").exists()


def ordered(tmp_path: Path, *policies: str) -> dict[str, Any]:
    """The gate of a file whose run had sessions that began with policies of these digests."""
    stored(tmp_path / "out", "model", policies=policies)
    hardiness.gate(tmp_path / "out", POLICY)
    hardiness.write_evidence(tmp_path / "out", tmp_path / "filed")
    (gate,) = evidence_of(tmp_path / "filed")["gates"]
    return dict(gate)


@pytest.mark.parametrize(
    ("policies", "order", "with_policy", "others"),
    [
        ((DIGEST, DIGEST), "before all rows", 2, []),
        (("", DIGEST), "before some rows", 1, []),
        (("0" * 64,), "another policy", 0, ["0" * 64]),
        (("",), "not shown", 0, []),
    ],
)
def test_only_the_digest_with_every_session_shows_that_goals_stood_before(
    tmp_path: Path, policies: tuple[str, ...], order: str, with_policy: int, others: list[str]
) -> None:
    goals = ordered(tmp_path, *policies)
    (run,) = goals["runs"]
    assert (goals["order"], goals["gate"]["policy_sha256"]) == (order, DIGEST)
    assert (run["with_policy"], run["sessions"], run["other_policies"]) == (with_policy, len(policies), others)
    assert (order == "not shown") == ("Dates of files prove nothing" in goals["statement"])
    assert [verdict["rule"]["name"] for verdict in goals["gate"]["verdicts"]] == ["clean"]


def test_rows_of_single_levels_that_had_no_policy_are_not_said_to_have_had_one(tmp_path: Path) -> None:
    level = Condition(corruption="jpeg_compression", level="quality=20")
    cells = {
        "conditions": (level,),
        "benchmark": BenchmarkIdentity(
            "imagenet-c", "corruption", "hendrycks2019", {"cell": "jpeg_compression/quality=20", "jpeg": False}
        ),
    }
    rule = '[[rules]]\nbenchmark = "imagenet-c"\nmetric = "error"\nwhere = { corruption = "fog" }\nat_most = 0.5\n'
    digest = hashlib.sha256(rule.encode()).hexdigest()
    stored(tmp_path / "out", "net", 3, policies=(digest,))
    stored(tmp_path / "out", "net", policies=("",), **cells)
    hardiness.gate(tmp_path / "out", rule)
    hardiness.write_evidence(tmp_path / "out", tmp_path / "filed")
    content = evidence_of(tmp_path / "filed")
    (run,) = content["runs"]
    (companion,) = run["companions"]
    assert companion["part"] == "jpeg compression, quality=20"
    assert companion["commands"]
    ((goals,),) = [gate["runs"] for gate in content["gates"]]
    assert (goals["order"], goals["with_policy"], goals["sessions"]) == ("before some rows", 1, 2)
    page = (tmp_path / "filed" / "evidence.html").read_text()
    assert companion["key"] in page
    jsonschema.validate(content, json.loads(reference_file("evidence.schema.json").read_text()))


def test_of_several_runs_the_least_is_said_of_all(evidence: dict[str, Any]) -> None:
    (goals,) = evidence["gates"]
    orders = {run["model"]: run["order"] for run in goals["runs"]}
    assert orders == {"first": "before all rows", "second": "not shown"}
    assert goals["order"] == "not shown"


def test_without_a_policy_nothing_is_judged(tmp_path: Path) -> None:
    stored(tmp_path / "out", "model")
    hardiness.write_evidence(tmp_path / "out", tmp_path / "filed")
    found = evidence_of(tmp_path / "filed")
    assert found["gates"] == []
    assert found["goals_note"].startswith("No policy was asked of these rows")
    assert "Nothing is judged: no policy was asked" in (tmp_path / "filed" / "evidence.html").read_text()


def test_numbers_are_those_of_results(made: Path, evidence: dict[str, Any]) -> None:
    by_key = {result.key: result for result in Folder.open(Store.open(made / "out")).results}
    assert len(evidence["runs"]) == len(by_key) == 4
    for run in evidence["runs"]:
        scores = by_key[run["key"]].scores
        assert [score["value"] for score in run["scores"]] == [score.value for score in scores]
        assert [score["n"] for score in run["scores"]] == [score.n for score in scores]
        ends = [[score.interval.low, score.interval.high] if score.interval else None for score in scores]
        assert [score["interval"] for score in run["scores"]] == ends
    spreads = [score["spread"] for run in evidence["runs"] for score in run["scores"] if score["spread"]]
    assert {spread["kind"] for spread in spreads} <= evidence["intervals"].keys()
    assert all(definition for definition, _ in evidence["intervals"].values())
    definitions = {each["name"]: each["definition"] for each in evidence["metrics"]}
    assert definitions["top1"] == "the share of photographs whose first answer is the label."
    (comparison,) = (each for each in evidence["comparisons"] if each["metric"] == "top1")
    assert [(pair["first"], pair["second"]) for pair in comparison["pairs"]] == [("first", "second")]


def test_severities_stand_with_the_numbers_behind_them_and_their_units(evidence: dict[str, Any]) -> None:
    (fog,) = evidence["perturbations"]
    assert (fog["name"], list(fog["levels"])) == ("fog", ["severity=1", "severity=3"])
    strengths = [level[0] for level in fog["levels"].values()]
    assert [(each["name"], each["value"]) for each in strengths] == [("strength", 1.5), ("strength", 2.5)]
    assert fog["version"] >= 1
    assert fog["note"] == ""


def test_what_is_not_known_of_a_perturbation_is_said(made: Path) -> None:
    cells = (Condition(), Condition(corruption="mine", severity=2), Condition(setting="iso 800"))
    (result, *_) = Folder.open(Store.open(made / "out")).results
    record = evidence_record(EvidenceSources([replace(result, scores=(), run=replace(result.run, conditions=cells))]))
    notes = {each.name: each.note for each in record.perturbations}
    assert "its code is not registered here" in notes["mine"]
    assert "how they were made is not known" in notes["iso 800"]


def test_of_a_model_that_was_run_elsewhere_no_weights_view_or_command_are_stated(made: Path) -> None:
    """A condition that a file of scores calls fog is not ours: nothing is said of its parameters."""
    results = [result for result in Folder.open(Store.open(made / "out")).results if result.benchmark == "imagenet-c"]
    (result, *_) = results
    model = replace(result.run.model, options={"predictions": "score"}, outputs="scores")
    record = evidence_record(EvidenceSources([replace(result, run=replace(result.run, model=model))]))
    (shown,) = record.models
    assert (shown.weights_sha256, shown.view, shown.answers_sha256) == (None, None, model.weights_sha256)
    assert record.runs[0].commands == ()
    (fog,) = record.perturbations
    assert "named so by a file of scores" in fog.note
    assert list(fog.levels.values()) == [(), ()]
    page = page_of(record)
    assert "run elsewhere: answers" in page
    assert "answers were read from a file" in page
    assert "fingerprint" not in record.limits, "no file of a picture was looked at"
    answers = {(each.source, each.clause): each.answer for each in record.clauses.clauses}
    assert answers["ISO/IEC TR 24029-1", "Annex A"] == "no", "no number of a perturbation is known"
    (session,) = result.measured["sessions"]
    elsewhere = {"sessions": [{**session, "device": "elsewhere", "device_name": "a chip", "runtime": "elsewhere"}]}
    read = replace(result, measured=elsewhere)
    for each, shown_on in (
        (read, "elsewhere a chip"),
        (replace(read, run=replace(read.run, model=model)), "elsewhere"),
    ):
        page = page_of(evidence_record(EvidenceSources([each])))
        assert f"<dt>Computed on</dt><dd>{shown_on}</dd>" in page


def test_of_a_function_that_takes_files_no_view_and_no_weights_are_stated(made: Path) -> None:
    """The hash of a function's identity is that of its code or, where it has one, of its tag."""
    (result, *_) = Folder.open(Store.open(made / "out")).results
    model = replace(result.run.model, options={"takes": "encoded", "tag": "1"}, weights_sha256="ab", code_sha256="ab")
    run = replace(result.run, model=model, input=InputIdentity("whole"))
    record = evidence_record(EvidenceSources([replace(result, run=run)]))
    (shown,) = record.models
    assert (shown.weights_sha256, shown.view, shown.precision, shown.code_sha256) == (None, None, None, "ab")
    page = page_of(record)
    assert "its tag, in place of its code, <code>ab</code>" in page
    assert "it takes pictures whole" in page


def test_of_a_chat_model_neither_weights_nor_arithmetic_are_stated(made: Path) -> None:
    (result, *_) = Folder.open(Store.open(made / "out")).results
    model = replace(result.run.model, outputs="answers")
    (shown,) = evidence_record(EvidenceSources([replace(result, run=replace(result.run, model=model))])).models
    assert (shown.weights_sha256, shown.precision) == (None, None)
    assert shown.view is not None
    assert set(shown.view) == {"resize_px", "crop_px", "interpolation", "crop_mode"}


def test_errors_at_levels_and_their_limit_are_printed_however_many_levels_there_are(made: Path) -> None:
    (result, *_) = (each for each in Folder.open(Store.open(made / "out")).results if each.benchmark == "imagenet-c")
    jpeg = [Condition(corruption="jpeg_compression", level=f"quality={quality}") for quality in range(5, 100, 5)]
    error, limit = Metric("error", higher_is_better=False), Metric("operating_limit", unit="quality")
    of_limit = limit.score(35.0, 60, condition=Condition(corruption="jpeg_compression", above=0.9))
    scores = [*(error.score(0.3, 60, condition=level) for level in reversed(jpeg)), of_limit]
    page = page_of(evidence_record(EvidenceSources([replace(result, scores=tuple(scores))])))
    text = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    places = [text.index(f"error, jpeg compression, quality={quality}, %") for quality in range(5, 100, 5)]
    assert places == sorted(places)
    assert "operating limit, jpeg compression, accuracy from 90 %, quality" in text
    tables = re.findall(r'<table class="perturbations">.*?</thead>', page, re.DOTALL)
    assert [table.count('<th class="n">quality ') for table in tables] == [8, 8, 3]


def test_verdicts_that_count_no_clusters_are_told_from_results_that_do(made: Path) -> None:
    record = record_of(made)
    assert not any("each picture for itself" in caveat for caveat in caveats_of(record))
    (kept,) = record.gates
    verdict, *_ = kept.gate.verdicts
    assert verdict.run is not None
    runs = tuple(
        replace(run, scores=(replace(run.scores[0], clusters=12), *run.scores[1:]))
        if run.key == verdict.run.key
        else run
        for run in record.runs
    )
    clustered = replace(record, runs=runs)
    assert any("Intervals of verdicts take each picture for itself" in caveat for caveat in caveats_of(clustered))
    other = replace(verdict, run=replace(verdict.run, key="other"), clusters=12)
    gate = replace(kept, gate=replace(kept.gate, verdicts=(*kept.gate.verdicts, other)))
    line = "Intervals of some verdicts take each picture for itself, as their rules name no cluster; results do not."
    assert line in list(caveats_of(replace(clustered, gates=(gate,))))


def test_every_attack_of_the_package_has_its_assumptions() -> None:
    shipped = {name for name in attacks.registry.names() if name in assumptions()}
    assert shipped == assumptions().keys()
    for name, each in assumptions().items():
        assert (each.knowledge == "white-box") == attacks.needs_gradients(name), name
    unlisted = {name for name in attacks.registry.names() if name not in assumptions()}
    assert all(not type(attacks.registry.get(name)).__module__.startswith("hardiness.") for name in unlisted), unlisted


@pytest.mark.parametrize(
    ("attack", "surrogate", "targeted", "knowledge", "goal"),
    [
        ("pgd", "", False, "white-box", "integrity violation: any class but the right one"),
        ("square", "", True, "black-box", "integrity violation: a chosen class"),
        ("pgd", "other", False, "black-box, by transfer", "integrity violation: any class but the right one"),
        ("strange", "", False, "not stated: its code is not registered here", "integrity violation: any class"),
    ],
)
def test_an_attacker_is_named_in_the_terms_of_its_taxonomy_with_its_checks(
    made: Path, attack: str, surrogate: str, targeted: bool, knowledge: str, goal: str
) -> None:
    (result, *_) = Folder.open(Store.open(made / "out")).results
    mark = Condition(epsilon=8 / 255, steps=10)
    must_break = Round(attack, "linf", 1.0, {10: Condition(epsilon=1.0, steps=10, group="must break")})
    rounds = (Round(attack, "linf", 8 / 255, {10: mark}, targeted=targeted), must_break)
    run = replace(result.run, attack=rounds, surrogate=Surrogate(surrogate, "") if surrogate else None)
    findings = [
        Fact("package.memory", {"file": "/a/b/c."}, outcome=CheckOutcome.NOT_RUN),
        Fact("package.holds", outcome=CheckOutcome.CLEAR, trust=Trust.BELIEVED),
    ]
    record = evidence_record(EvidenceSources([replace(result, run=run, findings=findings)]))
    assert b"/a/b" not in evidence_json(record)
    (attacker,) = record.attackers
    assert attacker.terms == "NIST AI 100-2e2025"
    line = "Terms of NIST AI 100-2e2025. Read: the terms alone: the text was not read."
    assert line in page_of(record)
    assert (attacker.knowledge, attacker.surrogate) == (knowledge, surrogate or None)
    assert attacker.goal.startswith(goal)
    assert ("query access" in attacker.capability) == (attack == "square" or bool(surrogate))
    (budget,) = attacker.budgets
    assert budget == rounds[0]
    assert attacker.units == {"linf": "in units of the [0, 1] range"}
    assert "linf at 8/255 (in units of the [0, 1] range), 10 steps" in page_of(record)
    (checks,) = attacker.checks
    assert checks.model == result.name
    assert checks.findings == (replace(findings[0], arguments={"file": "…/c."}), findings[1])
    page = page_of(record)
    assert '<tr><th>package.memory</th><td class="not-run">not run</td></tr>' in page
    assert "package.holds: believed" in page
    assert {"attack", "memory"} <= record.limits.keys()


def test_limits_are_those_of_the_page_that_apply(made: Path, evidence: dict[str, Any]) -> None:
    page = (Path(hardiness.__file__).parents[2] / "docs" / "limits.md").read_text()
    for limit in limits():
        assert " ".join(limit.text.split()) in " ".join(page.split()), limit.id
    assert {limit.when for limit in limits()} == APPLIES.keys()
    named = evidence["limits"].keys()
    assert {"scope", "imagenet", "independence", "fingerprint"} <= set(named)
    assert not {"demo", "attack", "memory"} & set(named)
    (result, *_) = Folder.open(Store.open(made / "out")).results
    demo = replace(result, run=replace(result.run, data=DataIdentity("embedded", "", 99)))
    assert "demo" in limits_of([demo])
    clustered = replace(result, clusters=ClustersOfResult("patient", 20, 60))
    begun = replace(result, counts=Counts(60, 0, 0, 0))
    assert "independence" not in limits_of([clustered, begun])
    (kept,) = record_of(made).gates
    (verdict, *_) = kept.gate.verdicts
    assert "independence" in limits_of([clustered], [verdict])
    assert "independence" not in limits_of([clustered], [replace(verdict, clusters=20)])
    assert not re.search(r"\]\(|`|\*", "".join(evidence["limits"].values()))


def test_clauses_point_at_sections_that_are_there_and_filled(made: Path, evidence: dict[str, Any]) -> None:
    table = clause_table()
    assert {each.source for each in table.clauses} == {each.id for each in table.sources}
    assert len({(each.source, each.clause) for each in table.clauses}) == len(table.clauses)
    assert all(set(each.sections) <= SECTIONS.keys() for each in table.clauses)
    found = {(each["source"], each["clause"]): each for each in evidence["clauses"]["clauses"]}
    assert len(found) == len(table.clauses)
    assert found["ISO/IEC TR 24029-1", "5.2.3"]["answer"] == "yes"
    attackers = found["AI Act", "Art. 15(5)"]
    assert (attackers["answer"], attackers["empty_here"]) == ("in part", ["attackers"])
    assert found["NIST AI RMF", "MEASURE 2.11"]["answer"] == "no", "no groups were asked for"
    assert found["AI Verify", "6.5.2"]["answer"] == "no"
    assert "no claim of conformity" in evidence["clauses"]["statement"]
    read = {each["id"]: each["read"] for each in evidence["clauses"]["sources"]}
    assert read["ISO/IEC TR 24029-1"] == "contents alone: the text was not read"
    assert all("the text was not read" in read[source] for source in ("AI Act", "NIST AI RMF"))
    page = (made / "filed" / "evidence.html").read_text()
    for each in found.values():
        assert each["read"] == read[each["source"]], "each row says so by itself"
        assert f"<small>Read: {each['read']}</small>" in page
        assert each["answered_in"] == [name for name in SECTIONS if name in each["answered_in"]], "as the page has them"


def test_what_changed_since_an_earlier_file_is_said(made: Path, tmp_path: Path) -> None:
    stored(tmp_path / "out", "first", policies=(DIGEST,))
    changed = ModelIdentity("second", "beef" * 16)
    stored(tmp_path / "out", "second", error=0.7, model=changed, data=DataIdentity("imagenet", "cafe00", 60))
    hardiness.gate(tmp_path / "out", POLICY + "# stricter\n")
    for since in (made / "filed", made / "filed" / "evidence.json"):
        hardiness.write_evidence(tmp_path / "out", tmp_path / "filed", since=since)
        changes = evidence_of(tmp_path / "filed")["changes"]
        content = (made / "filed" / "evidence.json").read_bytes()
        assert changes["since"] == {"name": "evidence.json", "sha256": hashlib.sha256(content).hexdigest()}
        assert changes["since_date"] == "2026-11-30"
        models = {each["what"]: (each["kind"], each["after"]) for each in changes["models"]}
        assert models.keys() == {"second"}
        assert models["second"][0] == "changed"
        assert "weights beefbeefbeefbeef" in models["second"][1]
        assert "cafe00" in changes["data"][0]["after"]
        scores = {(each["model"], each["benchmark"]): each for each in changes["scores"]}
        score_before, score_after = (scores["second", "imagenet-val"][when] for when in ("before", "after"))
        assert score_before["value"] > 0.7 > 0.4 > score_after["value"]
        assert scores["first", "imagenet-c"]["after"] is None
        assert ("first", "imagenet-val") not in scores
        assert changes["same_scores"] == 1
        verdicts = {each["what"]: each for each in changes["verdicts"]}
        outcome = verdicts["rule 1, clean: second on imagenet-val"]
        assert (outcome["before"], outcome["after"]) == ("pass", "fail")
    page = (tmp_path / "filed" / "evidence.html").read_text()
    assert "beefbeefbeefbeef" in page
    jsonschema.validate(evidence_of(tmp_path / "filed"), json.loads(reference_file("evidence.schema.json").read_text()))


def test_a_verdict_that_changed_on_one_of_two_data_sets_is_said(tmp_path: Path) -> None:
    site = DataIdentity("site-b", "cafe00", 60)
    for name, error in (("before", 0.2), ("after", 0.7)):
        stored(tmp_path / name, "first", error=error)
        stored(tmp_path / name, "first", data=site)
        hardiness.gate(tmp_path / name, POLICY)
    hardiness.write_evidence(tmp_path / "before", tmp_path / "filed")
    hardiness.write_evidence(tmp_path / "after", tmp_path / "filed", since=tmp_path / "filed")
    (change,) = evidence_of(tmp_path / "filed")["changes"]["verdicts"]
    assert (change["before"], change["after"]) == ("pass; pass", "fail; pass")


def test_the_first_sheet_says_of_each_model_how_much_was_evaluated(made: Path) -> None:
    record = record_of(made)
    run = replace(record.runs[0], benchmark="imagenet-val", complete=False)
    runs = tuple(replace(run, counts=Counts(60, count, 0, count)) for count in (20, 40))
    caveats = list(caveats_of(replace(record, runs=runs)))
    assert "Not all pictures and conditions were evaluated: imagenet-val (20 of 60; 40 of 60)." in caveats


def test_the_same_rows_are_no_change(made: Path, tmp_path: Path) -> None:
    hardiness.write_evidence(made / "out", tmp_path, since=made / "filed")
    changes = evidence_of(tmp_path)["changes"]
    assert [changes[name] for name in ("models", "data", "code", "scores", "verdicts")] == [[]] * 5
    assert changes["same_scores"] == 4


def later(folder: Path) -> Path:
    """A file of a later version."""
    file = folder / "later.json"
    file.write_text(json.dumps({**evidence_of(folder / "filed"), "version": 2}))
    return file


WRONG: Mapping[str, tuple[Callable[[Path], list[str]], str]] = {
    "about is not there": (
        lambda folder: ["--evidence", "f", "--about", "gone.toml"],
        "about gone.toml: cannot be read",
    ),
    "since is not there": (lambda folder: ["--evidence", "f", "--since", "gone"], "since gone: cannot be read"),
    "since is another file": (
        lambda folder: ["--evidence", "f", "--since", str(folder / "out" / "gate.json")],
        "must be the evidence.json of an earlier 'hardiness report OUT --evidence DIR', or its folder, and is another",
    ),
    "since is of another version": (lambda folder: ["--evidence", "f", "--since", str(later(folder))], "was of 2;"),
    "about alone": (lambda folder: ["--about", "a.toml"], "--about goes with --evidence DIR"),
    "since alone": (lambda folder: ["--since", "a"], "--since goes with --evidence DIR"),
    "a page's option": (lambda folder: ["--evidence", "f", "--no-images"], "no-images does not go with evidence"),
    "the place is a file": (lambda folder: ["--evidence", str(folder / "policy.toml")], "is a file; name another one"),
    "the place is empty": (lambda folder: ["--evidence", ""], "evidence must name a folder, was empty"),
    "the place is OUT": (lambda folder: ["--evidence", str(folder / "out")], "must name a folder outside of"),
    "the place is in OUT": (
        lambda folder: ["--evidence", str(folder / "filed" / ".." / "out" / "records")],
        "must name a folder outside of",
    ),
    "the place is an address": (lambda folder: ["--evidence", "s3://b/c"], "must name a folder on a disk"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_command_is_one_line_and_nothing_is_written(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    monkeypatch.chdir(tmp_path)
    options, message = WRONG[wrong]
    assert called(monkeypatch, "report", str(made / "out"), *options(made)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_who_stops_it_has_no_part_of_the_files(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("hardiness.api.evidence.evidence_page", stop)
    with pytest.raises(KeyboardInterrupt):
        hardiness.write_evidence(made / "out", tmp_path / "filed")
    assert list(tmp_path.iterdir()) == []


def test_the_command_writes_what_python_does_and_leaves_the_folder_as_it_was(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.read_bytes() for path in (made / "out").rglob("*") if path.is_file()}
    words = [str(made / "out"), "--evidence", str(tmp_path / "filed"), "--about", str(made / "about.toml")]
    assert called(monkeypatch, "report", *words) == 0
    assert capsys.readouterr().out.split() == [
        str(tmp_path / "filed" / "evidence.json"), str(tmp_path / "filed" / "evidence.html"),
    ]  # fmt: skip
    for name in ("evidence.json", "evidence.html"):
        assert (tmp_path / "filed" / name).read_bytes() == (made / "filed" / name).read_bytes()
    assert {path: path.read_bytes() for path in (made / "out").rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "cd /a/b && hardiness run -m py:/c/d.py:f --data x=/e/f",
            "cd …/b && hardiness run -m py:…/d.py:f --data x=…/f",
        ),
        ("--data '/a b/c d' --out /x", "--data '…/c d' --out …/x"),
        ("epsilon 4/255 of s3://b/c, https://d.org/e and/or f", "epsilon 4/255 of s3://b/c, https://d.org/e and/or f"),
    ],
)
def test_folders_are_left_out_of_paths(text: str, shown: str) -> None:
    assert portable(text) == shown
