"""One round of an attack: marks, restarts, what counts, and what is refused."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest
import torch

from hardiness.attacks import autoattack
from hardiness.attacks.kit import Iterate
from hardiness.attacks.kit import registry as attacks
from hardiness.benchmarks.decisions import under_attack
from hardiness.core.attack_plan import Round
from hardiness.core.condition import Condition
from hardiness.core.errors import AttackError
from hardiness.engine.attack import run_round
from hardiness.engine.members import Members
from hardiness.engine.victims import RoundOutcome, Victims, targets_of
from hardiness.store.local_files import LocalFiles
from hardiness.store.run import RunFolder

CLASSES, SIDE = 5, 6


def linear(pixels: torch.Tensor) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    weights = torch.randn(CLASSES, 3 * SIDE * SIDE, generator=generator)
    return pixels.flatten(1) @ weights.T


def victims(n: int = 6, seed: int = 0) -> Victims:
    """Samples that the linear model is right on, but for the last."""
    pixels = torch.rand(n, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    clean = linear(pixels)
    labels = clean.argmax(dim=1)
    labels[-1] = (labels[-1] + 1) % CLASSES
    samples = [f"a/{i}" for i in range(n)]
    targets = torch.from_numpy(targets_of(samples, labels.tolist(), np.arange(CLASSES), 0))
    return Victims(samples, pixels, labels, targets, clean)


def round_of(epsilon: float, marks: tuple[int, ...], **changed: Any) -> Round:
    plan = Round("pgd", "linf", epsilon, {mark: Condition(epsilon=epsilon, steps=mark) for mark in marks})
    return replace(plan, **changed)


def successes(found: list[RoundOutcome]) -> list[list[bool]]:
    return [judged.columns["success"].tolist() for judged in found]


def test_targets_are_uniform_over_the_other_classes_and_follow_the_sample_alone() -> None:
    samples = [f"a/{i}" for i in range(3000)]
    labels = [i % CLASSES for i in range(3000)]
    drawn = targets_of(samples, labels, np.arange(CLASSES), 0)
    assert (drawn != np.array(labels)).all()
    for label in range(CLASSES):
        counts = np.bincount(drawn[label::CLASSES], minlength=CLASSES)
        assert counts[label] == 0
        assert (np.abs(np.delete(counts, label) - 150) < 50).all()
    assert targets_of(samples[7:8], labels[7:8], np.arange(CLASSES), 0) == drawn[7]
    assert (targets_of(samples, labels, np.arange(CLASSES), 1) != drawn).any()


def test_targets_are_drawn_from_the_classes_that_they_may_be() -> None:
    batch = victims(40)
    few = np.array([1, 3])
    aimed = batch.towards(few, 0)
    assert set(aimed.targets.tolist()) == {1, 3}
    assert (aimed.targets != aimed.labels).all()
    assert aimed.rows(torch.tensor([5])).targets == batch.rows(torch.tensor([5])).towards(few, 0).targets
    assert (batch.towards(np.arange(CLASSES), 0).targets == batch.targets).all()


@pytest.mark.parametrize("failed", ["clean", "last"])
def test_where_an_attack_stood_is_known_whatever_the_protocol_judges(failed: Literal["clean", "last"]) -> None:
    batch = victims()
    (judged,) = run_round(linear, batch, round_of(1e-4, (3,), failed=failed), seed=0, keep_pixels=True)
    stands = ~judged.columns["success"]
    assert stands.sum() == 5, "one is wrong as it is"
    changed = (judged.stood != batch.pixels).flatten(1).any(1).numpy()
    assert changed[stands].all()
    assert torch.equal(judged.pixels, batch.pixels if failed == "clean" else judged.stood)


@pytest.mark.parametrize("targeted", [False, True])
def test_logits_that_are_all_alike_are_nobodys(targeted: bool) -> None:
    """A detector answers so where a picture was changed; by the lowest index it would be right on class 0."""
    batch = victims()
    batch = replace(batch, labels=batch.labels.fill_(1 if targeted else 0), targets=batch.targets.fill_(0))
    batch = replace(batch, clean=linear(batch.pixels).index_fill(1, batch.labels[:1], 100.0))

    def alike(pixels: torch.Tensor) -> torch.Tensor:
        return 0 * linear(pixels)

    (judged,) = run_round(alike, batch, round_of(0.02, (3,), targeted=targeted), seed=0)
    assert judged.columns["success"].tolist() == [not targeted] * len(batch.samples)
    assert (under_attack(judged.logits, batch.labels.numpy())["prediction"] == -1).all()


def test_accuracy_only_falls_with_steps_and_a_success_stays_one() -> None:
    batch = victims()
    found = run_round(linear, batch, round_of(0.02, (1, 2, 5, 20), options={"relative_step": 0.1}), seed=0)
    assert [judged.condition["steps"] for judged in found] == [1, 2, 5, 20]
    seen = np.array(successes(found))
    assert (np.diff(seen.astype(int), axis=0) >= 0).all()
    assert seen[-1, :-1].sum() > 0
    for judged in found:
        wrong = judged.logits.argmax(axis=1) != batch.labels.numpy()
        assert (wrong == judged.columns["success"]).all()


def test_a_mark_counts_nothing_of_a_later_step_where_samples_are_told_one_after_another() -> None:
    """Of 477 queries it was said that 20 had been enough, wherever a smaller number of steps was judged, too."""
    marks = (20, 60, 150, 600)
    found = run_round(linear, victims(), round_of(1.0, marks, attack="hopskipjump", norm="l2"), seed=0)
    steps = found[-1].columns["step"]
    assert len({*np.searchsorted(marks, steps[steps > 0]).tolist()}) > 1, "they fall between different marks"
    for mark, judged in zip(marks, found, strict=True):
        assert judged.columns["success"].tolist() == [0 <= step <= mark for step in steps.tolist()]


def test_what_is_wrong_without_attack_counts_as_step_nought_and_is_not_attacked() -> None:
    batch = victims()
    (judged,) = run_round(linear, batch, round_of(0.3, (5,)), seed=0, keep_pixels=True)
    assert judged.columns["step"][-1] == 0
    assert judged.pixels is not None
    assert torch.equal(judged.pixels[-1], batch.pixels[-1])


def test_epsilon_nought_gives_the_clean_logits_exactly() -> None:
    batch = victims()
    found = run_round(linear, batch, round_of(0.0, (1, 10)), seed=0)
    for judged in found:
        assert np.array_equal(judged.logits, batch.clean.numpy())


def test_a_failed_targeted_attack_is_scored_on_the_clean_image() -> None:
    batch = victims()
    plan = round_of(0.004, (3,), targeted=True, failed="clean", options={"step": 2 / 255, "clip_start": False})
    (judged,) = run_round(linear, batch, plan, seed=0, keep_pixels=True)
    failed = ~judged.columns["success"]
    assert failed.any()
    assert np.array_equal(judged.logits[failed], batch.clean.numpy()[failed])
    assert torch.equal(judged.pixels[torch.from_numpy(failed)], batch.pixels[torch.from_numpy(failed)])
    reached = judged.columns["success"]
    assert (judged.logits.argmax(axis=1)[reached] == batch.targets.numpy()[reached]).all()


def test_a_clean_image_already_at_its_target_is_returned_as_it_is() -> None:
    batch = victims()
    batch = replace(batch, targets=batch.clean.argmax(dim=1))
    (judged,) = run_round(linear, batch, round_of(0.1, (5,), targeted=True, failed="clean"), seed=0, keep_pixels=True)
    assert judged.columns["success"].all()
    assert (judged.columns["step"] == 0).all()
    assert torch.equal(judged.pixels, batch.pixels)


def test_the_outcome_does_not_depend_on_the_batch() -> None:
    batch = victims(8)
    plan = round_of(0.02, (1, 3, 10), restarts=2, options={"relative_step": 0.1})
    together = run_round(linear, batch, plan, seed=0)
    for i in range(8):
        alone = run_round(linear, batch.rows(torch.tensor([i])), plan, seed=0)
        for one, all_of_them in zip(alone, together, strict=True):
            assert one.columns["step"][0] == all_of_them.columns["step"][i]
            np.testing.assert_allclose(one.logits[0], all_of_them.logits[i], rtol=1e-4, atol=1e-4)


def test_start_noise_is_paired_over_epsilons_and_keyed_by_seed_and_restart() -> None:
    seen: list[Any] = []

    @dataclass(frozen=True)
    class Spy:
        def __call__(self, logits: Any, pixels: Any, criterion: Any, budget: Any, generators: Any) -> Iterator[Iterate]:
            seen.append([generator.random() for generator in generators])
            return iter(())

    attacks.register("spy", Spy, __name__)
    try:
        batch = victims(3)
        for epsilon, seed, restarts in ((0.1, 0, 2), (0.2, 0, 1), (0.1, 1, 1)):
            run_round(linear, batch, round_of(epsilon, (5,), attack="spy", restarts=restarts), seed)
    finally:
        attacks._entries.pop("spy")
    assert seen[0] == seen[2]
    assert seen[0] != seen[1]
    assert seen[0] != seen[3]


class Cheat:
    """An attack that leaves its budget, or [0, 1], or claims what is not so."""

    def __init__(self, moved: float = 0.0, claim: bool = True, outside: bool = False) -> None:
        self.moved, self.claim, self.outside = moved, claim, outside

    def __call__(self, logits: Any, pixels: Any, criterion: Any, budget: Any, generators: Any) -> Iterator[Iterate]:
        n = len(pixels)
        given = (pixels + self.moved).clamp(0, 1)
        if self.outside:
            given = pixels - pixels.amin() - 1e-3
        yield Iterate(
            step=1,
            index=torch.arange(n),
            pixels=given,
            logits=logits(given),
            loss=torch.zeros(n),
            reached=torch.full((n,), self.claim),
            zero_gradient=torch.zeros(n),
            finite_gradient=torch.ones(n, dtype=torch.bool),
        )


@pytest.fixture
def cheating() -> Iterator[Any]:
    attacks.register("cheat", Cheat, __name__)
    yield lambda epsilon, **options: round_of(epsilon, (1,), attack="cheat", options=options)
    attacks._entries.pop("cheat")


def test_an_attack_that_leaves_its_budget_is_refused(cheating: Any) -> None:
    with pytest.raises(AttackError, match=r"left its budget: linf distance 0\.1"):
        run_round(linear, victims(), cheating(0.05, moved=0.1), seed=0)
    with pytest.raises(AttackError, match="left its budget: l2 distance"):
        run_round(linear, victims(), replace(cheating(0.5, moved=0.1), norm="l2"), seed=0)


def test_an_attack_that_leaves_the_range_is_refused(cheating: Any) -> None:
    with pytest.raises(AttackError, match=r"outside \[0, 1\]"):
        run_round(linear, victims(), cheating(1.0, outside=True), seed=0)


def test_a_claim_that_the_network_denies_is_no_success(cheating: Any) -> None:
    batch = victims()
    (judged,) = run_round(linear, batch, cheating(0.05), seed=0)
    assert not judged.columns["success"][:-1].any()
    assert (judged.columns["step"][:-1] == -1).all()


class Scripted:
    """Yields, at each restart, what a list says: which samples are reached at which step, and the share of zeros."""

    restarts: ClassVar[list[list[tuple[int, list[bool], float]]]] = []
    budgets: ClassVar[list[list[int]]] = []

    def __call__(self, logits: Any, pixels: Any, criterion: Any, budget: Any, generators: Any) -> Iterator[Iterate]:
        type(self).budgets.append(budget.steps.tolist())
        n = len(pixels)
        for step, reached, zeros in type(self).restarts[len(type(self).budgets) - 1]:
            yield Iterate(
                step=step,
                index=torch.arange(n),
                pixels=pixels,
                logits=logits(pixels),
                loss=torch.full((n,), 10.0 - step),
                reached=torch.tensor(reached[:n]),
                zero_gradient=torch.full((n,), zeros),
                finite_gradient=torch.full((n,), zeros < 1),
            )


@pytest.fixture
def scripted() -> Iterator[type[Scripted]]:
    attacks.register("scripted", Scripted, __name__)
    Scripted.budgets = []
    yield Scripted
    attacks._entries.pop("scripted")


class Fooled:
    """A network that is right until it is asked to judge: every claim is confirmed."""

    def __init__(self, batch: Victims) -> None:
        self.right = batch.clean.clone()

    def __call__(self, pixels: torch.Tensor) -> torch.Tensor:
        return -self.right[: len(pixels)]


def test_a_later_start_counts_only_where_it_is_earlier(scripted: type[Scripted]) -> None:
    batch = victims(6).rows(torch.arange(3))
    scripted.restarts = [
        [(2, [True, False, False], 0.5), (6, [True, True, False], 0.0)],
        [(1, [False, True, False], 0.0), (5, [True, True, True], 0.0)],
    ]
    plan = round_of(0.1, (2, 6), attack="scripted", restarts=2, failed="clean")
    early, late = run_round(Fooled(batch), batch, plan, seed=0)
    assert scripted.budgets == [[6, 6, 6], [1, 5, 6]]
    assert late.columns["step"].tolist() == [2, 1, 5]
    assert late.columns["restart"].tolist() == [0, 0, 1], "the first start that broke it, not the one that was earlier"
    assert early.columns["success"].tolist() == [True, True, False]
    assert early.columns["zero_gradient"].tolist() == [0.5, 0.5, 0.5]
    assert late.columns["zero_gradient"].tolist() == [0.25, 0.25, 0.25]
    assert early.columns["loss"].tolist() == [8.0, 8.0, 8.0]
    assert late.columns["loss"].tolist() == [4.0, 4.0, 4.0]
    assert late.columns["finite_gradient"].all()


def test_one_broken_gradient_marks_the_sample(scripted: type[Scripted]) -> None:
    batch = victims(3).rows(torch.tensor([0, 1]))
    scripted.restarts = [[(1, [False, False], 0.0), (2, [False, False], 1.0), (3, [False, False], 0.0)]]
    before, _, after = run_round(linear, batch, round_of(0.1, (1, 2, 3), attack="scripted"), seed=0)
    assert before.columns["finite_gradient"].all()
    assert not after.columns["finite_gradient"].any()


def test_at_epsilon_nought_nothing_is_attacked(scripted: type[Scripted]) -> None:
    run_round(linear, victims(), round_of(0.0, (1,), attack="scripted"), seed=0)
    assert scripted.budgets == []


class Liar:
    """An attack that hands over a picture and tells logits that are not the network's, with or without a claim."""

    def __init__(self, claim: bool = True, moved: float = 0.01) -> None:
        self.claim, self.moved = claim, moved

    def __call__(self, logits: Any, pixels: Any, criterion: Any, budget: Any, generators: Any) -> Iterator[Iterate]:
        n = len(pixels)
        for step in (1, 3):
            yield Iterate(
                step=step,
                index=torch.arange(n),
                pixels=(pixels + self.moved * step / 3).clamp(0, 1),
                logits=torch.eye(CLASSES)[(criterion.classes + 1) % CLASSES] * 9,
                loss=torch.zeros(n),
                reached=torch.full((n,), self.claim),
                zero_gradient=torch.zeros(n),
                finite_gradient=torch.ones(n, dtype=torch.bool),
            )


@pytest.fixture
def lying() -> Iterator[Any]:
    attacks.register("liar", Liar, __name__)
    yield lambda **options: round_of(0.5, (1, 3), attack="liar", options=options)
    attacks._entries.pop("liar")


@pytest.mark.parametrize("claim", [True, False])
@pytest.mark.parametrize("failed", ["last", "clean"])
def test_told_logits_decide_nothing_and_the_lie_is_told(lying: Any, claim: bool, failed: str) -> None:
    batch = victims(6).rows(torch.arange(5))
    found = run_round(linear, batch, replace(lying(claim=claim), failed=failed), seed=0, keep_pixels=True)
    for judged in found:
        np.testing.assert_allclose(judged.logits, linear(judged.pixels), rtol=1e-5, atol=1e-5)
        wrong = judged.logits.argmax(axis=1) != batch.labels.numpy()
        assert (wrong == judged.columns["success"]).all()
        if claim or failed == "last":
            assert (judged.columns["told_error"] > 0.1).all()


def test_a_success_that_the_attack_did_not_tell_counts_from_its_mark_on(lying: Any) -> None:
    batch = victims(6).rows(torch.arange(5))
    early, late = run_round(linear, batch, lying(claim=False, moved=0.5), seed=0)
    truth = [
        (linear((batch.pixels + 0.5 * step / 3).clamp(0, 1)).argmax(1) != batch.labels).tolist() for step in (1, 3)
    ]
    assert any(truth[1])
    assert early.columns["success"].tolist() == truth[0]
    assert late.columns["success"].tolist() == [one or other for one, other in zip(*truth, strict=True)]


def test_the_judge_has_the_last_word_over_the_attacked_network() -> None:
    """Attacked is a network that falls at once; judged by one that never does, nothing has fallen."""
    batch = victims(6).rows(torch.arange(5))

    def firm(pixels: torch.Tensor) -> torch.Tensor:
        return batch.clean[[int((batch.pixels - each).flatten(1).norm(dim=1).argmin()) for each in pixels]]

    (judged,) = run_round(linear, batch, round_of(0.3, (5,)), seed=0, judge=firm)
    assert not judged.columns["success"].any()
    assert (judged.logits.argmax(axis=1) == batch.labels.numpy()).all()
    assert (judged.columns["told_error"] > 0).all()


def test_a_denied_later_start_does_not_undo_an_earlier_success(scripted: type[Scripted]) -> None:
    batch = victims(3).rows(torch.tensor([0, 1]))
    scripted.restarts = [[(5, [True, True], 0.0)], [(2, [True, True], 0.0)]]
    answers = iter([-batch.clean, batch.clean])  # the first start's claims are granted, the second's are not
    plan = round_of(0.1, (6,), attack="scripted", restarts=2)
    (judged,) = run_round(linear, batch, plan, seed=0, judge=lambda pixels: next(answers))
    assert judged.columns["step"].tolist() == [5, 5]
    assert judged.columns["restart"].tolist() == [0, 0]


@pytest.mark.parametrize("failed", ["clean", "last"])
def test_a_transfer_shows_the_last_picture_and_calls_that_a_success(failed: Literal["clean", "last"]) -> None:
    """MI-FGSM goes on after a success: other models are shown where it ends, not a picture just over the boundary."""
    batch = victims(8)
    plan = round_of(0.02, (10,), attack="mi-fgsm", failed=failed)
    (first,) = run_round(linear, batch, plan, seed=0, keep_pixels=True)
    (shown,) = run_round(linear, batch, plan, seed=0, keep_pixels=True, last=True)
    assert first.pixels is not None
    assert shown.pixels is not None
    success = shown.columns["success"]
    assert 2 <= success[:-1].sum() < 7, "some stand, some fall"
    assert (linear(shown.pixels).argmax(1) != batch.labels).numpy()[success].all()
    attacked = torch.from_numpy(success & (shown.columns["step"] > 0))
    assert (shown.columns["step"][attacked.numpy()] == 10).all()
    moved = (shown.pixels - batch.pixels).abs().flatten(1).mean(1)
    assert (moved[attacked] > 0.9 * 0.02 * (batch.pixels[attacked] > 0.02).float().flatten(1).mean(1)).all()
    assert (moved >= (first.pixels - batch.pixels).abs().flatten(1).mean(1))[attacked].all()
    stands = torch.from_numpy(~success)
    unmoved = torch.equal(shown.pixels[stands], batch.pixels[stands])
    assert unmoved == (failed == "clean")
    assert torch.equal(shown.pixels[-1], batch.pixels[-1]), "what is wrong without attack is shown as it is"
    np.testing.assert_allclose(shown.logits, linear(shown.pixels).numpy(), rtol=1e-4, atol=1e-4)


ENSEMBLE = round_of(0.03, (1, 2, 3, 4), attack="autoattack", options={"iterations": 4, "targets": 2, "queries": 20})
MEMBERS = ("APGD", "TargetedAPGD", "TargetedFAB", "Square")


class PowerCutError(Exception):
    """Ends a run between two members."""


def members(folder: Path, shard: int = 7) -> Members:
    return Members(RunFolder(LocalFiles(folder), "records/run"), shard)


def same(first: RoundOutcome, second: RoundOutcome) -> bool:
    assert first.columns.keys() == second.columns.keys()
    columns = all(np.array_equal(first.columns[name], second.columns[name]) for name in first.columns)
    return columns and first.logits.tobytes() == second.logits.tobytes() and first.condition == second.condition


@pytest.mark.slow
@pytest.mark.parametrize("ended", [1, 2, 3])
def test_members_that_ended_are_kept_and_never_run_again(
    ended: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = victims(12)
    whole = run_round(linear, batch, ENSEMBLE, seed=3)
    fallen = [int(judged.columns["success"].sum()) for judged in whole]
    assert 1 < fallen[0] <= fallen[-1] < 12, "some fall to the first member, some to none"
    with monkeypatch.context() as stopped:
        stopped.setattr(getattr(autoattack, MEMBERS[ended]), "run", raising(PowerCutError))
        with pytest.raises(PowerCutError):
            run_round(linear, batch, ENSEMBLE, seed=3, members=members(tmp_path))
    files = sorted(file.name for file in tmp_path.rglob("*.npz"))
    assert [name[-6:] for name in files] == [f"-{number}.npz" for number in range(1, ended + 1)]
    for name in MEMBERS[:ended]:
        monkeypatch.setattr(getattr(autoattack, name), "run", raising(AssertionError))
    again = run_round(linear, batch, ENSEMBLE, seed=3, members=members(tmp_path))
    assert all(map(same, whole, again))
    members(tmp_path, shard=8).remove()
    assert len(list(tmp_path.rglob("*.npz"))) == 4
    members(tmp_path).remove()
    assert not list(tmp_path.rglob("*.npz"))


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["cut", "changed", "empty"])
def test_a_kept_member_that_is_damaged_is_run_again(harm: str, tmp_path: Path) -> None:
    batch = victims(12)
    whole = run_round(linear, batch, ENSEMBLE, seed=3, members=members(tmp_path))
    (first,) = tmp_path.rglob("*-1.npz")
    content = bytearray(first.read_bytes())
    content[len(content) // 2] ^= 255
    first.write_bytes({"cut": content[:-40], "changed": content, "empty": b""}[harm])
    again = run_round(linear, batch, ENSEMBLE, seed=3, members=members(tmp_path))
    assert all(map(same, whole, again))


@pytest.mark.slow
def test_what_was_kept_of_other_pictures_or_budgets_is_not_taken(tmp_path: Path) -> None:
    run_round(linear, victims(12), ENSEMBLE, seed=3, members=members(tmp_path))
    fewer, wider = victims(8), replace(ENSEMBLE, epsilon=0.05)
    for batch, plan in ((fewer, ENSEMBLE), (victims(12), wider)):
        expected = run_round(linear, batch, plan, seed=3)
        assert all(map(same, expected, run_round(linear, batch, plan, seed=3, members=members(tmp_path))))


def test_an_attack_without_members_keeps_none(tmp_path: Path) -> None:
    run_round(linear, victims(), round_of(0.1, (2,)), seed=0, members=members(tmp_path))
    assert not list(tmp_path.rglob("*"))


def raising(error: type[BaseException]) -> Callable[..., Iterator[Iterate]]:
    def run(*arguments: object) -> Iterator[Iterate]:
        raise error

    return run
