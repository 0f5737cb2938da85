"""``hardiness list``: sets that some published model lacks, and options without a default."""

from __future__ import annotations

import pytest
from commands import called_wide


def test_a_published_set_is_listed_though_some_models_have_no_clean_accuracy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called_wide(monkeypatch, "list", "models", "--published", "imagenet-a", "--at-least", "75") == 0
    assert "models that timm published, top-1 in percent" in capsys.readouterr().out


def test_an_option_without_a_default_names_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert called_wide(monkeypatch, "list", "benchmarks", "imagenet-val") == 0
    assert "(default )" not in capsys.readouterr().out
