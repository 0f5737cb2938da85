"""Models of RobustBench: recognised by the user's word, the file's name or its hash; their numbers stand beside."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from hardiness.benchmarks.autoattack import CANVASES
from hardiness.core.condition import Condition
from hardiness.core.errors import UnknownNameError
from hardiness.core.model import ModelSpec, Source, View
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, ModelIdentity, Run
from hardiness.models.loading import load
from hardiness.models.options import apply
from hardiness.models.recognition import recognised
from hardiness.reference import robustbench
from hardiness.reference.classes import wnids
from hardiness.reference.published_numbers import table
from hardiness.report.sections import sections
from hardiness.report.table_rows import rows_of
from hardiness.report.words import text
from hardiness.statistics.spreads.combined import TwoEnds

FACTORY = """
import torch
def build():
    return torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, 1000))
"""


def test_the_images_are_those_of_the_package() -> None:
    """With their wnids the numbers make the file that robustbench carries, byte for byte."""
    labels = (Path(robustbench.__file__).parent / "imagenet_val_labels.txt").read_text().split()
    lines = [f"{wnids()[int(labels[n - 1])]}/ILSVRC2012_val_{n:08d}.JPEG" for n in robustbench.numbers()]
    assert len(robustbench.stems()) == robustbench.SIZE
    digest = hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert digest == "d4121626d07722a0126c35b1563042e46a546f1a05ce705f2cdc635896d58574"


def test_entries_are_the_leaderboards_best_first() -> None:
    assert len(robustbench.entries()) == 30
    assert (robustbench.entries()[0], robustbench.entries()[-1]) == ("Amini2024MeanSparse_Swin-L", "Standard_R50")


def test_every_way_to_make_pixels_that_it_lists_is_offered() -> None:
    listed = {robustbench.preprocessing(row.source) for row in table() if row.benchmark == "autoattack"}
    assert listed == set(robustbench.PREPROCESSINGS) == set(CANVASES)


def test_a_model_is_known_by_word_name_or_hash(tmp_path: Path) -> None:
    spec = ModelSpec("torchvision:resnet50", "", source=Source(sha256="0676ba61"))
    assert recognised(spec) == ("Standard_R50", "weights")
    assert recognised(replace(spec, source=Source(sha256="11ad3fa6"))) == ("", "")
    assert recognised(apply(spec, {"published": "Wong2020Fast"})) == ("Wong2020Fast", "statement")
    file = tmp_path / "Salman2020Do_R50.pt"
    file.write_bytes(b"weights")
    assert recognised(replace(spec, weights=str(file))) == ("Salman2020Do_R50", "file name")
    assert recognised(replace(spec, weights=f"{file}#model")) == ("Salman2020Do_R50", "file name")
    other = tmp_path / "mine.pt"
    other.write_bytes(b"weights")
    assert recognised(replace(spec, weights=str(other))) == ("", "")
    with pytest.raises(UnknownNameError, match="Salman2020Do_R50"):
        apply(spec, {"published": "Salman2020Do_R5"})


def test_a_checkpoint_in_their_form_loads_and_all_is_told(tmp_path: Path) -> None:
    """Prefixes of data parallel and of the normalising wrapper, mean and std beside: each recognised and said."""
    (tmp_path / "network.py").write_text(FACTORY)
    view = View()
    head = nn.Linear(12, 1000)
    state = {f"module.model.2.{name}": tensor for name, tensor in head.state_dict().items()}
    state |= {"module.normalize.mean": torch.tensor(view.mean), "module.normalize.std": torch.tensor(view.std)}
    file = tmp_path / "Salman2020Do_R18.pt"
    torch.save({"state_dict": state}, file)
    classifier = load(
        f"py:{tmp_path}/network.py:build:weights={file},mean=0.485/0.456/0.406,std=0.229/0.224/0.225", device="cpu"
    )
    told = "; ".join(map(text, classifier.notes))
    assert "the prefix 'module.model.' of its checkpoint's names was taken off" in told
    assert "the normalisation in its checkpoint is the view's (mean, std)" in told
    assert "it is Salman2020Do_R18 of RobustBench, by the name of its file" in told
    assert classifier.spec.published == "Salman2020Do_R18"


def test_published_accuracies_stand_beside_the_measured_ones() -> None:
    scores = [
        Score("clean_accuracy", 0.64, "fraction", 5000, TwoEnds(0.64, 0.62, 0.66)),
        Score("accuracy", 0.35, "fraction", 5000, TwoEnds(0.35, 0.33, 0.37), condition=Condition(epsilon=4 / 255)),
    ]
    run = Run(ModelIdentity("mine"), BenchmarkIdentity("autoattack", "attack", "standard", {"subset": "robustbench"}))
    measured = {"sessions": [{"published_as": "Salman2020Do_R50"}]}
    result = Result("mine", "autoattack", "imagenet", "standard", scores, Counts(5000, 5000, 0, 5000), run, measured)
    (shown,) = sections([result])
    (row,) = rows_of(shown)
    assert [cell.published for cell in row.cells if cell] == ["64.0", "35.0"]
    (note,) = [each.text for each in shown.section.notes if "RobustBench" in each.text]
    assert "RobustBench lists Salman2020Do_R50 with 64.02 % clean and 34.96 % at ε 4/255, on 5,000 images" in note
    assert note.endswith("; for its images and preprocessing: preprocessing=Res256Crop224")
    unknown = replace(result, measured={"sessions": [{}]})
    (row,) = rows_of(sections([unknown])[0])
    assert [cell.published for cell in row.cells if cell] == ["", ""]
