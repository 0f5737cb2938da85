"""Masks against flags: which findings the report on an attack raises about networks whose gradients are hidden.

    python bench/masks.py [--json] [--write docs/attack_checks.md] [--on LAP] [MASK …]

Every mask of ``tests/masked/networks.py`` is put on EfficientNet-Lite0 (8 photographs on the 224 canvas, 4/255, 20
steps) and on two small networks, trained adversarially and ordinarily (16 crops, 8/255, 40 steps), each attacked with
everything that the report asks for. ``--on RT`` takes networks for CIFAR-10 on 16 of its test pictures instead:
ResNet-20 (**R**, 1/255) and a small network that is trained adversarially here, in minutes (**T**, 8/255). A mask must
be called by a finding that names its kind, and what stands under it must not be believed; the three networks without a
mask must raise nothing about the attack. A row is printed as soon as it is known. ``--on AP`` leaves Lite0 out, which
takes nearly all of the time; ``--write`` puts the table into that page, between its marks. The short size puts one mask
on one of the small networks.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn
from torchvision.transforms import Normalize

from hardiness.core.model import CANVAS_224
from hardiness.data.items import limited
from hardiness.data.root import locate
from hardiness.engine.batch import QueuedPicture
from hardiness.imaging.codecs import decode
from hardiness.imaging.resizing import on_canvas
from hardiness.models.naming import resolve
from hardiness.models.preprocessing import to_pixels
from hardiness.report.words import text

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("tests/masked", "docs")]

from findings import crops, raised, report  # noqa: E402
from networks import CLASSES, KINDS, MASKS, WORDS  # noqa: E402
from networks import crops as small  # noqa: E402
from write import table, with_block  # noqa: E402

import cifar_attacks  # noqa: E402  # bench's own
from bars import at_least, at_most, sized, tell, versions  # noqa: E402
from cifar import extract, pictures_of  # noqa: E402
from fidelity import data_root  # noqa: E402

DATA = os.environ.get("HARDINESS_DATA", "embedded")
CHECKS = (
    "zero gradients", "non-finite gradients", "saturated logits", "gradient mismatch", "shattered gradients",
    "randomised", "weaker than noise", "other loss takes more", "square takes more", "memory", "hard decision",
    "must break",
)  # fmt: skip
"""The columns of the table; what is raised beside them (steps, loss, restarts, reach) asks for a longer attack."""
LONGER = {"verdict", "steps", "loss", "restarts", "reach"}
NO_MASK = "none"
PHOTOGRAPHS = 8


@dataclass(frozen=True)
class Victim:
    """A network with its pictures.

    Attributes:
        letter: that stands for it in the table.
        network: takes pixels in [0, 1].
        rows: the pictures.
        asked: the benchmark.
        classes: how many it tells apart.
    """

    letter: str
    network: nn.Module
    rows: Sequence[QueuedPicture]
    asked: str
    classes: int


def lite0() -> nn.Module:
    """EfficientNet-Lite0 with its mean and std inside, so that masks see pixels."""
    spec = resolve("efficientnet_lite0")
    return nn.Sequential(Normalize(spec.view.mean, spec.view.std), spec.builder()(spec)).eval().requires_grad_(False)


def photographs() -> list[QueuedPicture]:
    """Photographs on the canvas, of as many classes."""
    items = limited(locate([DATA]).dataset("imagenet").items, PHOTOGRAPHS, 0)
    return [
        QueuedPicture(item.id, (), 0, item.label, on_canvas(decode(item.file.read(), item.file.name), CANVAS_224))
        for item in items
    ]


def cifar_victim(letter: str) -> Victim:
    """A network for CIFAR-10, with the first of the test pictures that it answers correctly."""
    data = data_root() / "cifar10"
    with tempfile.TemporaryDirectory() as folder:
        if letter == "R":
            network = cifar_attacks.resnet20(data, Path(folder))
        else:
            network = cifar_attacks.trained(*pictures_of(extract(data / "test_jpeg.tar", Path(folder))))
    with np.load(data / "test_first_500.npz") as first:
        pictures, labels = first["x"], first["y"]
    right = network(to_pixels([*pictures])).argmax(1).numpy() == labels
    rows = [
        QueuedPicture(str(place), (), 0, int(labels[place]), pictures[place]) for place in np.flatnonzero(right)[:16]
    ]
    budget = {"R": "1/255", "T": "8/255"}[letter]
    return Victim(letter, network, rows, f"whitebox:protocol=standard,epsilons={budget},steps=1+10+40", 10)


def victims(letters: str) -> list[Victim]:
    """Those of the three networks that these letters stand for."""
    cropped = crops()
    small_asked = "whitebox:protocol=standard,epsilons=8/255,steps=1+10+40"
    found = [
        Victim("A", small("adversarial"), cropped, small_asked, CLASSES),
        Victim("P", small("plain"), cropped, small_asked, CLASSES),
        *(cifar_victim(letter) for letter in letters if letter in "RT"),
    ]
    if "L" in letters:
        asked = "whitebox:protocol=standard,epsilons=4/255,steps=1+10+20"
        found.insert(0, Victim("L", lite0(), photographs(), asked, 1000))
    return [each for each in found if each.letter in letters]


def row(mask: str, networks: Sequence[Victim]) -> dict[str, tuple[set[str], str]]:
    """By letter, what is raised about each network behind the mask, and the verdict in a word or two."""
    make: Callable[[nn.Module], nn.Module] = MASKS.get(mask, lambda network: network)
    found = {}
    for each in networks:
        findings = report(make(each.network), each.rows, each.asked, each.classes)
        found[each.letter] = (raised(findings), word(text(findings["verdict"])))
    return found


def word(verdict: str) -> str:
    """What a verdict comes to."""
    known = ("Withdrawn", "Upper bound", "not robust", "falls in part", "cannot tell", "holds")
    return next((each.lower() for each in known if each in verdict), verdict)


def cells(found: dict[str, tuple[set[str], str]]) -> list[str]:
    """The letters under each check, then the verdict, or who got which."""
    checks = ["".join(letter for letter, (names, _) in found.items() if check in names) for check in CHECKS]
    verdicts: dict[str, str] = {}
    for letter, (_, verdict) in found.items():
        verdicts[verdict] = verdicts.get(verdict, "") + letter
    if len(verdicts) == 1:
        return [*checks, *verdicts]
    return [*checks, "; ".join(f"{verdict} {letters}" for verdict, letters in verdicts.items())]


def named(mask: str, found: dict[str, tuple[set[str], str]]) -> int:
    """About how many networks a finding names the mask's kind, and nothing that stands is believed."""
    believed = {"falls in part", "cannot tell", "holds"}
    return sum(bool(names & KINDS[mask]) and verdict not in believed for names, verdict in found.values())


def main() -> int:
    """Print the table, row by row, then what it comes to."""
    warnings.simplefilter("ignore")
    page = Path(sys.argv[sys.argv.index("--write") + 1]) if "--write" in sys.argv else None
    chosen = [each for each in sys.argv[1:] if each in MASKS] or list(MASKS)[: sized(len(MASKS))]
    letters = sys.argv[sys.argv.index("--on") + 1] if "--on" in sys.argv else "LAP"[-sized(3) :]
    block = "cifar masks" if set(letters) <= set("RT") else "masks"
    networks, began = victims(letters), time.perf_counter()
    lines, caught, alarms = [], 0, 0
    for mask in (NO_MASK, *chosen):
        found = row(mask, networks)
        lines.append((WORDS.get(mask, mask), *cells(found)))
        print(" | ".join(lines[-1]), f"  ({time.perf_counter() - began:.0f} s)", file=sys.stderr, flush=True)
        if mask == NO_MASK:
            alarms = sum(bool(names - LONGER) for names, _ in found.values())
        else:
            caught += named(mask, found)
    written = table(("mask", *CHECKS, "verdict"), lines)
    if "--json" not in sys.argv:
        print(written)
    if page:
        page.write_text(with_block(page.read_text("utf-8"), block, written), "utf-8")
    bars: dict[str, dict[str, Any]] = {
        "masked networks that are named and not believed": at_least(caught, len(chosen) * len(networks)),
        "networks without a mask of which anything is raised": at_most(alarms, 0),
    }
    return tell(bars, {"seconds": time.perf_counter() - began}, versions("torch", "timm"), 1)


if __name__ == "__main__":
    sys.exit(main())
