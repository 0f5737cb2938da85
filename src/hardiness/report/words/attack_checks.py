"""What the checks of an attack found, in words."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.core.codes import AttackCheck
from hardiness.core.fact import CheckOutcome, Fact, Trust
from hardiness.report.words import Words, advice, says

PLACES = {
    "slope_ratio": "at the image",
    "away_slope_ratio": "between the levels of files",
    "halfway_slope_ratio": "half way to where the attack ended",
    "end_slope_ratio": "where the attack ended",
}
"""Where a slope was measured, by its column."""

NORMS = {"linf": "", "l2": " in L2"}

WHY_SQUARE_LEADS = {
    True: (
        "gradients are masked, so the attack is too weak.",
        "Take the lower accuracy of attack=square, and find what hides the gradient.",
    ),
    False: (
        "the attack itself is too weak, because Square goes without gradients, too.",
        "Take the lower accuracy of attack=square, or give the attack more steps and a better search.",
    ),
    None: (
        "the attack is too weak, or follows gradients that are masked.",
        "Take the lower accuracy of attack=square, and look at what the checks of the gradients say.",
    ),
}
"""The meaning of Square getting further, and advice, by whether the attack follows gradients."""


def percent(share: float) -> str:
    """A fraction as people read it."""
    return f"{100 * share:.1f} %"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([*([", ".join(names[:-1])] if names[1:] else []), *names[-1:]])


def _too_coarse(number_format: str) -> str:
    return f"The network computes in {number_format}, too coarse to tell rounding from a gradient that is not its slope"


def _cannot_tell(n: int) -> str:
    return f"{n} image{'' if n == 1 else 's'} cannot tell"


@says(AttackCheck.NON_FINITE_GRADIENTS)
def non_finite_gradients(fact: Fact, share: float) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.CLEAR:
        return "Every gradient was finite."
    return (
        f"{percent(share)} of the attacks met NaN or infinite gradients, which were taken as zero.",
        "Find the operation that makes them (torch.autograd.set_detect_anomaly), or attack=square.",
    )


@says(AttackCheck.SATURATED_LOGITS)
def saturated_logits(fact: Fact, large: float = 0.0, bent: float = 0.0) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "Gradients at the clean images were not looked at."
    if fact.outcome is CheckOutcome.CLEAR:
        return "The loss and the largest logits have a gradient wherever the logits have one."
    if large:
        return (
            f"At {percent(large)} of the images the logits have a gradient and the cross-entropy has none: logits this "
            "large saturate the softmax.",
            "Use a loss that does not see their scale: attack=apgd,loss=dlr or attack=pgd,loss=margin.",
        )
    return (
        f"At {percent(bent)} of the images the largest logits have next to no gradient and others have one: something "
        "bends or clips them, and the attack does not see how to change their order.",
        "Attack what stands before that step, give it a backward pass (bpda=MODULE), or attack without gradients "
        "(attack=square).",
    )


@says(AttackCheck.ZERO_GRADIENTS)
def zero_gradients(fact: Fact, share: float, has_many: bool, blind: float = 0.0, hidden: float = 0.0) -> Words:
    """As of the check."""
    text = f"{percent(share)} of the gradients' values were exactly zero"
    unseen = f"n {percent(blind)} of the images the network changes with many values that its gradient is zero for"
    if blind:
        text = f"{text}; o{unseen}" if has_many else f"O{unseen}"
    elif hidden:
        text = f"At {percent(hidden)} of the clean images most of the gradient is exactly zero"
    elif has_many and not fact.is_raised:
        text += ", but the network does not change with them either"
    if not fact.is_raised:
        return f"{text}: the attack could see."
    return (
        f"{text}: something hides the gradient (rounding, a threshold, a saturated loss), and the attack saw nothing.",
        "Give that step a backward pass (bpda=MODULE), or attack without gradients (attack=square).",
    )


@says(AttackCheck.GRADIENT_MISMATCH)
def gradient_mismatch(
    fact: Fact,
    place: str = "",
    off: float = 0.0,
    median: float = 0.0,
    least: float = 0.0,
    most: float = 0.0,
    low: float = 0.0,
    high: float = 0.0,
    backward: str = "",
    number_format: str = "",
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        if backward:
            return f"The backward pass of {backward} is a given one, not its slope."
        return (
            f"{_too_coarse(number_format)}."
            if number_format
            else ("There was no gradient to hold against a finite difference.")
        )
    where = PLACES[place]
    text = f"A step along the gradient {where} changes the logits by {median:.2f} of what it says (median)"
    if not fact.is_raised:
        return f"{text}: the gradient is the network's slope."
    if low <= median <= high:
        text = (
            f"On {percent(off)} of the images a step along the gradient {where} changes the logits by less than "
            f"{low:g} or more than {high:g} of what it says ({least:.3g} to {most:.3g})"
        )
    if median < -low:
        kind = "the gradient points the wrong way"
    elif abs(median) < low:
        kind = "the gradient is not that of the network (a straight-through step, or one that shatters it)"
    else:
        kind = "there the network does not do what its gradient says"
    return (
        f"{text}: {kind}.",
        "Attack with a backward pass that fits (bpda=MODULE) and without gradients (attack=square), and compare.",
    )


@says(AttackCheck.SHATTERED_GRADIENTS)
def shattered_gradients(
    fact: Fact, jumps: float = 0.0, times: float = 0.0, left: float = 0.0, number_format: str = ""
) -> Words:
    """As of the check."""
    todo = "Smooth it (samples=20), or attack without gradients, which mislead here (attack=square)."
    if fact.outcome is CheckOutcome.NOT_RUN:
        return f"{_too_coarse(number_format)}." if number_format else "There was no gradient to follow."
    if jumps:
        return (
            f"On {percent(jumps)} of the images the logits jump by more than {times:g} times what the gradient says "
            "within a thousandth of the range: the network is discontinuous (k-winners, quantised inside).",
            todo,
        )
    if fact.is_raised:
        return (
            f"A thousandth of the range along the gradient the logits have moved by {left:.2f} of what it says "
            "(median): it turns at once.",
            todo,
        )
    return f"Over a thousandth of the range {left:.2f} of it is left: the surface is smooth."


@says(AttackCheck.LOW_PRECISION)
def low_precision(fact: Fact, number_format: str = "") -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "The precision of the logits was not looked at."
    if fact.is_raised:
        return f"{_too_coarse(number_format)}.", "Run it in float32."
    return f"The logits have the precision of {number_format}."


@says(AttackCheck.RANDOMISED)
def randomised(fact: Fact, change: float = 0.0, samples: int = 1) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "The network was asked once, so nothing is known of its chance."
    if not change:
        return "Several passes of one picture give the same logits."
    text = f"Passes of one picture differ by up to {percent(change)} of the largest logit: the network draws at random"
    if not fact.is_raised:
        return f"{text}; gradients were means of {samples}."
    return (
        f"{text}, and an attack on one draw is no attack on the next.",
        "Use means of several passes: attack=pgd,samples=20, or autoattack:version=rand.",
    )


@says(AttackCheck.WEAKER_THAN_NOISE)
def weaker_than_noise(
    fact: Fact, wins: int = 0, images: int = 0, both: int = 0, follows_gradients: bool | None = None
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "No noise was tried."
    if not images:
        return "Noise of the same budget takes every image as well."
    text = f"The attack got further than the best of some random draws of the same budget on {wins} of {images} images"
    text += f" (and both took {both} more)" if both else ""
    if fact.outcome is CheckOutcome.CANNOT_TELL:
        return f"{text}: {_cannot_tell(images)} whether it is better than noise."
    if not fact.is_raised:
        return f"{text}."
    todo = "Look at the findings about gradients, and attack without them (attack=square)."
    if follows_gradients is False:
        todo = "Take the accuracy that another attack leaves (attack=square, attack=pgd)."
    return f"{text}: it is hardly better than noise, so what it leaves standing says nothing.", todo


@says(AttackCheck.OTHER_LOSS)
def other_loss_takes_more(fact: Fact, standing: int = 0, taken: int = 0, images: int = 0) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "No image stood, or the attack was not one on the cross-entropy for any wrong class."
    text = f"Auto-PGD on the differences of logits took {taken} of {standing} images that stand"
    if fact.outcome is CheckOutcome.CANNOT_TELL:
        return f"{text}: {_cannot_tell(images)} whether the cross-entropy is a weak guide here."
    if not fact.is_raised:
        return f"{text}: the cross-entropy leads about as far."
    return (
        f"{text}: the cross-entropy is a weak guide here, as where logits are scaled, or one of several networks "
        "answers.",
        "Take the accuracy that a better one leaves, of attack=apgd,loss=dlr or attack=pgd,loss=margin.",
    )


@says(AttackCheck.SQUARE)
def square_takes_more(
    fact: Fact,
    images: int = 0,
    against_loss: tuple[int, int] = (0, 0),
    against_both: tuple[int, int] = (0, 0),
    follows_gradients: bool | None = None,
    is_surely_weaker: bool = False,
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "No image stood, or Square was not run."
    text = f"Square, which sees no gradient, took {against_loss[0]} of {images} images that stand"
    text += f", and got further on {against_loss[1]}"
    if against_loss != against_both:
        text += (
            "; where Auto-PGD on the differences of logits had attacked them, too, it took "
            f"{against_both[0]}, and got further than both on {against_both[1]}"
        )
    if fact.is_raised:
        why, todo = WHY_SQUARE_LEADS[follows_gradients]
        return f"{text}: {why}", todo
    if fact.outcome is CheckOutcome.CANNOT_TELL:
        doubt = "gradients are masked" if follows_gradients else "the attack is too weak"
        return f"{text}: {_cannot_tell(images)} whether {doubt}."
    if not is_surely_weaker:
        return f"{text}: neither is surely the stronger one."
    return f"{text}: the attack{' with gradients' if follows_gradients else ''} is the stronger one."


@says(AttackCheck.MEMORY)
def memory(fact: Fact, by_copy: float = 0.0, by_network: float = 0.0) -> Words:
    """As of the check."""
    copy = "copy of the network that has seen nothing else"
    if fact.outcome is CheckOutcome.NOT_RUN:
        return f"There was no {copy}, so it may remember what it was shown."
    if not fact.is_raised:
        return f"A {copy} says the same of what was attacked."
    return (
        f"A {copy} is right on {percent(by_copy)} of the same attacked pictures, the network under attack on "
        f"{percent(by_network)}: its answers depend on what it was shown before, and so does what an attack finds.",
        "Attack it without its memory.",
    )


@says(AttackCheck.HARD_DECISION)
def hard_decision(fact: Fact, median: float = 0.0, share: float = 0.0, large: float = 0.0) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "No way to another answer was looked at."
    text = f"Where the answer changes, the lead of the label takes {percent(median)} of its way at once (median)"
    if not fact.is_raised:
        return f"{text}: the logits lead to it."
    return (
        f"{text}, and more than {percent(large)} on {percent(share)} of the images: the answer is decided by something "
        "that the logits do not show, and an attack on them goes astray.",
        "Attack what decides, or go by the answer alone (attack=hopskipjump).",
    )


@says(AttackCheck.TOLD_LOGITS)
def told_logits(fact: Fact, share: float = 0.0) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "The attack told no logits."
    if not fact.is_raised:
        return "What the attack told of its pictures is what the network says of them."
    return (
        f"On {percent(share)} of the images the attack told other logits than the network gives. Every score is by the "
        "network's, but an attack that misjudges itself may stop too early.",
        "Report it to its author, unless the network answers otherwise now and then.",
    )


@says(AttackCheck.MUST_BREAK)
def must_break(fact: Fact, shares: Sequence[tuple[str, str, float]], surely: Sequence[tuple[str, str]]) -> Words:
    """As of the check."""
    standing = ", ".join(f"{percent(share)} {_kind(target, norm)}" for target, norm, share in shares)
    text = f"Where any picture can become any other there still stand: {standing}"
    if not fact.is_raised:
        few = "so few that " if any(share for *_, share in shares) else ""
        return f"{text}: {few}the attack works where it must."
    kinds = ", ".join(_kind(*kind) for kind in surely)
    return (
        f"{text}: the attack fails where it cannot fail ({kinds}), so no curve of it is a limit.",
        "Look at what the checks of the gradients say, and attack without them (attack=square).",
    )


def _kind(target: str, norm: str) -> str:
    return f"{target}{NORMS.get(norm, f' in {norm}')}"


@says(AttackCheck.REACH)
def reach(fact: Fact, budget: str, steps: int, length: float) -> Words:
    """As of the check."""
    if not fact.is_raised:
        return "The steps of every attack together are longer than its epsilon."
    return (
        f"At epsilon {budget}, {steps} steps of {length:.3g} reach {steps * length:.3g}: less than epsilon, so a curve "
        "that flattens there does so for want of steps, not of budget.",
        "Take more steps, or longer ones (step=, relative_step=).",
    )


@says(AttackCheck.STEPS)
def enough_steps(
    fact: Fact,
    budget: str = "",
    steps: tuple[int, int] = (0, 0),
    before: float = 0.0,
    last: float = 0.0,
    doubt: str = "",
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "One number of steps was recorded, so nothing is known of more."
    word = f" ({doubt})" if doubt else ""
    text = (
        f"From {steps[0]} to {steps[1]} steps at epsilon {budget} accuracy goes from {percent(before)} to "
        f"{percent(last)}{word}"
    )
    if not fact.is_raised:
        return f"{text}: more steps would hardly take more."
    return f"{text}: it still falls at the last step, and more steps would take more.", "Take more (steps=)."


@says(AttackCheck.RESTARTS)
def restarts(fact: Fact, share: float = 0.0, starts: int = 1) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "One start was tried", "restarts=5 would say whether others break more."
    text = f"{percent(share)} of the images fell to a later start than the first (of {starts})"
    if not fact.is_raised:
        return f"{text}: the start hardly matters."
    return f"{text}: one start is not enough for this model.", "Take more (restarts=)."


@says(AttackCheck.LOSS)
def loss(
    fact: Fact,
    marks: int = 0,
    first: float = 0.0,
    last: float = 0.0,
    fell: bool = False,
    part: float | None = None,
    near: int | None = None,
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        if marks < 3:
            return "Too few numbers of steps were recorded to say whether the loss still moves."
        return "Every image has fallen, so there is no loss left to lower."
    text = f"On the images that stand, the attack's loss went from {first:.3g} to {last:.3g}"
    if not fell:
        return f"{text}: it did not fall at all."
    if part is None:
        return f"{text}, and hardly moved between the last two marks."
    if not fact.is_raised:
        count = "one image" if near else "no image"
        return f"{text}, {percent(part)} of it between the last two marks; by as much again {count} would fall."
    text += f", and {percent(part)} of its fall lies between the last two marks: go on."
    return text, "Take more steps (steps=)."


@says(AttackCheck.ENSEMBLE)
def ensemble_members(fact: Fact, fab: float, square: float, images: int) -> Words:
    """As of the check."""
    text = f"After APGD, FAB took {percent(fab)} and Square {percent(square)} of {images} images"
    if not fact.is_raised:
        return f"{text}: APGD leads, as it should."
    which = "Square, which sees no gradient," if square >= fab else "FAB"
    return (
        f"{text}: {which} finds what APGD does not, so gradients are masked and the rest may fall too.",
        "Adapt the attack to the model (bpda=MODULE, samples=20).",
    )


@says(AttackCheck.MISCLASSIFIED)
def misclassified(fact: Fact, share: float = 0.0) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "The clean images were not evaluated."
    return f"{percent(share)} of the images are wrong without any attack, and count as wrong throughout."


@says(AttackCheck.AT_CHANCE)
def at_chance(fact: Fact, accuracy: float, low: float, high: float, chance: float) -> Words:
    """As of the check."""
    text = f"Without attack {percent(accuracy)} are right ({_bounds(low, high)}); chance is {percent(chance)}"
    if not fact.is_raised:
        return f"{text}."
    return f"{text}: a model that knows nothing loses nothing.", "Check weights, labels and view."


@says(AttackCheck.BLACK_BOX)
def black_box_stronger(
    fact: Fact,
    runs: int = 0,
    pairs: int = 0,
    surrogate: str = "",
    left: float = 0.0,
    white_box: float = 0.0,
    condition: str = "",
    doubt: str = "",
) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        if runs:
            return "The stored black-box runs have no epsilon and steps in common with this run."
        return "No black-box run of this model is stored to compare with."
    if not fact.is_raised:
        return f"No black box took more than the white box ({pairs} compared)."
    word = f" ({doubt})" if doubt else ""
    return (
        f"Pictures made on {surrogate} leave {percent(left)} right, the white box {percent(white_box)}{word} "
        f"({condition}): gradients of this model do not lead the attack."
    )


@says(AttackCheck.VERDICT)
def verdict(fact: Fact, **arguments: object) -> Words:
    """As of the check."""
    if fact.outcome is CheckOutcome.NOT_RUN:
        return "The clean images were not evaluated, so there is no verdict."
    return _verdict(fact, **arguments)  # type: ignore[arg-type]


def _verdict(
    fact: Fact,
    budget: str,
    before: float,
    after: float,
    images: int,
    loss_low: float,
    loss_high: float,
    doubts: Sequence[Fact],
    unchecked: Sequence[tuple[str, str]],
    steps: int = 0,
    targeted: bool = False,
    failures_clean: bool = False,
    not_robust: bool = False,
    unclear: Sequence[str] = (),
    most_left: float = 0.0,
    black_box: bool = False,
) -> Words:
    """A verdict that was given."""
    falls = "falls to" if percent(after) != percent(before) else "stays at"
    text = f"At epsilon {budget} accuracy {falls} {percent(after)}{f' at {steps} steps' if steps else ''}"
    text += f", from {percent(before)} clean"
    if targeted:
        rule = " whose failures are scored clean (protocol=standard does neither)" if failures_clean else ""
        text += f", by a targeted attack{rule}"
    names, off = ", ".join(each.code for each in doubts), listed([name for name, _ in unchecked])
    most_lost, more = percent(max(loss_high, 0.0)), "more images (--limit) would say."
    if fact.trust is Trust.WITHDRAWN:
        return _withdrawn(text, doubts, names, off, f"holds, within {most_lost}" if black_box else "")
    if not_robust:
        text += ": not robust (less than half is left)."
        text += f" What was found ({names}) can only mean that it falls further." if doubts else ""
        return text + (f" Not checked: {off} did not run, so it may fall further." if off else "")
    if fact.trust is Trust.NOT_CHECKED:
        why, todo = _consequence(unchecked)
        return f"Not checked: {text}, but {off} did not run, {why}.", todo
    if fact.trust is Trust.UPPER_BOUND:
        return (
            f"Upper bound: {text}, and a longer attack would take more ({names}).",
            advice(doubts[0]),
        )
    if unclear:
        return (
            f"{text}: cannot tell. {images} images are too few for what was seen ({', '.join(unclear)}) to be told "
            "from chance, and the attack may be too weak",
            more,
        )
    if most_left:
        return (
            f"{text}: cannot tell whether less than half is left. With {images} images it may be up to "
            f"{percent(most_left)}",
            more,
        )
    if fact.trust is Trust.CANNOT_TELL:
        return f"{text}: cannot tell. With {images} images the loss may be up to {most_lost}", more
    if loss_low > 0:
        return f"{text}: it falls in part, by {_bounds(loss_low, loss_high)}."
    return f"{text}: it holds, within {most_lost}."


def _withdrawn(text: str, doubts: Sequence[Fact], names: str, off: str, held: str) -> Words:
    """A verdict that was withdrawn: at chance, by a black box, or because the attack cannot be trusted."""
    if any(each.code == AttackCheck.AT_CHANCE for each in doubts):
        others = [each for each in doubts if each.code != AttackCheck.AT_CHANCE]
        # With saturated logits many classes tie, which says nothing of the label's.
        todo = advice(others[0]) if others else ""
        return f"Withdrawn: {text}, and a model at chance has nothing to lose.", todo
    if held:
        return f"Withdrawn: {text}: it {held}, but a black box took more.", "Find what hides the gradient."
    beside = f"; not checked: {off}" if off else ""
    todo = advice(doubts[0])
    return f"Withdrawn: {text}, but the attack cannot be trusted ({names}){beside}.", todo


def _consequence(unchecked: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """What does not show without some checks, and what to do."""
    ways = list(dict.fromkeys(way for _, way in unchecked if way))
    if not ways:
        return (
            "so a network that remembers what it was shown would not show",
            "Give the model by a name that can be loaded again, as py:FILE.py:NAME.",
        )
    how = " and ".join(f"without {way}" if "=" in way else f"in {way}" for way in ways)
    return "so hidden gradients would not show", f"Run it {how}."


def _bounds(low: float, high: float) -> str:
    return f"{100 * low:.0f} to {100 * high:.0f} %"
