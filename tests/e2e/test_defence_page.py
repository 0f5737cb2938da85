"""The page that breaks a JPEG defence, run as it is written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pictures
import pytest
from PIL import Image

from hardiness.core.fact import Fact

PAGE = Path(__file__).resolve().parents[2] / "docs" / "attacking_your_own_defence.md"
NETWORKS = Path(__file__).resolve().parents[1] / "masked" / "networks.py"
OURS = f"""
    import importlib.util
    spec = importlib.util.spec_from_file_location("networks", {str(NETWORKS)!r})
    networks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(networks)
    network = torch.nn.Sequential(
        torchvision.transforms.Normalize([-2.118, -2.036, -1.804], [4.367, 4.464, 4.444]), networks.crops("plain"))
"""


@pytest.mark.slow
def test_the_defence_seems_to_hold_and_falls_to_an_attack_that_knows_it(
    hardiness: Callable[..., Any],
    results: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = re.sub(r"\\\n\s*", "", PAGE.read_text())
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    line = '    network = torchvision.models.resnet50(weights="DEFAULT")\n'
    assert line in code
    (tmp_path / "defence.py").write_text(code.replace(line, OURS))
    for i, photograph in enumerate(pictures.ten()[:5]):
        folder = tmp_path / "crops" / f"c{i}"
        folder.mkdir(parents=True)
        with Image.open(photograph) as opened:
            size = int(min(opened.size) * 0.5)
            whole = np.asarray(opened.convert("RGB"))[:size, :size]
        Image.fromarray(whole).resize((256, 256)).save(folder / f"{i}.png")
    for i in range(5, 10):
        (tmp_path / "crops" / f"c{i}").mkdir()
        Image.new("RGB", (256, 256)).save(tmp_path / "crops" / f"c{i}" / f"{i}.png")
    monkeypatch.chdir(tmp_path)
    commands = [shlex.split(found) for found in re.findall(r"^hardiness (run .*)$", page, re.MULTILINE)]
    assert len(commands) == 3
    accuracy, raised = [], []
    for command in commands:
        told = hardiness(
            *[f"imagenet={tmp_path}/crops:classes=folders" if part == "ROOT" else part for part in command]
        )
        assert told.status == 0, told.err
        (result,) = results(tmp_path / command[-1])
        scores = {s["condition"].get("steps"): s["value"] for s in result["scores"]
                  if s["metric"] == "accuracy" and "group" not in s["condition"]}  # fmt: skip
        accuracy.append(scores[max(scores)])
        raised.append({each["code"]: each["text"] for each in result["findings"] if Fact.from_dict(each).is_raised})
    assert {"zero gradients", "must break"} <= set(raised[0])
    assert raised[0]["verdict"].startswith("Withdrawn")
    assert "zero gradients" not in raised[1]
    assert accuracy[1] < accuracy[0]
    assert accuracy[2] < accuracy[0], "what needs no gradient takes more as well"
