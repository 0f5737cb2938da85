"""model-vs-human through the command line, on a small tree in its published layout."""

from __future__ import annotations

import io
import json
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chat_server import ChatServer
from PIL import Image
from told import warnings_of

from hardiness.reference.stimulus_sets import SETS, stimulus_set

CATEGORIES = ("cat", "dog", "oven", "bird")
WNIDS = {"cat": "n02123394", "dog": "n02085936", "oven": "n04111531", "bird": "n01530575"}
HEADER = "subj,session,trial,rt,object_response,category,condition,imagename\n"


def stimulus(file: Path, number: int, side: int = 224) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    draws = np.random.default_rng(number).integers(0, 256, (7, 7, 3)).astype(np.uint8)
    Image.fromarray(draws).resize((side, side), Image.Resampling.NEAREST).save(file)


@pytest.fixture
def datasets(tmp_path: Path) -> Path:
    """``datasets`` as its archives unpack: sessions with telling names, and folders of categories."""
    root = tmp_path / "datasets"
    number = 0
    for name, token, levels in (("contrast", "cop", ("c100", "c05")), ("false-colour", "fc", ("true", "false"))):
        for level in levels:
            for category in CATEGORIES:
                number += 1
                file = f"{number:04d}_{token}_dnn_{level}_{category}_10_{WNIDS[category]}_{number}.png"
                stimulus(root / name / "dnn" / "session-1" / file, number)
    for category in CATEGORIES:
        for each in (1, 2):
            number += 1
            stimulus(root / "edge" / category / f"{category}{each}.png", number)
    return root


@pytest.fixture
def raw_data(datasets: Path, tmp_path: Path) -> Path:
    """``raw-data``: two people, who see the same pictures under names of their own."""
    for person, wrong in (("subject-01", 3), ("subject-02", 2)):
        for name in ("contrast", "false-colour", "edge"):
            lines = []
            for trial, file in enumerate(sorted((datasets / name).rglob("*.png"))):
                if name == "edge":
                    category, level, image = (
                        file.parent.name,
                        "0",
                        f"{trial:04d}_edg_s01_0_{file.parent.name}_00_{file.name}",
                    )
                else:
                    level, category = file.stem.split("_")[3:5]
                    image = file.name.replace("_dnn_", f"_s{person[-2:]}_")
                answer = "na" if trial % wrong == 0 else category
                lines.append(f"{person},1,{trial},1.0,{answer},{category},{level},{image}\n")
            folder = tmp_path / "raw-data" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{name}_{person}_session_1.csv").write_text(HEADER + "".join(lines))
    return tmp_path / "raw-data"


def test_from_a_published_tree_to_people_beside_it(
    hardiness: Any, factory: Any, datasets: Path, raw_data: Path, tmp_path: Path, results: Any
) -> None:
    out = tmp_path / "x"
    common = ["run", "-b", "model-vs-human", "--data", f"model-vs-human={datasets}", "--out", out, "--quiet"]
    told = hardiness(*common, "-m", factory())
    assert told.status == 0, told.err
    (result,) = results(out)
    assert result["counts"]["evaluated"] == 24
    assert "24 of the 18,080 images that were released" in " ".join(warnings_of(result))
    found = {(s["metric"], *sorted(s["condition"].items())): s for s in result["scores"]}
    assert found["accuracy", ("set", "contrast")]["n"] == 4, "the control does not count"
    assert found["accuracy", ("set", "edge")]["n"] == 8
    assert found["accuracy", ("condition", "c100"), ("set", "contrast")]["n"] == 4
    assert ("ood_accuracy_partial",) in found
    assert hardiness(*common, "-m", factory()).status == 0
    hardiness(*common, "-m", factory(tail=".flip(1)", name="other"))
    compared = hardiness("compare", out)
    assert compared.status == 0, compared.err
    assert "model-vs-human" in compared.out
    shown = hardiness("show", out)
    assert "people: " in shown.out
    assert hardiness("report", out).status == 0
    assert "people in a laboratory" in (out / "report.html").read_text()
    told = hardiness("show", "--people", out, "--humans", raw_data, "--json")
    assert told.status == 0, told.err
    *networks, people = json.loads(told.out)["human_likeness"]
    (network,) = [each for each in networks if each["name"] == factory()]
    assert list(network["sets"]) == ["contrast", "false-colour", "edge"]
    assert (people["name"], people["mean_rank"]) == ("people", None)
    assert sum(each["mean_rank"] for each in networks) == pytest.approx(1 + 2)
    assert network["ood_accuracy"]["value"] == pytest.approx(found["ood_accuracy_partial",]["value"])
    told = hardiness("show", "--people", out, "--humans", raw_data, "--all")
    assert "on 3 of 17 sets" in told.out
    assert "error consistency with people, set by set" in told.out
    lacking = hardiness("show", "--people", out)
    assert "--humans is needed for runs of model-vs-human" in lacking.err


def test_sets_may_be_chosen(
    hardiness: Any, factory: Any, datasets: Path, raw_data: Path, tmp_path: Path, results: Any
) -> None:
    common = ["--data", f"model-vs-human={datasets}", "--out", tmp_path / "x", "--quiet", "-m", factory()]
    assert hardiness("run", "-b", "model-vs-human:sets=edge", *common).status == 0
    (result,) = results(tmp_path / "x")
    assert result["counts"] == {**result["counts"], "evaluated": 8, "expected": 8}
    told = hardiness("run", "-b", "model-vs-human:sets=edge+sketch", *common)
    assert told.status != 0
    assert "must hold the set sketch, but does not" in told.err
    assert hardiness("run", "-b", "model-vs-human:sets=contrast", *common).status == 0
    told = hardiness("show", "--people", tmp_path / "x", "--humans", raw_data, "--json")
    assert list(json.loads(told.out)["human_likeness"][0]["sets"]) == ["contrast", "edge"], (
        "two runs of one model are one row"
    )
    assert "did you mean 'sketch'" in hardiness("run", "-b", "model-vs-human:sets=sketsh", *common).err


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("contrast/dnn/session-1/0099_cop_dnn_c77_cat_10_n02123394_9.png", "'c77' is no condition of contrast"),
        ("contrast/dnn/session-1/0099_cop_dnn_c05_cta_10_n02123394_9.png", "'cta' is no category; did you mean 'cat'"),
        ("contrast/dnn/session-1/cat.png", "must be named <number>_<experiment>_dnn_<condition>_<category>"),
        ("edge/cta/cat1.png", "'cta' is no category"),
    ],
)
def test_a_name_that_says_nothing_is_one_line(
    hardiness: Any, factory: Any, datasets: Path, tmp_path: Path, name: str, says: str
) -> None:
    stimulus(datasets / name, 1)
    told = hardiness(
        "run", "-m", factory(), "-b", "model-vs-human", "--data", f"model-vs-human={datasets}", "--out", tmp_path / "x"
    )
    assert told.status == 2
    assert says in told.lines[-1]
    assert name.rpartition("/")[2] in told.lines[-1]


def test_a_picture_of_another_size_fails_alone(
    hardiness: Any, factory: Any, datasets: Path, tmp_path: Path, results: Any
) -> None:
    stimulus(datasets / "edge" / "cat" / "cat3.png", 1, side=200)
    data = ["--data", f"model-vs-human={datasets}", "--out", tmp_path / "x", "--quiet"]
    hardiness("run", "-m", factory(), "-b", "model-vs-human", *data)
    (result,) = results(tmp_path / "x")
    assert (result["counts"]["evaluated"], result["counts"]["failed"]) == (24, 1)
    assert "must be 224x224 pixels" in result["failures"][0]["reason"]


def test_trials_that_cannot_be_read_are_one_line(
    hardiness: Any, factory: Any, datasets: Path, raw_data: Path, tmp_path: Path
) -> None:
    run = ("run", "-m", factory(), "-b", "model-vs-human:sets=edge", "--data", f"model-vs-human={datasets}", "--quiet")
    assert hardiness(*run, "--out", tmp_path / "x").status == 0
    told = hardiness("show", "--people", tmp_path / "x", "--humans", tmp_path / "nothing")
    assert told.status != 0
    assert "must hold a folder of csv files for each set" in told.lines[-1]
    file = next((raw_data / "contrast").glob("*.csv"))
    file.write_text(file.read_text().replace(",c05,", ",c77,"))
    told = hardiness("show", "--people", tmp_path / "x", "--humans", raw_data)
    assert "'c77' is no condition of contrast" in told.lines[-1]


def test_a_chat_model_stands_beside_people(
    hardiness: Any, datasets: Path, raw_data: Path, tmp_path: Path, results: Any
) -> None:
    """A stand-in that always answers cat, beside a network and people, with its error consistency."""
    out, model = tmp_path / "x", "chat:toy"
    with ChatServer(answer=lambda prompt, png: "cat") as chat:
        told = hardiness(
            *("run", "-b", "model-vs-human", "--data", f"model-vs-human={datasets}", "--out", out),
            *("-m", chat.model(order="published"), "-m", "squeezenet1_1"),
        )
        assert told.status == 0, told.err
        assert len(chat.asked) == 24
        prompts = {body["messages"][0]["content"][1]["text"] for body, _ in chat.asked}
        assert len(prompts) == 1
        assert "_cat_" not in str(chat.asked)
    assert "chat:toy:7b †" in told.out
    assert "squeezenet1_1 †" not in told.out
    (result,) = [each for each in results(out) if each["model"].startswith(model)]
    accuracy = {s["condition"].get("set"): s["value"] for s in result["scores"] if s["metric"] == "accuracy"}
    assert accuracy["edge"] == 0.25
    shown = hardiness("show", "--people", out, "--humans", raw_data, "--json")
    assert shown.status == 0, shown.err
    (found,) = [each for each in json.loads(shown.out)["human_likeness"] if each["name"].startswith(model)]
    assert -1 <= found["error_consistency"]["value"] <= 1


@pytest.fixture
def seventeen(tmp_path: Path) -> Path:
    """``datasets`` and ``raw-data`` of all 17 sets: four pictures under the control and the first level that counts.

    ``subject-01`` errs on ovens, ``subject-02`` on birds, and both on ``bird`` in the sets without levels.
    """
    numbers = count(1)
    for name in SETS:
        known, rows = stimulus_set(name), {"subject-01": "", "subject-02": ""}
        first = next(level for level in known.levels if level.counted)
        for level in dict.fromkeys((known.levels[0], first)):
            for category in CATEGORIES:
                number = next(numbers)
                short = f"{WNIDS[category]}_{number}.png" if known.named else f"{category}{number}.png"
                trial = f"{number:04d}_xx_{{who}}_{level.name}_{category}_10_{short}"
                place = f"dnn/session-1/{trial.format(who='dnn')}" if known.named else f"{category}/{short}"
                stimulus(tmp_path / "datasets" / name / place, number)
                for who, errs_on in (("subject-01", "oven"), ("subject-02", "bird")):
                    answer = "na" if category in (errs_on, "" if known.named else "bird") else category
                    image = trial.format(who=f"s{who[-2:]}")
                    rows[who] += f"{who},1,{number},1.0,{answer},{category},{level.name},{image}\n"
        for who, lines in rows.items():
            (file := tmp_path / "raw-data" / name / f"{name}_{who}_session_1.csv").parent.mkdir(
                parents=True, exist_ok=True
            )
            file.write_text(HEADER + lines)
    return tmp_path


def kappa(first: list[bool], second: list[bool]) -> float:
    """Cohen's, of two observers' right answers; 1 where they agree everywhere."""
    agreed = float(np.mean(np.equal(first, second)))
    p, q = np.mean(first), np.mean(second)
    expected = p * q + (1 - p) * (1 - q)
    return 1.0 if agreed == 1 else float((agreed - expected) / (1 - expected))


@pytest.mark.slow
def test_a_chat_model_on_all_17_sets_has_kappa_with_people(
    hardiness: Any, seventeen: Path, tmp_path: Path, results: Any
) -> None:
    """A stand-in that errs on ovens everywhere and says nothing of dogs; kappa is counted anew here."""
    truth = {}
    for file in (seventeen / "datasets").rglob("*.png"):
        parts = file.stem.split("_")
        shown = parts[4] if len(parts) > 5 else file.parent.name
        truth[sha256(np.asarray(Image.open(file)).tobytes()).hexdigest()] = shown

    def answer(prompt: str, png: bytes) -> str:
        shown = truth[sha256(np.asarray(Image.open(io.BytesIO(png))).tobytes()).hexdigest()]
        return {"oven": "cat", "dog": "I cannot tell."}.get(shown, shown)

    out = tmp_path / "x"
    with ChatServer(answer=answer) as chat:
        told = hardiness(
            *("run", "-m", chat.model(), "-b", "model-vs-human", "--out", out),
            *("--data", f"model-vs-human={seventeen / 'datasets'}"),
        )
        assert told.status == 0, told.err
        assert len(chat.asked) == len(truth) == 116
    (result,) = results(out)
    accuracy = {s["condition"]["set"]: s["value"] for s in result["scores"] if set(s["condition"]) == {"set"}}
    assert accuracy == dict.fromkeys(SETS, 0.5)
    unanswered = {tuple(s["condition"].values()): s["value"] for s in result["scores"] if s["metric"] == "unanswered"}
    assert unanswered[()] == unanswered["refused",] == 0.25

    shown = hardiness("show", "--people", out, "--humans", seventeen / "raw-data", "--json")
    assert shown.status == 0, shown.err
    by_name = {each["name"]: each for each in json.loads(shown.out)["human_likeness"]}
    found = by_name["chat:toy:7b †"]
    assert list(found["sets"]) == list(SETS)
    model, one, two = ([name not in errs for name in CATEGORIES] for errs in (("oven", "dog"), ("oven",), ("bird",)))
    both = [name not in ("oven", "bird") for name in CATEGORIES]
    for name in SETS:
        people = (one, two) if stimulus_set(name).named else (both, two)
        expected = np.mean([kappa(model, person) for person in people])
        assert found["sets"][name]["value"] == pytest.approx(expected), name
    table = hardiness("show", "--people", out, "--humans", seventeen / "raw-data", "--all")
    assert "human-likeness on 17 of 17 sets of model-vs-human" in table.out
    assert "chat:toy:7b †" in table.out


def test_csv_files_alone_are_a_run_and_give_the_four_numbers(
    hardiness: Any, raw_data: Path, tmp_path: Path, results: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A network's trials in the repository's own form become a run without one picture, beside people's."""
    monkeypatch.delenv("HARDINESS_DATA", raising=False)
    for name, answered in (("net", "knife"), ("other", "dog")):
        for folder in sorted(raw_data.iterdir()):
            person = folder / f"{folder.name}_subject-01_session_1.csv"
            rows = [line.split(",") for line in person.read_text().splitlines()[1:]]
            lines = [
                ",".join((name, session, trial, "NaN", category if int(trial) % 3 else answered, category, *rest))
                for _, session, trial, _, _, category, *rest in rows
            ]
            (folder / f"{folder.name}_{name}_session-1.csv").write_text(HEADER + "\n".join(lines) + "\n")
    out = tmp_path / "out"
    asked = ("run", "-b", "model-vs-human", "--predictions", raw_data, "--out", out)
    told = hardiness(*asked, "-m", "net")
    assert told.status == 0, told.err
    (result,) = results(out)
    scores = {(s["metric"], *sorted(s["condition"].items())): s for s in result["scores"]}
    shown = hardiness("show", "--people", out, "--humans", raw_data, "--json")
    (network,) = [each for each in json.loads(shown.out)["human_likeness"] if each["name"] == "net"]
    assert scores[("ood_accuracy_partial",)]["value"] == pytest.approx(network["ood_accuracy"]["value"])
    assert scores["accuracy", ("set", "edge")]["value"] == pytest.approx(5 / 8), "three of eight are no knives"
    difference = scores[("accuracy_difference",)]
    assert (difference["value"], difference["unit"]) == (None, "score")
    assert "hardiness show --people OUT --humans raw-data" in difference["lack"]["text"]
    four = ("ood_accuracy", "accuracy_difference", "observed_consistency", "error_consistency")
    line = ", ".join(f"{name.replace('_', ' ')} {network[name]['value']:.3f}" for name in four)
    assert f"net: beside people: {line}" in told.err
    # The trials among networks of the folder itself, which is how that repository computes them.
    (raw_data / "edge" / "edge_net_session-1.csv").unlink()
    alone = hardiness("show", "--people", out, "--humans", raw_data, "--json")
    assert alone.status == 0
    assert hardiness(*asked, "-m", "nobody").status == 2
    assert "unknown observer of" in hardiness(*asked, "-m", "nobody").err
    person = hardiness(*asked, "-m", "subject-01")
    assert person.status == 2
    assert "answered 'na'; people, who may give no answer, are compared with by hardiness show --people" in person.err


def test_trials_are_matched_with_stimuli_that_are_there(
    hardiness: Any, datasets: Path, raw_data: Path, tmp_path: Path, results: Any
) -> None:
    edge = raw_data / "edge"
    lines = (edge / "edge_subject-01_session_1.csv").read_text().splitlines()[1:]
    own = tmp_path / "edge_mine_session-1.csv"
    own.write_text(
        HEADER + "\n".join(line.replace("subject-01", "mine").replace(",na,", ",car,") for line in lines) + "\n"
    )
    told = hardiness(
        *("run", "-m", "mine", "-b", "model-vs-human:sets=edge", "--data", f"model-vs-human={datasets}"),
        *("--predictions", own, "--out", tmp_path / "out", "--quiet"),
    )
    assert told.status == 0, told.err
    (result,) = results(tmp_path / "out")
    assert (result["counts"]["evaluated"], result["counts"]["expected"]) == (8, 8)
