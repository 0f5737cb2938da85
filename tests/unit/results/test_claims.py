"""Claims on the published numbers give what the paper says; on others they fail, or stay open, with a reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sessions import session_of

from hardiness.api.paper_claims import claims, claims_of, claims_table
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import error_of, too_few
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import BenchmarkIdentity, DataIdentity, ModelIdentity, Plan, Run
from hardiness.core.table import Records
from hardiness.reference.people import humans
from hardiness.results.claims.claim import (
    FAILS,
    HOLDS,
    NO_MODEL,
    NO_SCORE,
    OPEN,
    Contrast,
    KnownNumber,
    Models,
    Subject,
    contrast,
    falls_with_size,
    from_results,
    judge_claims,
    published_models,
    registry,
)
from hardiness.results.folder import Folder
from hardiness.statistics.estimate import mean
from hardiness.statistics.spreads.combined import TwoEnds
from hardiness.statistics.spreads.shares import ShareOfImages
from hardiness.store.store import Store


def changed(models: Models, number: str, *values: float, n: int | None = None) -> Models:
    """The same models with other values of one number, and its error for another n."""
    family = []
    for subject, value in zip(models.family, values, strict=True):
        known = subject.numbers[number]
        scale = (known.n / n) ** 0.5 if n else 1.0
        other = replace(known, value=value, n=n or known.n, standard_error=known.standard_error * scale)
        family.append(Subject(subject.model, {**subject.numbers, number: other}))
    return Models(family, models.reference)


def largest_first(models: Models) -> Models:
    """The same numbers as if the largest model were the smallest: what fell with size now rises."""
    return replace(models, family=list(reversed(models.family)))


def other_way_round(number: str, clean: str) -> Callable[[Models], Models]:
    """An attack that leaves what it took, and takes what it left."""

    def turned(models: Models) -> Models:
        values = [each.numbers[clean].value - each.numbers[number].value for each in models.family]
        return changed(models, number, *values)

    return turned


def reference_more_shape_biased(models: Models) -> Models:
    """The reference with the shape bias of the first of the family, and the family with that of the reference."""
    assert models.reference is not None
    other = replace(models.reference, numbers=models.family[0].numbers)
    return Models([Subject(each.model, models.reference.numbers) for each in models.family], other)


TURNED: dict[str, list[Callable[[Models], Models]]] = {
    "blackbox_loss": [other_way_round("blackbox_accuracy", "blackbox_clean_accuracy")],
    "calibration_with_size": [largest_first],
    "corruption_gain": [
        largest_first,
        # The clean error rises by 80 points, that under corruption by less; and the corrupted one falls, the clean not.
        lambda models: changed(
            changed(models, "clean_accuracy", 0.9, 0.6, 0.3, 0.1), "corrupted_error", 0.3, 0.4, 0.5, 0.6
        ),
        lambda models: changed(models, "clean_accuracy", 0.9, 0.6, 0.3, 0.1),
    ],
    "shape_bias_gap": [
        reference_more_shape_biased,
        lambda models: changed(models, "shape_bias", 0.99, 0.99, 0.99, 0.99),  # more than people
    ],
    "stability_with_size": [largest_first],
    "whitebox_collapse": [other_way_round("whitebox_accuracy", "whitebox_clean_accuracy")],
}
"""What each claim must not hold for: the published numbers with the sign of what it says turned round."""


@pytest.mark.parametrize("name", registry.names())
def test_no_claim_holds_where_the_opposite_happened(name: str) -> None:
    for turned in TURNED[name]:
        found = registry.get(name).judge(turned(published_models()))
        assert found.verdict == FAILS, found
        assert found.p is not None
        assert found.p < 0.05


def test_a_rise_is_called_a_rise() -> None:
    """Both errors rose, the clean one by more: "falls by -44.5 corrupted, -100.0 clean" was said to hold."""
    models = changed(published_models(), "clean_accuracy", 1.0, 0.6, 0.3, 0.0)
    found = registry.get("corruption_gain").judge(changed(models, "corrupted_error", 0.5, 0.6, 0.7, 0.945))
    assert found.verdict == FAILS
    names = [each.name for each in found.contrasts]
    assert names[0] == "corrupted error rises by 44.50 points"
    assert names[2] == "clean error rises by 100.00 points"
    assert not any("-" in name for name in names)
    models = changed(published_models(), "blackbox_accuracy", 0.99, 0.99, 0.99, 0.99)
    won = registry.get("blackbox_loss").judge(models).contrasts[-1].name
    assert won.endswith("are won")
    assert "-" not in won.rsplit(": ", 1)[1]


def test_p_goes_with_the_verdict() -> None:
    """At most .05 where something is told, above it where it is not; that of the contrast it rests on."""
    one = Contrast("", 1.96, 1.0)
    assert one.p == pytest.approx(0.05, abs=1e-4)
    assert (Contrast("", 0.0, 0.0).p, Contrast("", 0.1, 0.0).p) == (1.0, 0.0)
    claim = registry.get("corruption_gain")
    holds = claim.judge(published_models())
    assert holds.p == max(each.p for each in holds.contrasts if each.needed)
    few = changed(published_models(), "corrupted_error", 0.4, 0.4, 0.4, 0.36, n=50)
    open_ = claim.judge(few)
    assert open_.p is not None
    assert open_.p > 0.05
    # Below zero at p = .03: told by itself, and not as one of three.
    clean = {"clean_accuracy": KnownNumber(0.8, 9, 0.0)}
    rising = [Subject(name, {**clean, "corrupted_error": KnownNumber(0.4, 9, 0.0)}) for name in ("a", "b")]
    rising[1] = Subject("b", {**clean, "corrupted_error": KnownNumber(0.4 + 0.0217, 9, 0.01)})
    both = claim.judge(Models(rising))
    assert both.contrasts[0].p == pytest.approx(0.03, abs=1e-3)
    assert (both.verdict, both.p) == (OPEN, pytest.approx(3 * both.contrasts[0].p))


@pytest.mark.parametrize("name", registry.names())
def test_on_the_published_numbers_every_claim_holds(name: str) -> None:
    found = registry.get(name).judge(published_models())
    assert found.verdict == HOLDS, found.reason
    assert found.contrasts
    assert all(each.value > 0 for each in found.contrasts)
    assert found.p is not None
    assert 0 <= found.p < 0.05


def test_the_six_claims_are_there_with_their_sources() -> None:
    assert len(registry.names()) == 6
    for name in registry:
        claim = registry.get(name)
        assert claim.sentence.endswith(".")
        assert "arXiv:1907.07640" in claim.source


@pytest.mark.parametrize(
    ("name", "number", "values"),
    [
        ("corruption_gain", "corrupted_error", (0.41, 0.41, 0.41, 0.41)),
        ("whitebox_collapse", "whitebox_accuracy", (0.001, 0.3, 0.001, 0.001)),
        ("shape_bias_gap", "shape_bias", (0.4, 0.4, 0.1, 0.4)),
        ("shape_bias_gap", "shape_bias", (0.4, 0.99, 0.4, 0.4)),
        ("blackbox_loss", "blackbox_accuracy", (0.8, 0.8, 0.8, 0.6)),
        ("calibration_with_size", "calibration_error", (0.1, 0.15, 0.2, 0.25)),
        ("stability_with_size", "mfr", (0.4, 0.2, 0.5, 0.1)),
    ],
)
def test_each_claim_can_fail(name: str, number: str, values: tuple[float, ...]) -> None:
    found = registry.get(name).judge(changed(published_models(), number, *values))
    assert found.verdict == FAILS
    assert found.reason.startswith("against it: ")


@pytest.mark.parametrize(
    ("name", "number", "values"),
    [
        ("corruption_gain", "corrupted_error", (0.4, 0.4, 0.4, 0.36)),
        ("calibration_with_size", "calibration_error", (0.27, 0.26, 0.25, 0.24)),
        ("shape_bias_gap", "shape_bias", (0.3, 0.3, 0.3, 0.3)),
    ],
)
def test_with_few_images_nothing_can_be_told(name: str, number: str, values: tuple[float, ...]) -> None:
    found = registry.get(name).judge(changed(published_models(), number, *values, n=50))
    assert found.verdict == OPEN
    assert found.reason.startswith("the interval reaches zero: ")


def test_far_from_people_knows_that_ten_people_are_a_sample() -> None:
    """The least of ten is at 91.9 %; another ten's would be another, so that 97 % is not told to be above it."""
    found = registry.get("shape_bias_gap").judge(changed(published_models(), "shape_bias", 0.4, 0.97, 0.4, 0.4))
    assert found.verdict == OPEN
    beside_people = found.contrasts[3]
    assert beside_people.value == pytest.approx(0.91909 - 0.97)
    drawn = np.random.default_rng(0).standard_normal((20_000, 10)).min(axis=1).std()
    spread = np.std(list(humans().shape_bias_by_observer.values()), ddof=1)
    own = published_models().family[1].numbers["shape_bias"].standard_error
    assert beside_people.standard_error == pytest.approx(np.hypot(drawn * spread, own), rel=0.01)


def test_what_is_missing_is_named() -> None:
    models = published_models()
    alone = Models(models.family[:1], None)
    one = registry.get("stability_with_size").judge(alone)
    assert (one.verdict, one.p) == (NO_MODEL, None)
    assert one.reason == "it needs 2 models of one family, smallest first, had 1"
    without = registry.get("shape_bias_gap").judge(Models(models.family))
    assert without.verdict == NO_MODEL
    assert without.reason == "there is no reference model to compare with; name one with --reference"
    bare = registry.get("stability_with_size").judge(Models([Subject("a", {}), Subject("b", {})]))
    assert (bare.verdict, bare.reason, bare.p) == (NO_SCORE, "a, b: no mfr", None)


def test_a_score_that_is_missing_is_named_with_what_to_run() -> None:
    undefined = Score("rms_calibration_error", None, "fraction", 99, lack=too_few((200, "images"), had=(99,)))
    partial = Score("mean_error_partial", 0.5, "fraction", 9, TwoEnds(0.5, 0.4, 0.6), False)
    other = Score("accuracy", 0.5, "fraction", 9, TwoEnds(0.5, 0.4, 0.6), condition=Condition(epsilon=0.1, steps=2))
    found = [
        result("a", "imagenet-a", undefined),
        result("b", "imagenet-a", undefined),
        result("a", "imagenet-c", partial),
        result("a", "whitebox", other),
    ]
    models = from_results(found, ["a", "b"])

    def said(name: str) -> tuple[str, str]:
        judgement = registry.get(name).judge(models)
        return judgement.verdict, judgement.reason

    assert said("calibration_with_size") == (
        NO_SCORE,
        "a, b: RMS calibration error on imagenet-a is undefined (too few)",
    )
    assert said("stability_with_size") == (NO_SCORE, "a, b: no mFR on imagenet-p: run -b imagenet-p")
    verdict, reason = said("corruption_gain")
    assert verdict == NO_SCORE
    assert "a: no mean error on imagenet-c: only a part of imagenet-c was run, run all of it" in reason
    assert "b: no mean error on imagenet-c: run -b imagenet-c" in reason
    assert "a, b: no top-1 accuracy on imagenet-val: run -b imagenet-val" in reason
    assert "a: no accuracy under whitebox at epsilon .06 in the stored run" in said("whitebox_collapse")[1]


def test_a_claim_of_the_family_asks_nothing_of_the_reference() -> None:
    models = published_models()
    bare = Models(models.family, Subject("reference", {}))
    assert registry.get("calibration_with_size").judge(bare).verdict == HOLDS
    assert registry.get("blackbox_loss").judge(bare).reason == (
        "reference: no blackbox clean accuracy; reference: no blackbox accuracy"
    )


def test_contrasts_are_paired_where_the_images_are_the_same() -> None:
    generator = np.random.default_rng(0)
    shared, own = generator.normal(size=100), 0.1 * generator.normal(size=100)

    def known(values: np.ndarray, first: int = 0) -> KnownNumber:
        found = mean(np.arange(first, first + 100), values)
        return KnownNumber(found.value, 100, found.error, found)

    one, other = known(shared), known(shared + own)
    paired = contrast("paired", [(1.0, one), (-1.0, other)])
    assert paired.paired
    assert paired.standard_error == pytest.approx(own.std(ddof=1) / 10)
    assert (paired.interval.low <= 0 <= paired.interval.high) == (paired.p >= 0.05)
    apart = contrast("apart", [(1.0, one), (-1.0, known(shared + own, 500))])
    assert apart.standard_error == pytest.approx(np.hypot(one.standard_error, other.standard_error), rel=0.01)


def test_few_people_are_a_sample_with_few_degrees_of_freedom() -> None:
    """Satterthwaite: nine degrees where the people's spread is all of it, many where the images' is."""
    people, model = KnownNumber(0.9, 10, 0.02, degrees=9), KnownNumber(0.5, 1000, 1e-6)
    found = contrast("", [(1.0, people), (-1.0, model)])
    assert found.degrees == pytest.approx(9, rel=1e-3)
    assert found.interval.high - found.value == pytest.approx(2.262157 * 0.02, rel=1e-4)
    assert contrast("", [(1.0, people), (-1.0, replace(model, standard_error=1.0))]).degrees > 1e6


def test_the_slope_over_sizes_by_hand() -> None:
    models = Models([Subject(str(i), {"mfr": KnownNumber(value, 9, 0.1)}) for i, value in enumerate((0.6, 0.5, 0.1))])
    slope, *steps = falls_with_size("mfr", models)
    assert slope.value == pytest.approx((0.6 - 0.1) / 2)
    assert slope.standard_error == pytest.approx(0.1 * 2**0.5 / 2)
    assert [step.value for step in steps] == [pytest.approx(0.1), pytest.approx(0.4)]
    assert not any(step.needed for step in steps)


def result(model: str, benchmark: str, *scores: Score) -> Result:
    return Result(model, benchmark, "data", "p", scores, Counts(1, 1, 0, 1), Run(), {})


def test_numbers_are_read_off_results() -> None:
    at = [Condition(epsilon=0.06, steps=steps) for steps in (10, 50)]
    whitebox = result(
        "m",
        "whitebox",
        Score("accuracy", 0.5, "fraction", 80, TwoEnds(0.5, 0.4, 0.6), condition=at[0]),
        Score("accuracy", 0.1, "fraction", 80, ShareOfImages(8, 80), condition=at[1]),
    )
    clean = result("m", "imagenet-val", Score("top1", 0.9, "fraction", 100, TwoEnds(0.9, 0.8, 0.95)))
    none = result("m", "imagenet-p", Score("mfr", None, "ratio", 80, lack=error_of(ArgumentError("no baseline"))))
    (subject,) = from_results([whitebox, clean, none], ["m"]).family
    assert subject.numbers["whitebox_accuracy"].value == 0.1
    assert subject.numbers["whitebox_accuracy"].standard_error == pytest.approx(np.sqrt(0.1 * 0.9 / 79))
    assert subject.numbers["whitebox_clean_accuracy"].value == 0.9
    assert "mfr" not in subject.numbers


def test_claims_as_a_table_and_that_published_numbers_are_not_paired() -> None:
    view = judge_claims(published_models()).view()
    assert len(view.rows) == 6
    assert view.heads == ("claim", "verdict", "p", "because")
    assert {row[1] for row in view.rows} == {HOLDS}
    assert all(row[2] == "<0.001" or 0 < float(row[2]) < 0.05 for row in view.rows)
    assert view.notes[-1] == "differences are unpaired"


def test_where_nothing_is_compared_nothing_is_said_of_pairs_and_small_networks_are_not_of_no_size() -> None:
    known = {"small": 49_000, "large": 4_700_000}
    models = Models([Subject(name, {}) for name in known], order="parameters", parameters=known)
    notes = judge_claims(models).view().notes
    assert notes == (
        "family, smallest first by parameters: small (49,000), large (4.7 million)",
        "reference: none",
    )


CELLS = tuple(Condition(corruption="fog", severity=severity) for severity in range(1, 6))


def stored(
    store: Store, model: str, benchmark: str, right: np.ndarray, first: int = 0, parameters: int | None = None
) -> None:
    """Answers of one model to photographs numbered from ``first``, under as many conditions as there are columns."""
    n, cells = right.shape
    conditions = (Condition(),) if cells == 1 else CELLS
    image, condition = np.repeat(np.arange(n), cells), np.tile(np.arange(cells), n)
    label = (image % 9).astype(np.int32)
    answer = np.where(right.ravel(), label, 99).astype(np.int32)
    rows = {
        "sample": np.array([f"n/{first + k:04d}" for k in image]),
        "condition": condition.astype(np.int16),
        "frame": np.zeros(len(image), np.int16),
        "label": label,
        "prediction": answer,
        "confidence": np.linspace(0.2, 0.9, len(image)).astype(np.float32),
        "top5_class": np.stack([answer] * 5, axis=1).astype(np.int16),
    }
    card = "classification" if cells == 1 else "corruption"
    run = Run(
        ModelIdentity(model), BenchmarkIdentity(benchmark, card), DataIdentity("d", "f", n), conditions=conditions
    )
    work = list(zip(rows["sample"].tolist(), rows["condition"].tolist(), strict=True))
    kept = store.run(run, Plan(whole=tuple(range(cells))))
    kept.write(0, work, Records(rows))
    if parameters:
        kept.add_measured(session_of(len(work), parameters=parameters))


def two_sizes(folder: Path, first: int) -> Store:
    """Two models whose errors go together, the larger one better under corruption, its photographs from ``first``."""
    generator, store = np.random.default_rng(0), Store.create(folder)
    hard = generator.random((200, 1))
    for model, start, gain in (("small", 0, 0.0), ("large", first, 0.12)):
        stored(store, model, "imagenet-val", hard + 0.02 * generator.random((200, 1)) > 0.25, start)
        stored(store, model, "imagenet-c", hard + 0.1 * generator.random((200, 5)) > 0.5 - gain, start)
    return store


@pytest.mark.slow
def test_differences_of_models_on_the_same_images_are_paired_and_so_are_told(tmp_path: Path) -> None:
    claim, sides = registry.get("corruption_gain"), {}
    for name, first in (("same", 0), ("others", 1000)):
        store = two_sizes(tmp_path / name, first)
        models = from_results(Folder.open(store).results, ["small", "large"])
        sides[name] = claim.judge(models.paired(Folder.open(store)))
    (_, paired, _), (_, apart, _) = (side.contrasts for side in sides.values())
    assert paired.value == pytest.approx(apart.value)
    assert paired.paired
    assert not apart.paired
    assert paired.standard_error < apart.standard_error / 2
    assert sides["same"].verdict == HOLDS
    assert sides["others"].verdict == OPEN


@pytest.mark.slow
def test_of_stored_runs_whose_errors_rise_the_fall_does_not_hold(tmp_path: Path) -> None:
    """The same folder with its models the other way round."""
    two_sizes(tmp_path, 0)
    found = claims(tmp_path, "large", "small").as_dict()["claims"]["corruption_gain"]
    assert (found["verdict"], found["p"] < 0.05) == (FAILS, True)
    assert found["contrasts"][0]["name"].startswith("corrupted error rises by ")
    assert found["contrasts"][0]["p"] < 0.05
    assert claims(tmp_path, "small", "large").as_dict()["claims"]["corruption_gain"]["verdict"] == HOLDS


def test_the_family_s_order_is_parameters_where_nobody_gives_one(tmp_path: Path) -> None:
    """SqueezeNet, 1.2 million parameters, stood behind Lite0, 4.7 million, as its name does."""
    store = Store.create(tmp_path)
    right = (np.arange(40) >= 20)[:, None]
    for model in ("efficientnet_lite1", "squeezenet1_1", "efficientnet_lite0"):
        stored(store, model, "imagenet-val", right)
    by_catalogue = claims(tmp_path)
    assert [each.model for each in by_catalogue.models.family] == [
        "squeezenet1_1",
        "efficientnet_lite0",
        "efficientnet_lite1",
    ]
    assert by_catalogue.view().notes[0] == (
        "family, smallest first by parameters: squeezenet1_1 (1.2 million), efficientnet_lite0 (4.7 million), "
        "efficientnet_lite1 (5.4 million)"
    )
    assert by_catalogue.as_dict()["parameters"]["squeezenet1_1"] == 1_235_496
    assert not by_catalogue.are_told
    assert claims_table(Folder.open(store)) is None
    verdicts = claims_of(Folder.open(store))
    assert verdicts is not None
    assert verdicts.view().notes[0] == by_catalogue.view().notes[0]
    first, *_, last = repr(by_catalogue).splitlines()
    assert first.strip() == "claims"
    assert last.startswith("reference: ")
    assert "corrupt" in repr(by_catalogue)
    assert "Judgement(" not in repr(by_catalogue)
    assert "<table>" in by_catalogue._repr_html_()
    given = claims(tmp_path, "efficientnet_lite0", "squeezenet1_1").view().notes
    assert given[0].startswith("family, smallest first: efficientnet_lite0 (4.7 million), squeezenet1_1 (1.2 million)")
    assert given[1] == "efficientnet_lite0 has more parameters than squeezenet1_1, which was named after it"


def test_parameters_that_are_stored_with_the_runs_count_and_an_unknown_number_is_said(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    right = (np.arange(40) >= 20)[:, None]
    for model, parameters in (("mine-10x", 3_000_000), ("mine-9x", 8_000_000)):
        stored(store, model, "imagenet-val", right, parameters=parameters)
    assert [each.model for each in claims(tmp_path).models.family] == ["mine-10x", "mine-9x"]
    stored(store, "mine-2x", "imagenet-val", right)
    found = claims(tmp_path)
    assert [each.model for each in found.models.family] == ["mine-2x", "mine-9x", "mine-10x"]
    assert found.view().notes[:2] == (
        "family, in the order of names: mine-2x, mine-9x (8.0 million), mine-10x (3.0 million)",
        "the number of parameters of mine-2x is not stored: name the family with -m, smallest first",
    )


def test_a_number_of_few_errors_keeps_its_own_error(tmp_path: Path) -> None:
    store = Store.create(tmp_path)
    for model, wrong in (("small", 4), ("large", 40)):
        stored(store, model, "imagenet-val", (np.arange(200) >= wrong)[:, None])
    models = from_results(Folder.open(store).results, ["small", "large"])
    small, large = (subject.numbers["clean_accuracy"] for subject in models.paired(Folder.open(store)).family)
    assert small.estimate is None
    assert small.standard_error == models.family[0].numbers["clean_accuracy"].standard_error
    assert large.estimate is not None
    assert large.value == pytest.approx(0.8)
