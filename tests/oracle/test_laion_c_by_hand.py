"""LAION-C's distortions by their rules, its 16 superclasses, and its scores of a few rows by hand."""

from __future__ import annotations

import hashlib
from pathlib import Path
from random import Random

import numpy as np
import PIL.Image
import PIL.ImageDraw
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.laion_c import CELLS, LaionC
from hardiness.core.condition import Condition
from hardiness.core.result import Score
from hardiness.core.run import DataIdentity, Run
from hardiness.core.table import Records
from hardiness.data.root import locate
from hardiness.distortions.apply import corrupt, corruptions
from hardiness.distortions.still.laion import Shapes, shapes_version
from hardiness.reference.categories import laion_c

IMAGE = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
GREY = np.full((224, 224, 3), 128, np.uint8)


def test_the_superclasses_are_the_published_ones() -> None:
    sizes = {name: len(classes) for name, classes in laion_c().items()}
    assert len(sizes) == 16
    assert sum(sizes.values()) == 285
    assert (sizes["fruit"], sizes["bird"], sizes["dog"], sizes["car_truck"]) == (6, 49, 109, 11)


def test_a_checkerboard_is_brighter_and_darker_in_turn() -> None:
    for severity, (least, most) in enumerate(((0, 50), (50, 100), (100, 125), (125, 150), (150, 255)), start=1):
        out = corrupt(GREY, "luminance_checkerboard", severity, id="a").astype(int)
        tiles = out.reshape(16, 14, 16, 14, 3).swapaxes(1, 2).reshape(16, 16, -1)
        assert (np.ptp(tiles, axis=2) == 0).all()
        shift = tiles[..., 0] - 128
        rows, columns = np.indices(shift.shape)
        even = (rows + columns) % 2 == 0
        assert (shift[even] >= min(least, 127) - 1).all()
        assert (shift[even] <= most).all()
        assert (shift[~even] <= 1 - min(least, 128)).all()
        assert (shift[~even] >= -most - 1).all()


def test_shapes_are_drawn_as_pil_draws_them() -> None:
    entry = corruptions.get("geometric_shapes")
    kind = np.array([1, 3, 0])
    colour = np.array([[255, 0, 0], [0, 255, 0], [0, 0, 255]])
    draws = Shapes(
        kind, np.array([10, 50, 90]), np.array([20, 60, 100]), np.array([10, 8, 12]), np.zeros(3, int), colour
    )
    expected = PIL.Image.fromarray(GREY)
    drawn = PIL.ImageDraw.Draw(expected)
    drawn.rectangle([10, 20, 20, 30], fill=(255, 0, 0))
    drawn.ellipse([50, 60, 58, 68], fill=(0, 255, 0))
    drawn.polygon([(90, 100), (102, 100), (96, 112)], fill=(0, 0, 255))
    np.testing.assert_array_equal(entry.apply(GREY, entry.level(1), draws), np.array(expected))


SHAPES_BY_VERSION = {1: "9155fd4a7cf14f22", 2: "3a6c3ca72e98aa10", 3: "83d8d20cadde44c7"}
"""The first digits of the sha256 of severities 1 and 3, under Pillow 11.2 to 13.0, 11.1, and 10.3 to 11.0."""


def test_the_version_of_shapes_says_which_pillow_drew_them() -> None:
    """Runs under releases of Pillow that draw other pixels have other keys."""
    entry = corruptions.get("geometric_shapes")
    assert entry.version == shapes_version(PIL.__version__)
    drawn = (corrupt(IMAGE, "geometric_shapes", severity, id="a").tobytes() for severity in (1, 3))
    assert "".join(hashlib.sha256(pixels).hexdigest()[:8] for pixels in drawn) == SHAPES_BY_VERSION[entry.version]
    versions = ("10.3.0", "11.0.0", "11.1.0", "11.2.1", "11.3.0", "12.0.0", "13.0.0", "13.1.0.dev0")
    assert [shapes_version(pillow) for pillow in versions] == [3, 3, 2, 1, 1, 1, 1, 1]


def test_a_star_has_five_points_around_its_place() -> None:
    entry = corruptions.get("geometric_shapes")
    one = np.array([2]), np.array([100]), np.array([100]), np.array([15]), np.array([0]), np.array([[9, 9, 9]])
    out = entry.apply(GREY, entry.level(1), Shapes(*one))
    rows, columns = np.nonzero((out == 9).all(axis=2))
    far = 15 / 1.2
    assert rows.max() == pytest.approx(100 + far, abs=1)  # the first point, downwards
    assert columns.max() - columns.min() == pytest.approx(2 * far * np.sin(np.radians(72)), abs=2)
    assert abs(columns.mean() - 100) < 0.5


@pytest.mark.parametrize("severity", [1, 5])
def test_lines_bend_to_the_left_where_it_is_dark(severity: int) -> None:
    """The published loop in its own words."""
    columns, step = {1: (224, 1), 5: (60, 8)}[severity]
    grey = np.array(PIL.Image.fromarray(IMAGE).convert("L"))
    expected = PIL.Image.new("RGB", (224, 224))
    drawn = PIL.ImageDraw.Draw(expected)
    for column in range(columns if severity == 5 else 30):
        x = column / columns * 224
        before: tuple[float, float] = (x, 0)
        for y in range(0, 224, step):
            left, right = int(x), min(int(x + 224 / columns), 224)
            block, shade = IMAGE[y : y + step, left:right], grey[y : y + step, left:right]
            count = block.shape[0] * block.shape[1]
            mean = tuple(int(total) // count for total in block.astype(int).sum(axis=(0, 1)))
            point = (x - 40 * (1 - shade.mean() / 255), y)
            drawn.line([before, point], fill=mean, width=1)
            before = point
    seen = corrupt(IMAGE, "vertical_lines", severity)
    wide = 224 if severity == 5 else 0  # later lines cover the first ones, but for what lies left of all
    np.testing.assert_array_equal(seen[:, :wide], np.array(expected)[:, :wide])
    assert (corrupt(np.zeros_like(IMAGE), "vertical_lines", severity) == 0).all()


def test_a_glitch_is_the_same_for_every_picture() -> None:
    ramp = np.repeat(np.arange(224, dtype=np.uint8)[None, :, None], 224, axis=0).repeat(3, axis=2)
    for severity, amount in enumerate((2, 4, 5, 8, 10), start=1):
        out = corrupt(ramp, "glitched", severity, id="x")
        assert (out[::2] == 0).all()
        source = np.tile(np.arange(224), (224, 1))
        for turn in range(2 * amount):
            random = Random(1 + turn)
            offset = random.randint(-int(amount**2 / 100 * 224), int(amount**2 / 100 * 224))
            if offset:
                top = random.randint(0, 224)
                high = min(random.randint(1, 56), 224 - top)
                source[top : top + high] = (np.arange(224) - offset) % 224
        channel = Random(1).randint(0, 2)
        others = [c for c in range(3) if c != channel]
        for c in others:
            np.testing.assert_array_equal(out[1::2, :, c], source[1::2])
        down = [
            random := Random(1),
            random.randint(0, 2),
            random.randint(-2 * amount, 2 * amount),
            random.randint(-2 * amount, 2 * amount),
        ][3]
        straight = [row for row in range(1, 224, 2) if row != down % 224]
        np.testing.assert_array_equal(out[straight, :, channel], ramp[straight, :, channel])


def run_of(*conditions: Condition) -> Run:
    return Run(data=DataIdentity("laion-c", "f", 4, 1000, laion_c()), conditions=conditions)


def scored(run: Run, rows: list[tuple[int, int, str, str]]) -> list[Score]:
    known = laion_c()
    names = list(known)
    image, condition, label, answer = zip(*rows, strict=True)
    records = Records(
        {
            "sample": np.array([f"{of}/{number}" for number, of in zip(image, label, strict=True)]),
            "condition": np.array(condition, np.int16),
            "label": np.array([known[name][-1] for name in label], np.int32),
            "prediction": np.zeros(len(rows), np.int32),
            "confidence": np.zeros(len(rows), np.float32),
            "superclass": np.array([names.index(name) for name in answer], np.int16),
        }
    )
    card = cards.get("laion_c")
    return card.scores(card.table(records, run), run, None)


def test_the_mean_weighs_cells_alike_and_a_part_does_not_pass_for_the_whole() -> None:
    cells = CELLS[:2]
    rows = [(0, 0, "dog", "dog"), (0, 1, "dog", "cat"), (1, 0, "boat", "boat"), (1, 1, "boat", "boat")]
    found = {(s.metric, s.condition): s.value for s in scored(run_of(*cells), rows)}
    assert found["mean_accuracy", Condition()] == pytest.approx((1.0 + 0.5) / 2)
    assert found["accuracy", cells[1]] == pytest.approx(0.5)
    assert found["accuracy", Condition(corruption=cells[0]["corruption"])] == pytest.approx(0.75)
    part = {s.metric for s in scored(run_of(*CELLS), rows)}
    assert "mean_accuracy_partial" in part
    assert "mean_accuracy" not in part


def test_the_answer_is_the_superclass_of_the_largest_mean_probability() -> None:
    known = laion_c()
    names = list(known)
    logits = np.zeros((2, 1000), np.float32)
    logits[0, list(known["dog"])[:2]] = 6.0  # two of 109: a small mean
    logits[0, list(known["fruit"])] = 3.0
    logits[1, list(known["boat"])] = 1.0
    logits[1, 999] = 50.0  # of no superclass
    found = LaionC().decide(logits, np.zeros(2, np.int32))["superclass"]
    assert [names[place] for place in found.tolist()] == ["fruit", "boat"]
    assert (LaionC().decide(logits[:, :10], np.zeros(2, np.int32))["superclass"] == -1).all()


def test_the_published_layout_is_read(tmp_path: Path) -> None:
    root = tmp_path / "laion-c"
    for cell in CELLS[:3]:
        for superclass in ("dog", "fruit"):
            folder = root / cell["corruption"] / f"intensity_level_{cell['severity']}" / superclass
            folder.mkdir(parents=True)
            PIL.Image.fromarray(IMAGE).save(folder / "one.png")
    found = locate([str(tmp_path)]).dataset("laion-c")
    assert [item.id for item in found.items] == ["dog/one", "fruit/one"]
    assert [item.label for item in found.items] == [laion_c()[name][0] for name in ("dog", "fruit")]
    assert found.conditions == frozenset(CELLS[:3])
    benchmark = LaionC()
    pictures = list(benchmark.expand(found.items[0], CELLS[:4], [], 0))
    assert [each.condition for each in pictures] == list(CELLS[:4])
    np.testing.assert_array_equal(pictures[0].images[0], IMAGE)  # type: ignore[union-attr]
    assert "one.png" in pictures[3].reason  # type: ignore[union-attr]
