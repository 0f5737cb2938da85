"""``compare``, ``show`` and ``list`` as a person reads them in 80 columns."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import called

from hardiness import attacks, benchmarks, distortions, models
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.report.exports.exporter import registry
from hardiness.store.store import Store

NAMES = [f"network-of-a-long-name-{k}:option=value" for k in range(8)]


def stored(out: Path, *places: int) -> Path:
    """Models of those places on 200 pictures in a folder; the last of eight is right seldom."""
    label = np.arange(200) % 4
    for place in places:
        wrong = (np.arange(200) + 25 * place) % 200 < (120 if place == 7 else 20)
        rows = {
            "sample": np.array([f"n/{k:03d}" for k in range(200)]),
            "condition": np.zeros(200, np.int16),
            "frame": np.zeros(200, np.int16),
            "label": label.astype(np.int32),
            "prediction": np.where(wrong, 9, label).astype(np.int32),
            "top5_class": np.zeros((200, 5), np.int16),
            "confidence": np.linspace(0.2, 0.9, 200).astype(np.float32),
        }
        name = NAMES[place]
        run = Run(
            ModelIdentity(name, name), BenchmarkIdentity("imagenet-val", "classification"), DataIdentity("x", "f", 200)
        )
        work = [(sample, 0) for sample in rows["sample"].tolist()]
        Store.create(out).run(run, Plan(whole=(0,))).write(0, work, Records(rows))
    return out


@pytest.mark.slow
def test_the_first_lines_say_what_is_told_apart_in_80_columns_and_all_has_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    out, texts = stored(tmp_path, *range(8)), {}
    for columns in ("80", "300"):
        monkeypatch.setenv("COLUMNS", columns)
        assert called(monkeypatch, "compare", str(out)) == 0
        texts[columns] = capsys.readouterr().out
    assert texts["80"] == texts["300"]
    lines = texts["80"].splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) < 24, "it fits a terminal"
    assert not any(line.endswith(" ") for line in lines)
    assert all(name in texts["80"].split("not told apart")[1] for name in NAMES[:7]), "no name is broken"
    assert lines[0] == f"{NAMES[7]} is behind all 7 others on imagenet-val."
    assert called(monkeypatch, "compare", str(out), "--all") == 0
    everything = capsys.readouterr().out
    assert everything.startswith(texts["80"])
    assert everything.count(" → ") > 28


def test_show_of_several_folders_has_their_models_in_one_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    first, second = stored(tmp_path / "a", 0, 7), stored(tmp_path / "b", 0, 1)
    assert called(monkeypatch, "show", str(first), str(second)) == 0
    text = capsys.readouterr().out
    assert text.count("imagenet-val on x") == 1
    rows = [line.split("│")[1].strip() for line in text.splitlines() if line.startswith("│ network")]
    assert rows == [NAMES[place] for place in (0, 1, 7)], "a run that both hold is one"
    assert called(monkeypatch, "show", str(first), str(second), "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 3
    assert called(monkeypatch, "show", str(first), str(tmp_path / "none")) == 1
    streams = capsys.readouterr()
    assert "none holds no records" in streams.err
    assert NAMES[7] in streams.out


@pytest.mark.parametrize("kind", ["benchmarks", "models", "attacks", "corruptions", "perturbations"])
def test_no_name_of_a_list_is_cut(kind: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert called(monkeypatch, "list", kind) == 0
    text = capsys.readouterr().out
    names = {
        "benchmarks": benchmarks.registry.names(),
        "models": models.registry.names(),
        "attacks": attacks.registry.names(),
        "corruptions": distortions.corruptions.names(),
        "perturbations": distortions.perturbations.names(),
    }[kind]
    assert max(map(len, text.splitlines())) <= 80
    assert "…" not in text
    assert not set(names) - set(re.sub("[│┃]", " ", text).split())


def test_nothing_is_cut_of_data_sets_and_of_forms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    called(monkeypatch, "data", "list", "--data", str(tmp_path))
    listing = capsys.readouterr().out
    assert "pug-imagenet-own-view" in listing.split()
    called(monkeypatch, "list", "exports")
    forms = capsys.readouterr().out
    assert not set(registry.names()) - set(re.sub("[│┃]", " ", forms).split())
    for text in (listing, forms):
        assert max(map(len, text.splitlines())) <= 80
        assert "…" not in text.replace("0 … 999", "")
