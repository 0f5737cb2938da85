"""Five models on every registered benchmark: how large their page is, and what stands in it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hardiness.api.collection import comparisons_of
from hardiness.benchmarks.ood import OUTSIDE
from hardiness.benchmarks.options import parse
from hardiness.benchmarks.options import registry as benchmarks
from hardiness.core.benchmark import Benchmark, Image
from hardiness.core.condition import Condition
from hardiness.core.model import CANVAS_224
from hardiness.core.result import Result
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run, Surrogate
from hardiness.core.table import Records
from hardiness.data.root import locate
from hardiness.distortions.apply import corrupt
from hardiness.engine.cross_checks import missing_columns
from hardiness.imaging.codecs import decode, encode_jpeg, png
from hardiness.imaging.resizing import on_canvas, resize
from hardiness.imaging.sheets import strip
from hardiness.reference.categories import sixteen
from hardiness.reference.classes import wnids
from hardiness.reference.stimulus_sets import SETS, stimulus_set
from hardiness.report.page import PageOptions, put_page
from hardiness.report.pictures import FeatureGrid, FeaturePicture
from hardiness.results.claims.claim import judge_claims, published_models
from hardiness.results.folder import Folder
from hardiness.store.local_files import LocalFiles
from hardiness.store.store import Store

pytestmark = pytest.mark.slow

MODELS = ("resnext101_32x8d", "convnext_base.fb_in22k_ft_in1k", "efficientnet_lite0", "vit_base_patch16_224", "mine")
PHOTOGRAPHS, CLASSES = 100, 20
"""Five photographs a class: as many as galleries of classes ask for."""

TALLEST_PX = 8000
MEGABYTE = 1_000_000

SECOND = "blackbox:surrogate=efficientnet_lite0"
"""With a second surrogate there is a matrix of surrogates and victims."""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The page of five models on every benchmark, without and with pictures."""
    folder = tmp_path_factory.mktemp("five")
    found, comparisons = evaluated(folder)
    bare = PageOptions(
        images=False, figures=(), comparisons=comparisons, claims=judge_claims(published_models()).view()
    )
    full = replace(bare, images=True, picture_of=pictures_of(), features=features(folder))
    put_page(found, LocalFiles(folder), "bare.html", "five models", bare)
    put_page(found, LocalFiles(folder), "full.html", "five models", full)
    return folder / "bare.html", folder / "full.html"


def test_five_models_on_every_benchmark_stay_small_enough_to_be_mailed(pages: tuple[Path, Path]) -> None:
    """Without pictures 2.1 MB are the bar for 24 sections, with them 5 MB for 37; both grow with these alone."""
    bare, full = pages
    sections = len(re.findall("<h2>.*? on .*?</h2>", bare.read_text()))
    assert set(re.findall(r"<h2>(.*?) on .*?</h2>", bare.read_text())) == set(benchmarks.names())
    assert "data:image" not in bare.read_text()
    assert bare.stat().st_size < 2.1 * MEGABYTE * sections / 24
    galleries = full.read_text().split('<ul class="gallery">')[1:]
    assert len(galleries) > 5 * len(benchmarks.names())
    assert all(gallery.split("</ul>")[0].count("data:image/jpeg") >= 1 for gallery in galleries)
    assert full.stat().st_size < 5 * MEGABYTE * sections / 37


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_section_fits_every_window(
    browser: Any, pages: tuple[Path, Path], pictures: Path, width: int, scheme: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.goto(pages[0].as_uri())
    height = tab.evaluate("document.documentElement.scrollHeight")
    tops = range(0, height, TALLEST_PX)  # a browser has no room for all of it as one picture
    for part, top in enumerate(tops if "HARDINESS_SCREENSHOTS" in os.environ else ()):  # they take a minute to draw
        place = {"x": 0, "y": top, "width": width, "height": min(TALLEST_PX, height - top)}
        path = pictures / f"every-benchmark-{width}-{scheme}-{part}.png"
        tab.screenshot(path=path, full_page=True, clip=place, timeout=120_000)  # a busy machine draws slowly
    tab.evaluate(
        "document.querySelectorAll('details').forEach((each) => { each.open = !!each.querySelector('figure'); })"
    )
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    small = tab.evaluate(
        """[...document.querySelectorAll('section figure svg.sheet')].filter((each) => each.checkVisibility())
        .map((each) => [each.querySelector('text').getBoundingClientRect().height, each.closest('section').id])
        .filter(([height]) => height < 9).map(([, id]) => id)"""
    )
    sideways = tab.evaluate(
        """[...document.querySelectorAll('section figure *')]
        .filter((each) => each.checkVisibility() && getComputedStyle(each).overflowX === 'auto'
            && each.scrollWidth > each.clientWidth + 1).map((each) => each.closest('section').id)"""
    )
    context.close()
    assert small == [], "text of figures is readable"
    assert sideways == [], "no figure is moved sideways"


def evaluated(folder: Path) -> tuple[Sequence[Result], Any]:
    """Results of five models on every registered benchmark, from drawn logits."""
    store = Store.create(folder)
    for named in (*benchmarks.names(), SECOND):
        benchmark = parse(named)
        for place, model in enumerate(MODELS):
            write(store, benchmark, model, place)
    found = Folder.open(store).results
    return found, comparisons_of(Folder.open(store))


def write(store: Store, benchmark: Benchmark, model: str, place: int) -> None:
    """The rows of one model on one benchmark, and the strips that show what it does."""
    samples, labels, data = photographs(benchmark)
    attack = benchmark.attack
    of_surrogate = (
        Surrogate(str(getattr(benchmark, "surrogate", "")), "s" * 64) if attack and attack.surrogate else None
    )
    identity = Run(
        ModelIdentity(model, "w" * 64),
        BenchmarkIdentity(benchmark.name, benchmark.card, benchmark.protocol, benchmark.identity()),
        data,
        conditions=benchmark.conditions(),
        attack=attack.rounds if attack else (),
        surrogate=of_surrogate,
    )
    wanted = [identity.conditions.index(condition) for condition in benchmark.requested()]
    run = store.run(identity, Plan(batch_size=32, location="/data", whole=tuple(wanted)))
    generator = np.random.default_rng(place)
    parts = [rows(benchmark, identity, index, (samples, labels), 0.85 - 0.05 * place, generator) for index in wanted]
    records = Records.concatenate(parts)
    work = list(dict.fromkeys(zip(records["sample"].tolist(), records["condition"].tolist(), strict=True)))
    run.write(0, work, records)
    if benchmark.frames > 1:
        clean = on_canvas(photograph(0), benchmark.canvas or CANVAS_224)
        frames = [corrupt(clean, "gaussian_noise", severity=1, id=str(frame)) for frame in range(8)]
        for condition in benchmark.requested():
            run.keep_exhibit(" ".join(map(str, condition.values())), png(strip(frames)))


def photographs(benchmark: Benchmark) -> tuple[list[str], np.ndarray[Any, Any], DataIdentity]:
    """Ids as the benchmark's own data have them, their labels, and the data."""
    labels = np.arange(PHOTOGRAPHS, dtype=np.int32) % CLASSES
    plain = [f"{wnids()[label]}/ILSVRC2012_val_{number:08d}" for number, label in enumerate(labels)]
    name = benchmark.needs[0]
    if name == "cue-conflict":
        known = list(sixteen())
        cues = [(shape, texture) for shape in known for texture in known if shape != texture][:PHOTOGRAPHS]
        ids = [f"{shape}1-{texture}2" for shape, texture in cues]
        first = np.array([sixteen()[shape][0] for shape, _ in cues], np.int32)
        return ids, first, DataIdentity(name, "f" * 64, len(ids), 1000, sixteen())
    if name == "model-vs-human":
        shown = [(each, level.name) for each in SETS for level in stimulus_set(each).levels for _ in range(5)]
        names = list(sixteen())
        ids = [f"{each}/{level}/{names[number % 16]}{number}" for number, (each, level) in enumerate(shown)]
        first = np.array([sixteen()[names[number % 16]][0] for number in range(len(ids))], np.int32)
        return ids, first, DataIdentity(name, "f" * 64, len(ids), 1000, sixteen())
    if benchmark.name == "ood":
        outside = [f"{each}:{name}" for each in OUTSIDE for name in plain[:10]]
        both = np.concatenate([labels, np.tile(labels[:10], len(OUTSIDE))])
        return [*plain, *outside], both, DataIdentity("imagenet", "f" * 64, len(both))
    return plain, labels, DataIdentity("imagenet" if "imagenet" in benchmark.needs else name, "f" * 64, len(plain))


def rows(
    benchmark: Benchmark,
    run: Run,
    condition: int,
    shown: tuple[list[str], np.ndarray[Any, Any]],
    accuracy: float,
    generator: np.random.Generator,
) -> Records:
    """What the engine would store of the photographs under one condition, from drawn logits."""
    samples = np.repeat(np.array(shown[0], object), benchmark.frames)
    labels = np.repeat(shown[1], benchmark.frames)
    hard = condition / max(1, len(run.conditions))
    right = np.repeat(generator.random(len(shown[0])) < accuracy - 0.4 * hard, benchmark.frames)
    logits = generator.normal(0, 1, (len(samples), 1000)).astype(np.float32)
    logits[np.arange(len(samples)), np.where(right, labels, (labels + 7) % CLASSES)] += generator.exponential(4) + 2
    given: dict[str, Any] = dict(benchmark.decide(logits, labels))
    given |= {"sample": samples, "label": labels, "condition": np.full(len(samples), condition, np.int16)}
    given["frame"] = np.tile(np.arange(benchmark.frames, dtype=np.int16), len(shown[0]))
    given["written"] = (labels + 7) % CLASSES  # read by `typographic` alone
    given |= {} if not run.attack else attacked(run, ~right, generator)
    return Records(given)


def attacked(run: Run, fallen: np.ndarray[Any, Any], generator: np.random.Generator) -> dict[str, Any]:
    """What rows say of an attack."""
    n = len(fallen)
    told = {
        "success": fallen,
        "step": np.where(fallen, generator.integers(1, 10, n), -1).astype(np.int16),
        "restart": np.zeros(n, np.int16),
        "loss": generator.random(n, np.float32),
        "zero_gradient": np.zeros(n, np.float32),
        "finite_gradient": np.ones(n, bool),
        "target": np.full(n, -1, np.int32),
        "told_error": np.zeros(n, np.float32),
        **missing_columns(n),
    }
    return told | ({"surrogate_success": fallen.astype(np.float32)} if run.surrogate else {})


def photograph(number: int) -> Image:
    """One of the photographs inside installed packages."""
    items = locate(["embedded"]).dataset("imagenet").items
    item = items[number % len(items)]
    return decode(item.file.read(), item.file.name)


def pictures_of() -> Callable[[Result, str, Condition], Image]:
    """Photographs for the galleries, a few of them, and under conditions with noise: the least compressible."""
    kept = [on_canvas(photograph(number), CANVAS_224) for number in range(12)]

    def picture_of(result: Result, sample: str, condition: Condition) -> Image:
        clean = kept[sum(sample.encode()) % len(kept)]
        return corrupt(clean, "gaussian_noise", severity=3, id=sample) if condition else clean

    return picture_of


def features(folder: Path) -> list[FeatureGrid]:
    """Pictures of ten units of each model."""
    path = folder / "unit.jpg"
    path.write_bytes(encode_jpeg(resize(photograph(0), 224, 224, "box"), 90))
    facts = {"activation_before": 0.5, "activation_after": 7.0}
    return [
        FeatureGrid(
            model, "orhan2019", "steps 500", [FeaturePicture(f"unit {unit}", facts, path) for unit in range(10)]
        )
        for model in MODELS
    ]
