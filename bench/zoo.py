"""Every family of models through the default runtime, against the plain model under its own library's transform.

    python bench/zoo.py [--json] [--csv FILE] [--only PATTERN] [--sample N] [--into FILE.jsonl]

Weights are random, pictures are made here, so nothing is downloaded. A model holds where its logits lie within 1e-3
of the largest of the plain, unfolded network of its library, fed by that library's own transform, and where every
prediction is the same whose top class leads by over 2e-3 of it. ``--csv`` writes docs/models_tried.csv. With
``--into`` each model runs in a process of its own and its row is appended to the file at once; rows that stand there
are not run again, so that the whole zoo can be run in pieces. The short size takes one model of each library.
"""

from __future__ import annotations

import csv
import fnmatch
import json
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from bars import SHORT, at_least, at_most, tell, versions
from hardiness.core.random import rng
from hardiness.imaging.resizing import on_canvas
from hardiness.models.loading import load
from hardiness.models.preprocessing import to_pixels

LOGITS_BAR, LEAD = 1e-3, 2e-3
PICTURES = ((301, 402), (403, 300), (375, 500), (333, 333))
FAMILIES_BAR = 60

TIMM = (
    "bat_resnext26ts",
    "botnet26t_256",
    "caformer_s18",
    "cait_xxs24_224",
    "coat_lite_tiny",
    "coat_tiny",
    "coatnet_nano_rw_224",
    "convformer_s18",
    "convit_tiny",
    "convmixer_768_32",
    "convnext_atto",
    "convnextv2_atto",
    "crossvit_9_240",
    "cs3darknet_m",
    "cspresnet50",
    "davit_tiny",
    "deit3_small_patch16_224",
    "deit_tiny_patch16_224",
    "densenet121",
    "dla46_c",
    "dm_nfnet_f0",
    "dpn68",
    "eca_nfnet_l0",
    "edgenext_xx_small",
    "efficientformer_l1",
    "efficientformerv2_s0",
    "efficientnet_b0",
    "efficientvit_b0",
    "efficientvit_m0",
    "ese_vovnet19b_dw",
    "eva02_tiny_patch14_336",
    "fasternet_t0",
    "fastvit_t8",
    "fbnetc_100",
    "flexivit_small",
    "focalnet_tiny_srf",
    "gcvit_xxtiny",
    "gernet_s",
    "ghostnet_100",
    "ghostnetv2_100",
    "gmlp_s16_224",
    "halonet26t",
    "halonet50ts",
    "hardcorenas_a",
    "hgnetv2_b0",
    "hiera_tiny_224",
    "hrnet_w18_small",
    "inception_next_tiny",
    "inception_resnet_v2",
    "inception_v3",
    "inception_v4",
    "lambda_resnet26t",
    "lcnet_050",
    "legacy_seresnet18",
    "levit_128s",
    "mambaout_femto",
    "maxvit_rmlp_pico_rw_256",
    "mixer_b16_224",
    "mnasnet_small",
    "mobilenetv1_100",
    "mobilenetv2_050",
    "mobilenetv3_small_050",
    "mobilenetv4_conv_small",
    "mobilenetv4_hybrid_medium",
    "mobileone_s0",
    "mobilevit_xxs",
    "mobilevitv2_050",
    "mvitv2_tiny",
    "nest_tiny_jx",
    "nextvit_small",
    "nf_regnet_b1",
    "nf_resnet50",
    "pit_ti_224",
    "poolformer_s12",
    "poolformerv2_s12",
    "pvt_v2_b0",
    "rdnet_tiny",
    "regnetx_002",
    "regnety_002",
    "repghostnet_050",
    "repvgg_a0",
    "repvit_m0_9",
    "res2net50_14w_8s",
    "resmlp_12_224",
    "resnest14d",
    "resnet10t",
    "resnetv2_50",
    "resnext26ts",
    "rexnet_100",
    "sebotnet33ts_256",
    "sehalonet33ts",
    "selecsls42b",
    "semnasnet_075",
    "sequencer2d_s",
    "shvit_s1",
    "skresnet18",
    "spnasnet_100",
    "starnet_s1",
    "swiftformer_xs",
    "swin_s3_tiny_224",
    "swin_tiny_patch4_window7_224",
    "swinv2_cr_tiny_ns_224",
    "swinv2_tiny_window8_256",
    "tf_efficientnetv2_b0",
    "tiny_vit_5m_224.dist_in22k_ft_in1k",
    "tinynet_e",
    "tnt_s_legacy_patch16_224",
    "tresnet_m",
    "twins_pcpvt_small",
    "twins_svt_small",
    "vgg11",
    "visformer_tiny",
    "vit_relpos_small_patch16_224",
    "vit_tiny_patch16_224",
    "volo_d1_224",
    "xception41",
    "xcit_nano_12_p16_224",
)
TORCHVISION = (
    "alexnet",
    "convnext_tiny",
    "densenet121",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "googlenet",
    "inception_v3",
    "maxvit_t",
    "mnasnet0_5",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "regnet_y_400mf",
    "resnet18",
    "shufflenet_v2_x0_5",
    "squeezenet1_1",
    "swin_t",
    "swin_v2_t",
    "vgg11",
    "vit_b_16",
)
SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32}
TRANSFORMERS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "vit": ("ViT", "ViT", SMALL),
    "deit": ("DeiT", "DeiT", SMALL),
    "beit": ("Beit", "Beit", {**SMALL, "image_size": 224}),
    "dinov2": ("Dinov2", "Bit", {**SMALL, "image_size": 224, "patch_size": 14}),
    "swin": ("Swin", "ViT", {"embed_dim": 16, "depths": [1, 1], "num_heads": [2, 2]}),
    "convnext": ("ConvNext", "ConvNext", {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1]}),
    "resnet": ("ResNet", "ConvNext", {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1]}),
    "regnet": (
        "RegNet",
        "ConvNext",
        {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "groups_width": 4},
    ),
    "levit": ("Levit", "Levit", {"hidden_sizes": [32, 48, 64], "num_attention_heads": [2, 3, 4], "depths": [1, 1, 1]}),
    "mobilevit": (
        "MobileViT",
        "MobileViT",
        {"hidden_sizes": [24, 24, 32], "neck_hidden_sizes": [8, 8, 8, 16, 16, 16, 64]},
    ),
    "poolformer": ("PoolFormer", "PoolFormer", {"hidden_sizes": [8, 16, 16, 32], "depths": [1, 1, 1, 1]}),
    "pvt": ("Pvt", "Pvt", {"hidden_sizes": [8, 16, 40, 64], "depths": [1, 1, 1, 1], "num_labels": 10}),
}
ONNX = ("resnet18", "mobilenetv3_small_050", "vit_tiny_patch16_224")
TRIED: dict[str, tuple[str, ...]] = (
    {"timm": ("lcnet_050",), "torchvision": ("squeezenet1_1",), "hf": ("vit",), "onnx": ("mobilenetv3_small_050",)}
    if SHORT
    else {"timm": TIMM, "torchvision": TORCHVISION, "hf": tuple(TRANSFORMERS), "onnx": ONNX}
)

Transform = Callable[[Image.Image], Tensor]


@dataclass
class Row:
    """What was seen of one model; ``error`` where it did not run."""

    model: str
    family: str
    pixels: int = 0
    runtime: str = ""
    apart: float = float("nan")
    predictions: bool = False
    seconds: float = 0.0
    images_s: float = 0.0
    fallback: str = ""
    error: str = ""

    @property
    def holds(self) -> bool:
        return not self.error and self.apart <= LOGITS_BAR and self.predictions


def pictures() -> list[np.ndarray]:
    """Coarse patches under noise, of odd sizes."""
    made = []
    for height, width in PICTURES:
        draws = rng(0, "zoo", f"{height}x{width}")
        coarse = draws.integers(0, 200, (height // 24 + 1, width // 24 + 1, 3)).repeat(24, 0).repeat(24, 1)
        made.append((coarse[:height, :width] + draws.integers(0, 56, (height, width, 3))).astype(np.uint8))
    return made


def from_timm(name: str) -> tuple[nn.Module, Transform]:
    """A network of timm and timm's evaluation transform."""
    import timm
    from timm.data import create_transform, resolve_data_config

    network = timm.create_model(name)
    config = resolve_data_config(pretrained_cfg=timm.models.get_pretrained_cfg(name).to_dict())
    return network, create_transform(**config)


def from_torchvision(name: str) -> tuple[nn.Module, Transform]:
    """A network of torchvision and the transform of its default weights."""
    from torchvision import models as published

    weights = published.get_model_weights(name).DEFAULT
    settings = {"transform_input": True, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return published.get_model(name, weights=None, **settings), weights.transforms()


def from_transformers(kind: str, folder: Path) -> tuple[nn.Module, Transform]:
    """A tiny network of transformers, saved to a folder, and its own PIL processor."""
    import transformers

    prefix, processor, settings = TRANSFORMERS[kind]
    labels = {"id2label": {index: f"class {index}" for index in range(10)}}
    config = getattr(transformers, f"{prefix}Config")(**settings, **labels)
    network = getattr(transformers, f"{prefix}ForImageClassification")(config)
    own = getattr(transformers, f"{processor}ImageProcessorPil")()
    network.save_pretrained(folder)
    own.save_pretrained(folder)
    return network, lambda image: torch.from_numpy(np.array(own(image, return_tensors="np")["pixel_values"][0]))


def from_onnx(name: str, folder: Path) -> tuple[nn.Module, Transform, str]:
    """A timm network exported to ONNX, timm's transform, and what names the file with that view."""
    network, transform = from_timm(name)
    classifier = load(f"timm:{name}:weights=random", device="cpu", runtime="torch")
    network.load_state_dict(classifier._original.network.state_dict())
    view, file = classifier.spec.view, folder / f"{name}.onnx"
    example = torch.zeros(1, 3, view.crop_px, view.crop_px)
    torch.onnx.export(
        network.eval(), (example,), file, input_names=["images"], dynamic_axes={"images": {0: "n"}}, dynamo=False
    )
    numbers = ",".join(f"{key}={'/'.join(map(str, getattr(view, key)))}" for key in ("mean", "std"))
    geometry = f"resize_px={view.resize_px},crop_px={view.crop_px},interpolation={view.interpolation}"
    return network, transform, f"onnx:{file}:{geometry},{numbers}"


def plain(network: nn.Module, transform: Transform, made: list[np.ndarray]) -> np.ndarray:
    """Logits of eager, unfolded torch under the library's transform."""
    pixels = torch.stack([transform(Image.fromarray(picture)).float() for picture in made])
    with torch.no_grad():
        found = network.eval()(pixels)
    found = getattr(found, "logits", found)
    return (found[0] if isinstance(found, tuple) else found).numpy()


def measured(name: str, family: str, network: nn.Module, transform: Transform, made: list[np.ndarray]) -> Row:
    """One model, loaded as a person would, against its plain self with the same weights."""
    row = Row(name if not name.startswith("onnx:") else f"onnx:{family}", family)
    begun = time.perf_counter()
    classifier = load(name, device="cpu")
    if classifier.has_gradients:
        network.load_state_dict(classifier._original.network.state_dict())
    view = classifier.spec.view
    pixels = to_pixels([on_canvas(picture, view.canvas) for picture in made])
    found = classifier.logits(pixels)
    row.seconds = time.perf_counter() - begun
    begun = time.perf_counter()
    classifier.logits(pixels)
    row.images_s = len(made) / (time.perf_counter() - begun)
    expected = plain(network, transform, made)
    largest = np.abs(expected).max()
    row.apart = float(np.abs(found - expected).max() / largest)
    ordered = np.sort(expected, axis=1)
    clear = (ordered[:, -1] - ordered[:, -2]) > LEAD * largest
    row.predictions = bool((found.argmax(1) == expected.argmax(1))[clear].all())
    row.pixels, row.runtime = view.crop_px, classifier.runtimes.name
    row.fallback = (classifier.runtimes.agreement.fallback or "") if classifier.runtimes.agreement else ""
    return row


def names() -> list[str]:
    """Every model of the bench, as its row is called."""
    return [f"{prefix}:{name}" for prefix, each in TRIED.items() for name in each]


def kept(file: Path) -> dict[str, Row]:
    """The rows of a file, by model."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return {row["model"]: Row(**row) for row in map(json.loads, lines)}


def run_apart(wanted: Callable[[str], bool], file: Path) -> list[Row]:
    """The rows of all models that are wanted: those of the file, and each of the others in a process of its own."""
    todo = [name for name in names() if wanted(name)]
    for name in todo:
        if name in kept(file):
            continue
        command = [sys.executable, __file__, "--only", name, "--rows"]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        try:
            (row,) = json.loads(ended.stdout)
        except ValueError:
            row = asdict(Row(name, name.partition(":")[2], error=f"its process ended with {ended.returncode}"))
        with file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")
    found = kept(file)
    return [found[name] for name in todo]


def cases(made: list[np.ndarray], wanted: Callable[[str], bool]) -> Iterator[Row]:
    """A row for every model that is wanted; one that fails has its error in it."""
    with tempfile.TemporaryDirectory() as scratch:
        todo: list[tuple[str, str, Callable[[], tuple[Any, ...]]]] = []
        todo += [(f"timm:{n}:weights=random", n, lambda n=n: from_timm(n)) for n in TRIED["timm"]]
        todo += [(f"torchvision:{n}:weights=random", n, lambda n=n: from_torchvision(n)) for n in TRIED["torchvision"]]
        for kind in TRIED["hf"]:
            folder = Path(scratch) / kind
            todo.append((f"hf:{folder}:weights=random", kind, lambda k=kind, f=folder: from_transformers(k, f)))
        todo += [(f"onnx:{n}", n, lambda n=n: from_onnx(n, Path(scratch))) for n in TRIED["onnx"]]
        for name, family, make in todo:
            shown = f"{name.partition(':')[0]}:{family}"
            if not wanted(shown):
                continue
            try:
                with torch.random.fork_rng(devices=[]):
                    network, transform, *path = make()
                row = measured(path[0] if path else name, family, network, transform, made)
            except Exception as error:  # noqa: BLE001  # a bench over libraries: whatever it is, it is a row
                row = Row(shown, family, error=f"{type(error).__name__}: {str(error).splitlines()[0][:150]}")
            row.model = shown
            print(f"  {shown:44} {row.runtime:12} {row.apart:9.1e}  {row.error or row.fallback[:90]}", file=sys.stderr)
            yield row


def write_csv(rows: list[Row], file: Path) -> None:
    """A line a model."""
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream, lineterminator="\n")
        lines.writerow(
            ("model", "pixels", "runtime", "largest difference", "load and check, s", "images/s", "why not OpenVINO")
        )
        for row in rows:
            remark = (row.error or row.fallback).replace("max|Δ|/max|logit|", "difference")
            numbers = (f"{row.apart:.0e}", f"{row.seconds:.1f}", f"{row.images_s:.0f}")
            lines.writerow((row.model, row.pixels, row.runtime, *numbers, remark))


def argument(name: str, default: str) -> str:
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default


def main() -> int:
    """Run the cases and print what was found."""
    warnings.simplefilter("ignore")
    pattern, step = argument("--only", "*"), int(argument("--sample", "1"))
    counter = iter(range(10**6))

    def wanted(shown: str) -> bool:
        return fnmatch.fnmatch(shown, pattern) and next(counter) % step == 0

    into = argument("--into", "")
    rows = run_apart(wanted, Path(into)) if into else list(cases(pictures(), wanted))
    if file := argument("--csv", ""):
        write_csv(rows, Path(file))
        return 0
    if "--rows" in sys.argv:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return 0
    ran = [row for row in rows if not row.error]
    bars = {
        "the same work: share of models that hold": at_least(sum(row.holds for row in rows) / max(len(rows), 1), 1.0),
        "largest difference of logits": at_most(max((row.apart for row in ran), default=1.0), LOGITS_BAR),
    }
    if step == 1 and pattern == "*":
        bars["families of timm"] = at_least(float(len(TIMM)), float(FAMILIES_BAR))
    notes = {
        "models": len(rows),
        "in torch, as OpenVINO cannot": sum(row.runtime == "torch" for row in ran),
        "did not hold": ", ".join(row.model for row in rows if not row.holds) or "none",
    }
    return tell(bars, notes, versions("torch", "torchvision", "timm", "transformers", "openvino", "onnxruntime"), 1)


if __name__ == "__main__":
    sys.exit(main())
