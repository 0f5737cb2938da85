"""What does not go together is refused by the command and in Python in the same words, before anything is looked at."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
from commands import called

import hardiness
from hardiness.core.errors import ArgumentError

MODEL, BENCHMARK, POLICY = "squeezenet1_1", "imagenet-val", '[[rules]]\nbenchmark = "imagenet-val"\n'

ENDS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "until-decided": (["--until-decided", POLICY], {"until_decided": POLICY}),
    "precision-target": (["--precision-target", "0.1"], {"precision_target": 0.1}),
    "time-budget": (["--time-budget", "9m"], {"time_budget_s": 540}),
}
PLACES: dict[str, tuple[list[str], dict[str, Any]]] = {
    "worker": (["--worker", "0/2"], {"where": "0/2"}),
    "Ray": (["--engine", "ray"], {"where": "ray"}),
}
OTHERS: dict[str, tuple[list[str], dict[str, Any]]] = {
    "policy": (["--policy", "policy.toml"], {"policy": "policy.toml"}),
    "calls": (["--calls", "9"], {"calls": 9}),
    "conditions": (["--conditions", "2"], {"conditions": 2}),
    "predictions": (["--predictions", "nowhere.csv"], {"predictions": "nowhere.csv"}),
}
WAYS = {**ENDS, **PLACES, **OTHERS}

POSSIBLE = {
    frozenset(("precision-target", "time-budget")),
    *(frozenset(("calls", each)) for each in (*ENDS, "worker")),
    *(frozenset(("conditions", each)) for each in ("worker", "Ray", "policy", "calls")),
    *(frozenset(("policy", each)) for each in ("precision-target", "time-budget", "worker", "Ray", "calls")),
}
"""Pairs that go together; every other pair is refused."""

REFUSED = [
    pair
    for pair in itertools.combinations(WAYS, 2)
    if frozenset(pair) not in POSSIBLE and not set(pair) <= PLACES.keys()  # Python names one of the two places
]


def told_by_both(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    out: Path,
    *ways: str,
    models: tuple[str, ...] = (MODEL,),
    benchmarks: tuple[str, ...] = (BENCHMARK,),
) -> tuple[str, str]:
    """The line of the command and that of Python; neither has made the folder, and the data are not there."""
    words = [word for name, texts in (("-m", models), ("-b", benchmarks)) for text in texts for word in (name, text)]
    more = [word for way in ways for word in WAYS[way][0]]
    status = called(monkeypatch, "run", *words, "--data", "nowhere", "--out", str(out), *more)
    line = capsys.readouterr().err.rstrip("\n")
    keywords = {key: value for way in ways for key, value in WAYS[way][1].items()}
    with pytest.raises(ArgumentError) as error:
        hardiness.evaluate(list(models), list(benchmarks), "nowhere", out=out, **keywords)
    assert (status, error.value.exit_status) == (2, 2)
    assert not out.exists()
    return line.removeprefix("hardiness: "), str(error.value)


@pytest.mark.parametrize("pair", REFUSED, ids=" and ".join)
def test_two_that_do_not_go_together_are_refused_in_the_same_words(
    pair: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    of_command, of_python = told_by_both(monkeypatch, capsys, tmp_path / "out", *pair)
    assert of_command == of_python
    assert "\n" not in of_command
    assert of_command.endswith("leave one out")
    assert all(name in of_command for name in pair)


@pytest.mark.parametrize(("models", "benchmarks"), [(2, 1), (1, 2)])
def test_predictions_are_of_one_model_on_one_benchmark(
    models: int,
    benchmarks: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    of_command, of_python = told_by_both(
        monkeypatch,
        capsys,
        tmp_path / "out",
        "predictions",
        models=(MODEL, "efficientnet_lite0")[:models],
        benchmarks=(BENCHMARK, "imagenet-c")[:benchmarks],
    )
    assert of_command == of_python
    assert of_command.startswith("predictions goes with one model, the name of what answered, and one benchmark; had ")


def test_a_share_on_a_cluster_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-m", MODEL, "-b", BENCHMARK, "--out", str(tmp_path / "out"), "--worker", "0/2", "--engine", "ray"]
    assert called(monkeypatch, "run", *words) == 2
    assert "worker does not go with Ray, which shares the work out itself; leave one out" in capsys.readouterr().err


@pytest.mark.parametrize("other", ["Ray", "predictions"])
def test_a_plan_of_what_is_not_for_this_process_is_refused(
    other: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-m", MODEL, "-b", BENCHMARK, "--out", str(tmp_path / "out"), *WAYS[other][0]]
    assert called(monkeypatch, "run", *words, "--plan") == 2
    assert f"plan does not go with {other}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("benchmark", "target", "says"),
    [
        ("imagenet-val", 1e-6, "precision-target 1e-06 cannot be reached on imagenet-val: "),
        ("ood-unit-tests", 0.1, "precision-target does not go with ood-unit-tests, whose headline is no mean over"),
    ],
)
def test_a_target_that_cannot_be_reached_is_refused_in_the_same_words_before_anything_is_evaluated(
    benchmark: str,
    target: float,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Of several benchmarks, too: in Python the first was evaluated before the second was refused."""
    out = tmp_path / "out"
    words = ["-m", MODEL, "-b", "imagenet-c", "-b", benchmark, "--data", "embedded", "--out", str(out)]
    assert called(monkeypatch, "run", *words, "--precision-target", str(target)) == 2
    line = capsys.readouterr().err.rstrip("\n").removeprefix("hardiness: ")
    with pytest.raises(ArgumentError) as error:
        hardiness.evaluate(MODEL, ["imagenet-c", benchmark], "embedded", out=out, precision_target=target)
    assert line == str(error.value)
    assert line.startswith(says)
    assert not out.exists()


def test_what_this_process_alone_holds_is_not_for_a_cluster(
    network: Any, view: Any, root: Path, tmp_path: Path
) -> None:
    kept = {"out": tmp_path / "out", "where": "ray"}
    with pytest.raises(ArgumentError, match=r"^Ray does not go with Colours, which only this process holds: name the "):
        hardiness.evaluate(network(), BENCHMARK, str(root), view=view, **kept)
    pictures = [[[[0, 0, 0]]]], [0]
    with pytest.raises(ArgumentError, match=r"^Ray does not go with pictures that only this process holds"):
        hardiness.evaluate(MODEL, "own", pictures, **kept)
    with pytest.raises(ArgumentError, match=r"^Ray does not go with the name 'a,b'"):
        hardiness.evaluate({"a,b": MODEL}, BENCHMARK, "embedded", **kept)
    for where, name in (("ray", "Ray"), ("1/2", "worker"), (hardiness.Share(1, 2), "worker")):
        with pytest.raises(ArgumentError, match=f"^{name} needs out, the folder that the processes share"):
            hardiness.evaluate(MODEL, BENCHMARK, "embedded", where=where)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["precision-target", "until-decided"])
def test_what_stops_early_is_not_for_clusters_which_would_be_seen_in_parts(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (words, keywords), out = ENDS[name], tmp_path / "out"
    told = ["-m", MODEL, "-b", BENCHMARK, "--data", "nowhere", "--out", str(out), "--cluster", "patient"]
    assert called(monkeypatch, "run", *told, *words) == 2
    line = capsys.readouterr().err.rstrip("\n").removeprefix("hardiness: ")
    with pytest.raises(ArgumentError) as error:
        hardiness.evaluate(MODEL, BENCHMARK, "nowhere", out=out, cluster="patient", **keywords)
    assert line == str(error.value)
    assert line.startswith(f"{name} does not go with cluster patient: pictures come one by one in random order")
    assert not out.exists()


def test_a_policy_by_clusters_stops_no_run(tmp_path: Path) -> None:
    for settings, own in (('[policy]\ncluster = "patient"\n', ""), ("", 'cluster = "patient"\n')):
        policy = f'{settings}{POLICY}metric = "top1"\nat_least = 0.1\n{own}'
        with pytest.raises(ArgumentError, match=r"rule 1: cluster patient does not go with until-decided"):
            hardiness.evaluate(MODEL, BENCHMARK, "embedded", out=tmp_path / "out", until_decided=policy)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["precision_target", "until_decided", "time_budget_s", "calls"])
def test_noise_is_on_the_same_pictures_under_each_setting(name: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="does not go with noise, which evaluates the same pictures"):
        hardiness.noise(MODEL, BENCHMARK, "embedded", tmp_path / "out", **{name: 1})  # type: ignore[misc]
    assert not (tmp_path / "out").exists()


def test_noise_is_held_against_no_goal(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match=r"^policy does not go with noise"):
        hardiness.noise(MODEL, BENCHMARK, "embedded", tmp_path / "out", policy="policy.toml")
    assert not (tmp_path / "out").exists()


def test_names_of_models_are_for_several_in_a_mapping() -> None:
    with pytest.raises(ArgumentError, match=r"^name goes with one model, had 2; hand several over as \{name: model\}"):
        hardiness.evaluate([MODEL, "efficientnet_lite0"], BENCHMARK, "embedded", name="mine")
    with pytest.raises(ArgumentError, match=r"^model must be a model, a list of models or \{name: model\}, was \[\]"):
        hardiness.evaluate([], BENCHMARK, "embedded")
