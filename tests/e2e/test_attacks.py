"""White box, black box and AutoAttack from the command line, and the report on whether the attack was any good."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pyarrow.parquet as pq
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from hardiness import View
from hardiness.core.fact import Fact

COLOURS = {
    "blue": (0.38, 0.40, 0.62),
    "cyan": (0.35, 0.60, 0.60),
    "green": (0.40, 0.62, 0.38),
    "red": (0.62, 0.40, 0.38),
    "yellow": (0.60, 0.60, 0.35),
}
CLASSES = tuple(COLOURS)
PHOTOGRAPHS = 25

MODELS = '''
import torch
from torch.nn import functional
from hardiness import View

class Colours(torch.nn.Module):
    """Mean colours of sixteen patches through a linear map, after something that may hide the gradient."""
    def __init__(self, before=None):
        super().__init__()
        self.linear = torch.nn.Linear(48, 5)
        self.before = before
    def forward(self, x):
        x = x if self.before is None else self.before(x)
        return self.linear(functional.adaptive_avg_pool2d(x, 4).flatten(1))

def trained(before=None):
    model = Colours(before)
    model.linear.load_state_dict(torch.load({weights!r}, weights_only=True))
    return model, View()

def robust():
    return trained()

def quantised():
    return trained(lambda x: torch.round(x * 16) / 16)

def shattered():
    # Equal to the image for every purpose but that of its gradient, which points anywhere.
    return trained(lambda x: x.detach() + 1e-6 * torch.sin(1e9 * x))

def broken():
    return trained(lambda x: x + 0 * torch.sqrt(x.detach() - x))
'''


def batch(n: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise around five colours, as pixels, with their labels."""
    labels = torch.arange(n) % len(CLASSES)
    base = torch.tensor([COLOURS[name] for name in CLASSES])[labels][:, :, None, None]
    return (base + 0.1 * torch.randn(n, 3, 64, 64, generator=generator)).clamp(0, 1), labels


@pytest.fixture(scope="module")
def problem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with photographs of five classes, and models of them: one trained adversarially, three spoilt."""
    root = tmp_path_factory.mktemp("problem")
    generator = torch.Generator().manual_seed(0)
    pixels, labels = batch(PHOTOGRAPHS, generator)
    for i, (image, label) in enumerate(zip(pixels, labels.tolist(), strict=True)):
        folder = root / "photographs" / CLASSES[label]
        folder.mkdir(parents=True, exist_ok=True)
        levels = (image.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        Image.fromarray(levels).resize((256, 256), Image.Resampling.NEAREST).save(folder / f"{i}.png")
    torch.save(adversarially_trained(generator).state_dict(), root / "linear.pth")
    (root / "models.py").write_text(MODELS.replace("{weights!r}", repr(str(root / "linear.pth"))))
    return root


def adversarially_trained(generator: torch.Generator, epsilon: float = 8 / 255) -> torch.nn.Linear:
    """The linear map, trained on the worst of three projected gradient steps (Madry et al. 2018)."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        linear = torch.nn.Linear(48, 5)
    optimiser = torch.optim.Adam(linear.parameters(), lr=0.05)

    def logits(x: torch.Tensor) -> torch.Tensor:
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (View().mean, View().std))
        normalised = (x - mean) / std
        return linear(torch.nn.functional.adaptive_avg_pool2d(normalised, 4).flatten(1))

    for _ in range(60):
        pixels, labels = batch(20, generator)
        change = torch.zeros_like(pixels)
        for _ in range(3):
            change.requires_grad_(True)
            loss = torch.nn.functional.cross_entropy(logits(pixels + change), labels)
            (slope,) = torch.autograd.grad(loss, change)
            change = (change.detach() + epsilon / 2 * slope.sign()).clamp(-epsilon, epsilon)
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(logits((pixels + change).clamp(0, 1)), labels).backward()
        optimiser.step()
    return linear


@pytest.fixture
def attacked(
    problem: Path, hardiness: Callable[..., Any], results: Callable[..., Any], tmp_path: Path
) -> Callable[..., Any]:
    """Runs benchmarks on one of the models and gives the results by benchmark."""

    def run(model: str, *benchmarks: str, more: tuple[str, ...] = (), out: Path | None = None) -> Any:
        out = out or tmp_path / "out"
        named = [part for benchmark in benchmarks for part in ("-b", benchmark)]
        told = hardiness(
            "run", "-m", f"py:{problem}/models.py:{model}", *named,
            "--data", f"imagenet={problem}/photographs", "--out", out, *more,
        )  # fmt: skip
        return told, {result["benchmark"]: result for result in results(out)}

    return run


def finding(result: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in result["findings"] if each["code"] == name]
    return found


def is_raised(form: dict[str, Any]) -> bool:
    return Fact.from_dict(form).is_raised


def score(result: dict[str, Any], metric: str, **condition: Any) -> dict[str, Any]:
    (found,) = [each for each in result["scores"] if each["metric"] == metric and each["condition"] == condition]
    return found


STANDARD = "whitebox:protocol=standard,epsilons=4/255+8/255,steps=1+5+10+20"
FEW = ("--limit", "10")


@pytest.mark.slow
def test_a_model_trained_to_hold_holds_and_the_attack_on_it_was_good(attacked: Callable[..., Any]) -> None:
    told, found = attacked("robust", STANDARD, more=FEW)
    result = found["whitebox"]
    assert told.status == 0, told.err
    assert score(result, "clean_accuracy")["value"] == 1.0
    assert score(result, "accuracy", epsilon=8 / 255, steps=20)["value"] == 1.0
    raised = {each["code"] for each in result["findings"] if is_raised(each)}
    assert raised == {"verdict"}, result["findings"]
    assert "cannot tell. With 10 images" in finding(result, "verdict")["text"]
    assert "verdict: At epsilon 4/255" in told.out


@pytest.mark.slow
def test_a_quantised_input_is_found_out(attacked: Callable[..., Any]) -> None:
    told, found = attacked("quantised", STANDARD, more=FEW)
    result = found["whitebox"]
    assert is_raised(finding(result, "zero gradients"))
    assert "100.0 %" in finding(result, "zero gradients")["text"]
    assert is_raised(finding(result, "must break"))
    assert "cannot be trusted" in finding(result, "verdict")["text"]
    assert "zero gradients: 100.0 %" in told.out.replace("\n", " ")


@pytest.mark.slow
def test_shattered_gradients_are_found_out_also_by_a_black_box(problem: Path, attacked: Callable[..., Any]) -> None:
    epsilons = "protocol=standard,epsilons=0.3"
    _, found = attacked(
        "shattered",
        f"whitebox:{epsilons},steps=1+5+10",
        f"blackbox:{epsilons},surrogate=py:{problem}/models.py:robust",
        more=FEW,
    )
    white, black = found["whitebox"], found["blackbox"]
    assert score(white, "accuracy", epsilon=0.3, steps=10)["value"] > 0.5
    assert is_raised(finding(white, "must break"))
    assert not is_raised(finding(white, "zero gradients"))
    assert is_raised(finding(white, "black box stronger")), (white["findings"], black["scores"])
    assert "cannot be trusted" in finding(white, "verdict")["text"]


@pytest.mark.slow
def test_gradients_that_are_not_numbers_are_told(attacked: Callable[..., Any]) -> None:
    _, found = attacked("broken", STANDARD, more=FEW)
    assert is_raised(finding(found["whitebox"], "non-finite gradients"))


def test_every_other_photograph_is_attacked_under_the_paper_protocol(
    attacked: Callable[..., Any], tmp_path: Path
) -> None:
    _, found = attacked("robust", "whitebox:epsilons=0.3,steps_at=0.3,steps=10,must_break=false,cross_checks=false")
    assert found["whitebox"]["counts"] == {
        "expected": 26,
        "evaluated": 26,
        "failed": 0,
        "images": 13,
    }  # 12 images, clean and attacked
    (run,) = (tmp_path / "out" / "records").iterdir()
    rows = pq.read_table(sorted(run.glob("*.parquet"))).to_pydict()
    names = sorted(set(rows["sample"]))
    everything = sorted(f"{CLASSES[i % 5]}/{i}" for i in range(PHOTOGRAPHS))
    assert names == everything[::2]


def test_the_same_command_again_attacks_nothing(attacked: Callable[..., Any], tmp_path: Path) -> None:
    arguments = "robust", "whitebox:protocol=standard,epsilons=4/255,steps=1+2"
    attacked = partial(attacked, more=("--limit", "4"))
    attacked(*arguments)
    shards = {path: path.read_bytes() for path in (tmp_path / "out" / "records").rglob("*.parquet")}
    measured = {path: path.read_bytes() for path in (tmp_path / "out" / "records").rglob("measured/*")}
    assert measured
    attacked(*arguments)
    assert {path: path.read_bytes() for path in (tmp_path / "out" / "records").rglob("*.parquet")} == shards
    assert {path: path.read_bytes() for path in (tmp_path / "out" / "records").rglob("measured/*")} == measured
    shard = min(shards)
    shard.unlink()
    attacked(*arguments)
    assert shard.read_bytes() == shards[shard]


def test_a_curve_that_falls_for_want_of_steps_is_told(attacked: Callable[..., Any]) -> None:
    _, found = attacked("robust", "whitebox:epsilons=0.3,steps_at=0.3,steps=1+2+5,must_break=false,cross_checks=false")
    assert is_raised(finding(found["whitebox"], "reach"))
    assert "for want of steps" in finding(found["whitebox"], "reach")["text"]


def test_restarts_break_no_less(attacked: Callable[..., Any], tmp_path: Path) -> None:
    options = "protocol=standard,epsilons=0.12,steps=1+2+3,must_break=false,cross_checks=false"
    _, once = attacked("robust", f"whitebox:{options}", out=tmp_path / "once")
    _, thrice = attacked("robust", f"whitebox:{options},restarts=3", out=tmp_path / "thrice")
    for steps in (1, 2, 3):
        values = [score(each["whitebox"], "accuracy", epsilon=0.12, steps=steps)["value"] for each in (once, thrice)]
        assert values[1] <= values[0]
    assert "of 3" in finding(thrice["whitebox"], "restarts")["text"]


def test_saved_pictures_keep_to_the_budget_and_are_counted(
    attacked: Callable[..., Any], problem: Path, tmp_path: Path
) -> None:
    told, found = attacked(
        "robust",
        "whitebox:protocol=standard,epsilons=0.4,steps=10,must_break=false,cross_checks=false",
        more=("--save-images",),
    )
    folder = tmp_path / "out" / "images" / "whitebox"
    pictures = sorted(folder.rglob("*.png"))
    success = score(found["whitebox"], "attack_success", epsilon=0.4, steps=10)
    assert len(pictures) == round(success["value"] * success["n"]) > 0
    assert (
        f"{len(pictures)} adversarial pictures were written to {folder}; 0 of them get another prediction" in told.err
    )
    told_of = [json.loads(line) for line in (folder / "manifest.jsonl").read_text().splitlines()]
    assert sorted(entry["file"] for entry in told_of) == [str(path.relative_to(folder)) for path in pictures]
    assert all(entry["prediction"] == entry["read_again"] != entry["label"] for entry in told_of)
    for picture in pictures:
        clean = np.asarray(
            Image.open(problem / "photographs" / picture.parent.name / f"{picture.name}").resize((256, 256))
        )
        given = np.asarray(Image.open(picture))
        assert given.shape == (224, 224, 3)
        assert np.abs(given.astype(int) - clean[16:240, 16:240].astype(int)).max() <= 0.4 * 255


def test_a_surrogate_is_attacked_once_for_all_models(
    problem: Path,
    hardiness: Callable[..., Any],
    results: Callable[..., Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from hardiness.engine import transfer

    calls = []
    run_round = transfer.run_round
    monkeypatch.setattr(transfer, "run_round", lambda *given, **named: (calls.append(1), run_round(*given, **named))[1])
    factory = f"py:{problem}/models.py"
    command = (
        "run", "-m", f"{factory}:robust", "-m", f"{factory}:quantised", "-m", f"{factory}:shattered",
        "-b", f"blackbox:surrogate={factory}:robust,protocol=standard,epsilons=0.1+0.4",
        "--data", f"imagenet={problem}/photographs", "--out", tmp_path / "out", "--limit", "16",
    )  # fmt: skip
    told = hardiness(*command)
    assert told.status == 0, told.err
    assert len(calls) == 2  # one shard of 16 images, two epsilons
    found = results(tmp_path / "out")
    assert len(found) == 3
    where = {"epsilon": 0.4, "steps": 10, "surrogate": f"{factory}:robust"}
    reached = {score(result, "surrogate_success", **where)["value"] for result in found}
    assert len(reached) == 1
    (own,) = [result for result in found if result["model"].endswith(":robust")]
    assert score(own, "attack_success", **where)["value"] == pytest.approx(reached.pop())
    assert own["run"]["surrogate"]["model"] == f"{factory}:robust"
    hardiness(*command)
    assert len(calls) == 2


@pytest.mark.slow
def test_autoattack_takes_what_it_can_and_leaves_what_holds(attacked: Callable[..., Any]) -> None:
    told, found = attacked("robust", "autoattack:epsilons=4/255+0.4,queries=20", more=("--limit", "4"))
    assert told.status == 0, told.err
    assert score(found["autoattack"], "accuracy", epsilon=4 / 255)["value"] == 1.0
    assert score(found["autoattack"], "accuracy", epsilon=0.4)["value"] == 0.0
    assert score(found["autoattack"], "accuracy", epsilon=0.4, group="apgd-ce")["value"] == 0.0


@pytest.mark.parametrize(
    ("benchmark", "line"),
    [
        ("whitebox:epsilons=-0.1", "whitebox:epsilons must lie in [0, 1], in units of the [0, 1] range, had -0.1"),
        ("whitebox:epsilons=8", "whitebox:epsilons must lie in [0, 1]"),
        ("whitebox:epsilons=0", "whitebox:epsilons must be above 0, had 0"),
        ("whitebox:attack=pgdd", "unknown attack 'pgdd'; did you mean 'pgd'"),
        ("whitebox:attack=fgsm,loss=margin", "neither benchmark whitebox nor its attack fgsm has an option 'loss'"),
        ("whitebox:norm=l1,epsilons=3", "whitebox: attack pgd does not know norm 'l1'; it knows linf, l2"),
        ("whitebox:attack=square,area=3", "area must be above 0 and at most 1, was 3.0"),
        ("whitebox:attack=apgd-t", "whitebox: attack apgd-t is untargeted"),
        ("autoattack:version=best", "unknown version of autoattack 'best'"),
        ("whitebox:epsilons=4/0", "whitebox:epsilons must be of type float, was '4/0'"),
        ("whitebox:steps=0+5", "whitebox:steps must be different whole numbers of 1 or more, had 0+5"),
        ("whitebox:protocol=standart", "unknown protocol of whitebox 'standart'; did you mean 'standard'?"),
        ("whitebox:norm=l2", "whitebox:norm=l2 needs its own epsilons"),
        ("whitebox:restarts=0", "whitebox:restarts must be at least 1, was 0"),
        ("blackbox:surrogate=resnext50_32x4", "did you mean 'resnext50_32x4d'"),
        ("autoattack:norm=l1", "attack autoattack does not know norm 'l1'"),
    ],
)
def test_bad_options_are_one_line(
    attacked: Callable[..., Any], hardiness: Callable[..., Any], benchmark: str, line: str, tmp_path: Path
) -> None:
    told = hardiness("run", "-m", "squeezenet1_1", "-b", benchmark, "--data", "embedded", "--out", tmp_path / "out")
    assert told.status == 2
    assert line in told.lines[-1]
    assert len(told.lines) == 1


def test_a_model_without_gradients_is_told_and_can_be_attacked_through_another(
    problem: Path, hardiness: Callable[..., Any], results: Callable[..., Any], tmp_path: Path
) -> None:
    weights = np.random.default_rng(0).normal(size=(3, 5)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["x"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
    ]
    given = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, 224, 224])
    told_by = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 5])
    graph = helper.make_graph(nodes, "g", [given], [told_by], [numpy_helper.from_array(weights, "weights")])
    file = tmp_path / "colours.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file)
    data = ("--data", f"imagenet={problem}/photographs", "--out", tmp_path / "out", "--limit", "4")
    told = hardiness("run", "-m", f"onnx:{file}:mean=0.485/0.456/0.406,std=0.229/0.224/0.225", "-b", "whitebox", *data)
    assert told.status == 1
    assert "has no gradients (it runs in ONNX Runtime), so it cannot be attacked itself" in told.lines[-1]
    told = hardiness(
        "run",
        "-m",
        f"onnx:{file}:mean=0.485/0.456/0.406,std=0.229/0.224/0.225",
        "-b",
        f"blackbox:surrogate=py:{problem}/models.py:robust,epsilons=0.1",
        *data,
    )
    assert told.status == 0, told.err
    for asked in ("attack=square,epsilons=0.4", "attack=hopskipjump,norm=l2,epsilons=40"):
        told = hardiness(
            "run",
            "-m",
            f"onnx:{file}:mean=0.485/0.456/0.406,std=0.229/0.224/0.225",
            "-b",
            f"whitebox:protocol=standard,{asked},steps=5+30",
            *data,
        )
        assert told.status == 0, told.err
    by_queries = [
        [s["value"] for s in result["scores"] if s["metric"] == "accuracy"]
        for result in results(tmp_path / "out")
        if result["benchmark"] == "whitebox"
    ]
    assert [len(each) for each in by_queries] == [2, 2]
    assert all(few >= many for few, many in by_queries), "queries are the steps of what sees no gradient"


@pytest.mark.slow
def test_the_paper_protocol_equals_its_own_loop_written_out(hardiness: Callable[..., Any], tmp_path: Path) -> None:
    """Foolbox 1.8 as Orhan 2019 ran it, image by image: start, then gradient, step, project, clip, predict."""
    from hardiness.attacks.threats.norm_balls import uniform
    from hardiness.core.model import CANVAS_224
    from hardiness.core.random import rng
    from hardiness.data.root import locate
    from hardiness.imaging.codecs import decode
    from hardiness.imaging.resizing import on_canvas
    from hardiness.models.loading import load

    hardiness(
        "run", "-m", "squeezenet1_1",
        "-b", "whitebox:epsilons=0.01+0.06,steps=1+3+10,must_break=false,cross_checks=false",
        "--data", "embedded", "--limit", "3", "--out", tmp_path / "out", "--quiet",
    )  # fmt: skip
    (run,) = (tmp_path / "out" / "records").iterdir()
    rows = pq.read_table(sorted(run.glob("*.parquet"))).to_pylist()
    items = {item.id: item for item in locate(["embedded"]).dataset("imagenet").items}
    classifier = load("squeezenet1_1")
    epsilons = {1: 0.01, 2: 0.06, 3: 0.06, 4: 0.06}
    for row in rows:
        item = items[row["sample"]]
        image = on_canvas(decode(item.file.read(), item.id), CANVAS_224)
        pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        clean = int(classifier.differentiable(pixels).argmax())
        if row["condition"] == 0:
            assert row["prediction"] == clean
            continue
        draw = int(rng(0, "target", item.id).integers(999))
        target = draw + (draw >= item.label)
        assert row["target"] == target
        if row["condition"] == 1 and row["step"] < 0:
            assert row["prediction"] == clean
        epsilon = epsilons[row["condition"]]
        noise = uniform("linf", (1, 3, 224, 224), [rng(0, "start", 0, item.id)])
        if row["step"] > 0:
            assert row["prediction"] == target
            assert first_success(classifier, pixels, epsilon, target, noise) == row["step"]


def first_success(classifier: Any, pixels: torch.Tensor, epsilon: float, target: int, noise: torch.Tensor) -> int:
    x = pixels + epsilon * noise
    for step in range(1, 51):
        x = x.detach().requires_grad_(True)
        loss = torch.nn.functional.cross_entropy(classifier.differentiable(x), torch.tensor([target]))
        (slope,) = torch.autograd.grad(loss, x)
        x = x.detach() - 2 / 255 * slope.sign()
        x = (pixels + (x - pixels).clamp(-epsilon, epsilon)).clamp(0, 1)
        if int(classifier.differentiable(x).argmax()) == target:
            return step
    return -1
