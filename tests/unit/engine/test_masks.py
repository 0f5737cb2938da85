"""Hidden gradients, each in a way of its own: the report names the way and withdraws its verdict; honest ones pass."""

from __future__ import annotations

from typing import Any

import findings as found_in
import networks as masked
import numpy as np
import pytest
import torch
from findings import raised

from hardiness.core.fact import CheckOutcome, Fact
from hardiness.engine.batch import QueuedPicture
from hardiness.report.words import line as said

WHITEBOX = "whitebox:protocol=standard,epsilons=8/255,steps=1+10+40"


@pytest.fixture(scope="module")
def rows() -> list[QueuedPicture]:
    crops: list[QueuedPicture] = found_in.crops()
    return crops


def report(network: Any, rows: list[QueuedPicture], asked: str = WHITEBOX) -> dict[str, Fact]:
    found: dict[str, Fact] = found_in.report(network, rows, asked)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "pictures"),
    [("adversarial", 8), *(pytest.param(which, 16, marks=pytest.mark.thorough) for which in ("adversarial", "plain"))],
)
@pytest.mark.parametrize("mask", masked.MASKS)
def test_a_mask_is_named_and_the_verdict_withdrawn(
    mask: str, which: str, pictures: int, rows: list[QueuedPicture]
) -> None:
    found = report(masked.MASKS[mask](masked.crops(which)), rows[:pictures])
    assert raised(found) & masked.KINDS[mask], {name: said(found[name]) for name in raised(found)}
    verdict = found["verdict"]
    assert verdict.is_raised
    # What has fallen has fallen; what stands under a mask is not believed.
    assert said(verdict).startswith("Withdrawn") or "not robust" in said(verdict)
    if said(verdict).startswith("Withdrawn"):
        assert "What to do: " in said(verdict)


@pytest.mark.slow
@pytest.mark.parametrize("which", ["adversarial", "plain"])
def test_honest_networks_raise_nothing_but_the_verdict(which: str, rows: list[QueuedPicture]) -> None:
    found = report(masked.crops(which), rows)
    about_the_attack = raised(found) - {"verdict"}
    assert about_the_attack == set(), {name: said(found[name]) for name in about_the_attack}
    believed = {"adversarial": "cannot tell. With 16 images", "plain": "it falls in part"}
    assert believed[which] in said(found["verdict"])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["adversarial", pytest.param("plain", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("defence", masked.HONEST)
def test_an_honest_defence_is_not_withdrawn_for_its_zeros(defence: str, which: str, rows: list[QueuedPicture]) -> None:
    found = report(masked.HONEST[defence](masked.crops(which)), rows)
    zeros = said(found["zero gradients"])
    assert float(zeros.partition(" %")[0]) > 10, "the case is one that zeros alone would withdraw"
    assert "but the network does not change with them either" in zeros
    about_masks = {*set().union(*masked.KINDS.values()), "must break", "square takes more", "weaker than noise"}
    assert raised(found) & about_masks == set(), {name: said(found[name]) for name in raised(found)}
    if not found["steps"].is_raised:
        assert not said(found["verdict"]).startswith("Withdrawn")


@pytest.mark.slow
@pytest.mark.parametrize("which", ["adversarial", pytest.param("plain", marks=pytest.mark.thorough)])
@pytest.mark.parametrize("odd", masked.ODD)
def test_an_odd_network_that_hides_nothing_is_not_withdrawn(odd: str, which: str) -> None:
    asked = WHITEBOX.replace("1+10+40", "1+20+60")
    classes = masked.CLASSES + (odd == "unreachable_class")
    found = found_in.report(masked.ODD[odd](masked.crops(which)), found_in.crops(40), asked, classes)
    about_the_attack = raised(found) - {"verdict"}
    if odd.startswith("bfloat16"):  # small networks are too flat for so few digits
        assert about_the_attack == {"low precision"}
        assert "computes in bfloat16" in said(found["low precision"])
        assert said(found["verdict"]).startswith("Not checked: ")
        assert said(found["verdict"]).endswith("What to do: Run it in float32.")
    else:
        assert about_the_attack == set(), {name: said(found[name]) for name in about_the_attack}
        believed = {"adversarial": "it holds, within 8.8 %", "plain": "it falls in part"}
        assert believed[which] in said(found["verdict"])


@pytest.mark.slow
@pytest.mark.parametrize("mask", ["wrong_sign", "jpeg_straight_through", "hashed_noise"])
def test_a_mask_in_low_precision_is_not_believed(mask: str, rows: list[QueuedPicture]) -> None:
    found = report(masked.Autocast(masked.MASKS[mask](masked.crops("adversarial"))), rows)
    assert found["low precision"].is_raised
    beginning = "Withdrawn: " if found["must break"].is_raised else "Not checked: "
    assert said(found["verdict"]).startswith(beginning)
    assert found["must break"].is_raised == (mask == "wrong_sign")


@pytest.mark.slow
def test_whoever_follows_the_advice_about_a_straight_through_step_is_believed(rows: list[QueuedPicture]) -> None:
    network = masked.Masked(masked.crops("adversarial"), masked.Bytes())
    found = report(network, rows)
    assert "a straight-through step" in said(found["gradient mismatch"])
    assert "What to do: Attack with a backward pass that fits (bpda=MODULE)" in said(found["verdict"])
    given = report(network, rows, f"{WHITEBOX},bpda=before")
    assert raised(given) == {"verdict"}
    assert "cannot tell. With 16 images" in said(given["verdict"])


@pytest.mark.slow
@pytest.mark.parametrize("band", masked.BANDS)
def test_a_gradient_that_is_wrong_only_where_the_attack_walks_is_told_by_the_gradient(
    band: str, rows: list[QueuedPicture]
) -> None:
    known = torch.from_numpy(np.stack([row.image for row in rows])).permute(0, 3, 1, 2).float() / 255
    found = report(masked.Band(masked.crops("plain"), known, masked.BANDS[band]), rows)
    mismatch = found["gradient mismatch"]
    assert mismatch.is_raised
    assert "where the attack ended" in said(mismatch)
    assert said(found["verdict"]).startswith("Withdrawn: At epsilon 8/255 accuracy stays at 100.0 %")
    assert "gradient mismatch" in said(found["verdict"])


@pytest.mark.slow
def test_a_gradient_that_is_wrong_between_the_levels_of_files_is_told_from_one_that_is_short(
    rows: list[QueuedPicture],
) -> None:
    found = report(masked.MASKS["off_grid"](masked.crops("adversarial")), rows)
    mismatch = found["gradient mismatch"]
    assert mismatch.is_raised
    assert "between the levels of files" in said(mismatch)
    assert "gradient mismatch" in said(found["verdict"])
    assert "Take more steps" not in said(found["verdict"])


@pytest.mark.slow
def test_logits_given_as_log_probabilities_are_no_mask(rows: list[QueuedPicture]) -> None:
    # A confident answer's logarithm is flat by itself, but its lead over the others is not.
    network = masked.Masked(masked.crops("plain"), after=lambda logits: logits.log_softmax(1))
    found = report(network, rows)
    assert raised(found) - {"verdict"} == set(), {name: said(found[name]) for name in raised(found)}


LONG = {"cascade", "cascade_far"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=[pytest.mark.thorough] * (each in LONG)) for each in masked.BELIEVED]
)
def test_what_was_believed_once_is_withdrawn_for_what_it_is(name: str) -> None:
    make, budget, pictures, finding = masked.BELIEVED[name]
    found = report(make(), found_in.crops(pictures), WHITEBOX.replace("8/255", f"{budget}/255"))
    assert found[finding].is_raised, said(found[finding])
    assert said(found["verdict"]).startswith("Withdrawn")
    if finding == "other loss takes more":  # nothing is hidden, and nobody is sent to look for it
        assert "gradients are masked" not in said(found["square takes more"])
        assert "attack=apgd,loss=dlr" in said(found["verdict"]).partition("What to do: ")[2]


@pytest.mark.slow
def test_a_network_that_remembers_is_told_by_a_copy_that_has_seen_nothing(rows: list[QueuedPicture]) -> None:
    found = report(masked.Remembers(masked.crops("plain")), rows)
    assert found["memory"].is_raised
    assert "the network under attack on 100.0 %" in said(found["memory"])
    assert "What to do: Attack it without its memory." in said(found["verdict"])


class RemembersForAll(masked.Remembers):
    """The same, in a list that all copies share."""

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        del self.earlier

    earlier: list[Any] = []  # noqa: RUF012  # that is the point


@pytest.mark.slow
def test_where_no_such_copy_can_be_had_the_number_is_not_checked_for_memory(rows: list[QueuedPicture]) -> None:
    quick = "whitebox:protocol=standard,epsilons=8/255,steps=1+6,must_break=false"
    found = report(RemembersForAll(masked.crops("adversarial")), rows[:4], quick)
    assert found["memory"].outcome is CheckOutcome.NOT_RUN
    assert "must break and memory did not run" in said(found["verdict"])
    assert said(found["verdict"]).startswith("Not checked")


@pytest.mark.slow
def test_a_robust_network_with_larger_logits_is_believed_as_it_was() -> None:
    network = masked.Masked(masked.crops("adversarial"), after=lambda logits: 4 * logits)
    found = report(network, found_in.crops(24))
    assert raised(found) - {"verdict"} == set(), {name: said(found[name]) for name in raised(found)}
    assert "stays at 100.0 %" in said(found["verdict"])


@pytest.mark.slow
def test_a_backward_pass_that_overflows_is_not_called_a_step_that_bends(rows: list[QueuedPicture]) -> None:
    network = masked.Masked(masked.crops("adversarial"), masked.Half.apply)
    found = report(network, rows[:6])
    assert found["non-finite gradients"].is_raised
    assert not any("bends or clips" in said(each) for each in found.values())
    assert "attack=square" in said(found["verdict"])


@pytest.mark.slow
def test_autoattack_is_tried_where_it_must_break_everything(rows: list[QueuedPicture]) -> None:
    found = report(masked.Prototypes(masked.crops("adversarial")), rows[:12], "autoattack:epsilons=8/255,queries=5")
    assert {"must break", "hard decision"} <= raised(found)
    assert said(found["verdict"]).startswith("Withdrawn")
    honest = report(masked.crops("adversarial"), rows[:2], "autoattack:epsilons=8/255,queries=5")
    assert honest["must break"].outcome is CheckOutcome.CLEAR


@pytest.mark.slow
def test_sixteen_images_that_stand_are_no_proof(rows: list[QueuedPicture]) -> None:
    found = report(masked.crops("adversarial"), rows, WHITEBOX.replace("8/255", "2/255"))
    assert "cannot tell. With 16 images the loss may be up to 19.4 %" in said(found["verdict"])


@pytest.mark.slow
def test_means_over_its_chance_are_what_a_random_network_is_attacked_by(rows: list[QueuedPicture]) -> None:
    asked = "whitebox:protocol=standard,epsilons=8/255,steps=1+3,must_break=false,attack=pgd,samples=3"
    found = report(masked.MASKS["noise"](masked.crops("adversarial")), rows[:4], asked)
    assert not found["randomised"].is_raised
    assert "gradients were means of 3" in said(found["randomised"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mask", "kinds"),
    [
        ("rounded", {"zero gradients", "ensemble members"}),
        pytest.param("noise", {"randomised"}, marks=pytest.mark.thorough),
        pytest.param("broken", {"non-finite gradients", "ensemble members"}, marks=pytest.mark.thorough),
    ],
)
def test_autoattack_names_masks_as_well(mask: str, kinds: set[str], rows: list[QueuedPicture]) -> None:
    asked = "autoattack:epsilons=24/255,queries=100"
    found = report(masked.MASKS[mask](masked.crops("plain")), rows[:6], asked)
    assert kinds <= raised(found), {name: said(each) for name, each in found.items()}
    assert found["verdict"].is_raised
