"""Cross-checks of an attack: does the network repeat itself, is its gradient its slope, is noise as good?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.attacks.kit import Budget, Iterate, threats_of
from hardiness.attacks.kit import registry as attacks
from hardiness.attacks.threats import threat
from hardiness.core.attack_plan import CrossChecks, Round
from hardiness.core.random import rng
from hardiness.engine.victims import Network, RoundOutcome, Victims

if TYPE_CHECKING:
    from torch import Tensor

COLUMNS = (
    "clean_lead",
    "attack_lead",
    "noise_lead",
    "square_lead",
    "repeat_change",
    "slope_ratio",
    "wide_slope_ratio",
    "slope_jump",
    "zero_loss_gradient",
    "zero_lead_gradient",
    "lead_slope",
    "away_slope_ratio",
    "halfway_slope_ratio",
    "end_slope_ratio",
    "logit_spacing",
    "hidden_gradient",
    "other_loss_lead",
    "decision_jump",
    "afresh_lead",
    "afresh_change",
)
"""float32; NaN where nothing was tried. Leads are in logits, as `Victims.lead`: negative once an image has fallen.
``lead_slope`` is the slope of the lead over that of the mean absolute value of all logits but the largest.
``away_slope_ratio`` is the slope's ratio at a place that no file can hold, as those are where attacks walk;
``end_slope_ratio`` at the picture where the attack ended, and ``halfway_slope_ratio`` half way from the image to it.
``logit_spacing`` is the distance from 1 to the next number in the coarsest format that holds an image's logits exactly.
``hidden_gradient`` is the share of values whose gradient is zero though the network changes with them; 0 where it does
not. ``other_loss_lead`` is what Auto-PGD leaves of the images that stand, on the difference of logits in place of the
cross-entropy. ``decision_jump`` is the part of the lead's way from the image to a picture of something else that it
takes at once, where the answer changes. ``afresh_lead`` is the label's lead where a copy of the network that has seen
nothing else judges the attacked picture, and ``afresh_change`` by how much its logits differ there, over the largest.
"""

VERSION = 4
"""Version of the cross-checks, for the key of runs beside which some were made."""

NEAR, WIDE, INTERVALS = 1e-4, 1e-3, 8
"""How far the slope is followed along its own sign, from the image to both sides, and in how many pieces."""

VISIBLE = 2e-4
"""The predicted change over the near distance, as a share of the largest logit: far above what float32 rounds."""

FORMATS = ("bfloat16", "float16")
"""Formats that are coarser than float32, the coarsest first."""

SPACINGS, LEAST_SPACINGS = 50, 10
"""The predicted change between both sides that is aimed at, and the least that shows, as multiples of the spacing.

SqueezeNet 1.1 in bfloat16 moves by less than half or more than twice of what its gradient says on 7 of 12 photographs
over 10 spacings, and on 1 over 50. Rounding of two logits on two sides moves a change by 2 spacings at most.
"""

FARTHEST = 1e-2

AWAY, PLACES = 16 / 255, 4
"""How far from the image the gradient is asked again, off the levels of files, and at how many places."""

STAYS, FARTHER, RESPONSE = 0.9, 0.1, 1e-4
"""Zeros are hidden where so many of them are zero at every place and noise of that size on them changes the logits by
so much of the largest. Of a median filter, which is honest, half to three quarters move."""

ANSWERED = 0.1
"""Zeros are hidden, too, where the network follows them by more than this share of its slope, a value; a median
filter's have 0.02."""

FAR, HALVINGS = 4, 14
"""Pictures of something else that are tried, and halvings of the way there: a smooth lead moves by thousandths of its
way in the last piece, however steep it is at the decision."""

LEAST_CLASSES = 3
"""Number of classes that the difference-of-logits ratio needs."""

PASSES = 4
"""Number of passes of the same pictures: chance that shows in every third pass, or in half of them, is seen."""


def missing_columns(n: int) -> dict[str, NDArray[np.float32]]:
    """The columns of rows that had no cross-check: NaN."""
    return {name: np.full(n, np.nan, np.float32) for name in COLUMNS}


class _Further(NamedTuple):
    """Another attack on what stands: its name, which keys its draws, what it asks, and how many steps it may take."""

    name: str
    attack: Callable[..., Iterator[Iterate]]
    network: Network
    steps: int


@dataclass(frozen=True)
class Suspect:
    """A network whose gradients are cross-checked.

    Attributes:
        network: through which gradients go; ``None`` where it has none.
        judge: whose logits count.
        afresh: makes a judge that has seen nothing yet; ``None`` comes of it where none can be had.
    """

    network: Network | None
    judge: Network
    afresh: Callable[[], Network | None] = lambda: None

    def logits(self, pixels: Tensor) -> Tensor:
        """The judge's logits."""
        import torch

        with torch.no_grad():
            return self.judge(pixels).float()

    def cross_check(
        self, victims: Victims, plan: Round, judged: RoundOutcome, checks: CrossChecks, seed: int
    ) -> Mapping[str, NDArray[np.float32]]:
        """The cross-checks of one round at its last mark: `COLUMNS`, one entry a sample.

        Args:
            victims: the batch.
            plan: the round.
            judged: its outcome at its last mark.
            checks: how much is tried.
            seed: keys the noise.
        """
        lead = _lead_of(victims, plan.targeted)
        assert judged.reached is not None, "a round tells where it stood"
        first, *others = (self.logits(victims.pixels) for _ in range(PASSES))
        change = first.new_zeros(len(first))
        for other in others:
            change = change.maximum((first - other).abs().amax(1))
        measures: dict[str, Tensor] = {
            "clean_lead": lead(first),
            "attack_lead": lead(judged.reached.to(first.device)),
            "repeat_change": change / first.abs().amax(1).clamp(min=1e-12),
            "noise_lead": self._noise(victims, plan, checks.draws, seed),
        }
        if self.network is not None:
            measures |= self._slopes(self.network, victims, plan)
            measures |= self._away(self.network, victims, lead, seed, measures["repeat_change"])
            measures |= self._walked(self.network, victims, lead, judged)
        if not getattr(attacks.get(plan.attack), "decisions_alone", False):
            measures["decision_jump"] = self._jump(victims, seed)
        if self.network is not None and is_on_cross_entropy(plan):
            measures["other_loss_lead"] = self._other_loss(self.network, victims, plan, judged, seed)
        if checks.queries and plan.norm in threats_of("square"):
            measures["square_lead"] = self._square(victims, plan, judged, checks.queries, seed)
        measures |= self._judged_afresh(victims, judged)
        columns = missing_columns(len(victims.samples))
        columns.update({name: values.float().cpu().numpy() for name, values in measures.items()})
        return columns

    def _noise(self, victims: Victims, plan: Round, draws: int, seed: int) -> Tensor:
        """The least lead under noise of the same budget; NaN without draws."""
        import torch

        best = torch.full((len(victims.samples),), float("inf"), device=victims.pixels.device)
        limits = threat(plan.norm)
        for draw in range(draws):
            pixels = limits.sample(victims.pixels, plan.epsilon, [rng(seed, "noise", draw, s) for s in victims.samples])
            best = best.minimum(victims.lead(self.logits(pixels), plan.targeted))
        return best if draws else best * float("nan")

    def _square(self, victims: Victims, plan: Round, judged: RoundOutcome, queries: int, seed: int) -> Tensor:
        """The lead that Square leaves on the images that stand; NaN for others."""
        square = _Further("square", attacks.get("square")(), self.judge, queries)
        return self._left_by(square, victims, plan, judged, seed)

    def _other_loss(self, network: Network, victims: Victims, plan: Round, judged: RoundOutcome, seed: int) -> Tensor:
        """The lead that Auto-PGD leaves, on the difference of logits, on the images that stand; NaN for others.

        That loss is a ratio which needs three classes; of two it is the margin alone.
        """
        samples = plan.options.get("samples", 1)
        has_ratio = victims.clean.shape[1] >= LEAST_CLASSES
        name, loss = ("apgd", "dlr") if has_ratio else ("pgd", "margin")
        attack = attacks.get(name)(loss=loss, samples=samples)
        return self._left_by(_Further("other loss", attack, network, plan.steps), victims, plan, judged, seed)

    def _left_by(self, further: _Further, victims: Victims, plan: Round, judged: RoundOutcome, seed: int) -> Tensor:
        """The lead that another attack of the same budget leaves on the images that stand; NaN for others."""
        import torch

        leads = torch.full((len(victims.samples),), float("nan"), device=victims.pixels.device)
        standing = torch.from_numpy(np.flatnonzero(~judged.columns["success"])).to(victims.pixels.device)
        if not len(standing):
            return leads
        remaining = victims.rows(standing)
        generators = [rng(seed, further.name, sample) for sample in remaining.samples]
        budget = Budget(plan.norm, plan.epsilon, torch.full((len(standing),), further.steps, device=standing.device))
        last = remaining.pixels.clone()
        criterion = remaining.criterion(plan.targeted)
        for iterate in further.attack(further.network, remaining.pixels, criterion, budget, generators):
            last[iterate.index] = iterate.pixels
        leads[standing] = remaining.lead(self.logits(last), plan.targeted)
        return leads

    def _jump(self, victims: Victims, seed: int) -> Tensor:
        """The part of its way that the label's lead takes at once where the answer changes, ``(N,)``.

        NaN where the image is wrong as it is, or all that it was turned into is still answered with its label.
        """
        import torch

        def lead(pixels: Tensor) -> Tensor:
            return victims.lead(self.logits(pixels), targeted=False)

        near, far = victims.pixels, 1 - victims.pixels
        above, below = lead(near), lead(far)
        begin = above
        for place in range(FAR):
            still = (below > 0)[:, None, None, None]
            if not bool(still.any()):
                break
            draws = [rng(seed, "far", place, sample) for sample in victims.samples]
            noise = np.stack([generator.random(near.shape[1:], np.float32) for generator in draws])
            far = torch.where(still, torch.from_numpy(noise).to(far.device), far)
            below = lead(far)
        end = below
        for _ in range(HALVINGS):
            middle = (near + far) / 2
            leads = lead(middle)
            stands = leads > 0
            wide = stands[:, None, None, None]
            near, far = torch.where(wide, middle, near), torch.where(wide, far, middle)
            above, below = torch.where(stands, leads, above), torch.where(stands, below, leads)
        is_tried = (begin > 0) & (end <= 0)
        return ((above - below) / (begin - end)).where(is_tried, begin.new_full((), float("nan")))

    def _judged_afresh(self, victims: Victims, judged: RoundOutcome) -> dict[str, Tensor]:
        """How a copy that has seen nothing else judges the attacked pictures; nothing where none can be had."""
        import torch

        other = self.afresh()
        if other is None:
            return {}
        assert judged.pixels is not None, "the pictures of a round that is checked are kept"
        with torch.no_grad():
            logits = other(judged.pixels).float()
        before = torch.from_numpy(judged.logits).to(logits.device)
        change = (logits - before).abs().amax(1) / before.abs().amax(1).clamp(min=1e-12)
        return {
            "afresh_lead": victims.lead(logits, targeted=False),
            "afresh_change": change.nan_to_num(nan=1.0, posinf=1.0),
        }

    def _slopes(self, network: Network, victims: Victims, plan: Round) -> dict[str, Tensor]:
        """The gradient against what the judge does along it, near and wider, and how much of it is exactly zero."""
        criterion, lead = victims.criterion(plan.targeted), _lead_of(victims, plan.targeted)
        of_loss, _ = _gradient(network, victims.pixels, criterion.loss)
        of_others, _ = _gradient(network, victims.pixels, _others)
        line = self._line(network, victims.pixels, lead)
        of_lead = line.gradient
        far = line.ratios((line.near * (WIDE / NEAR)).clamp(max=FARTHEST), INTERVALS)
        nan = line.predicted.new_full((), float("nan"))
        return {
            "zero_loss_gradient": (of_loss == 0).float().mean(dim=(1, 2, 3)),
            "zero_lead_gradient": (of_lead == 0).float().mean(dim=(1, 2, 3)),
            # NaN where both are 0, and where one is no number: that is another finding's.
            "lead_slope": (_steepness(of_lead) / _steepness(of_others)).where(_is_finite(of_lead, of_others), nan),
            "slope_ratio": line.ratio(),
            "wide_slope_ratio": far.mean(1),
            "slope_jump": far.abs().amax(1),
            "logit_spacing": _spacing(line.logits),
        }

    def _line(self, network: Network, pixels: Tensor, lead: Callable[[Tensor], Tensor]) -> _Line:
        """The line through each picture along the sign of its gradient."""
        gradient, logits = _gradient(network, pixels, lead)
        return _Line(pixels, gradient, logits, lambda place: lead(self.logits(place)))

    def _walked(
        self, network: Network, victims: Victims, lead: Callable[[Tensor], Tensor], judged: RoundOutcome
    ) -> dict[str, Tensor]:
        """The gradient where the attack walked: is it the slope there?"""
        assert judged.stood is not None, "the pictures of a round that is checked are kept"
        halfway = (victims.pixels + judged.stood) / 2
        return {
            "halfway_slope_ratio": self._line(network, halfway, lead).ratio(),
            "end_slope_ratio": self._line(network, judged.stood, lead).ratio(),
        }

    def _away(
        self, network: Network, victims: Victims, lead: Callable[[Tensor], Tensor], seed: int, chance: Tensor
    ) -> dict[str, Tensor]:
        """The gradient at random places around the image: is it the slope there, and what does it never see?

        Args:
            network, victims: as in `_slopes`.
            lead: of logits.
            seed: keys the places.
            chance: by how much logits of equal pictures differ, over the largest.
        """
        import torch

        draws = [[rng(seed, "away", place, sample) for sample in victims.samples] for place in range(PLACES)]
        first, *others = (_around(victims.pixels, AWAY, generators) for generators in draws)
        line = self._line(network, first, lead)
        slope = line.gradient.nan_to_num(0.0, 0.0, 0.0)
        zeros = torch.stack([line.gradient == 0, *(_gradient(network, other, lead)[0] == 0 for other in others)])
        unseen, never_seen = zeros[0], zeros.all(0)
        # What the gradient does not see is moved as its neighbours would be: in a mask their slopes are alike.
        around = torch.nn.functional.avg_pool2d(slope.sum(1, keepdim=True), 5, 1, 2)
        blind = line.change(line.near.clamp(min=WIDE), around.sign() * unseen * line.inside).abs() / _count(unseen)
        answered = blind > ANSWERED * line.predicted / _count(~unseen)
        # And where the same values are zero at every place, do they matter at all?
        noise = torch.where(never_seen, _around(first, FARTHER, draws[0]), first)
        largest = line.logits.abs().amax(1).clamp(min=1e-12)
        difference = (self.logits(first) - self.logits(noise)).abs().amax(1) / largest
        stays = _count(never_seen) > STAYS * zeros.float().sum(dim=(2, 3, 4)).mean(0)
        hidden = answered | (stays & (difference > (2 * chance).clamp(min=RESPONSE)))
        return {
            "away_slope_ratio": line.ratio(),
            "hidden_gradient": unseen.float().mean(dim=(1, 2, 3)) * hidden,
        }


def _lead_of(victims: Victims, targeted: bool) -> Callable[[Tensor], Tensor]:
    return lambda logits: victims.lead(logits, targeted)


def _count(values: Tensor) -> Tensor:
    """How many of each image's values are true; at least 1, to divide by."""
    return values.float().sum(dim=(1, 2, 3)).clamp(min=1)


def _around(pixels: Tensor, reach: float, generators: Sequence[np.random.Generator]) -> Tensor:
    """Pixels moved by uniform noise, each sample's by a generator of its own, and folded back into [0, 1]."""
    import torch

    shape = pixels.shape[1:]
    noise = np.stack([generator.uniform(-reach, reach, shape).astype(np.float32) for generator in generators])
    moved = (pixels + torch.from_numpy(noise).to(pixels.device)).abs()
    return 1 - (1 - moved).abs()


@dataclass(frozen=True)
class _Line:
    """The line through each picture along the sign of its gradient, and what the judge does on it.

    Attributes:
        pixels: float32 ``(N, 3, H, W)``.
        gradient: of the lead, of that shape.
        logits: float32 ``(N, K)`` at the pictures.
        lead_at: the judge's lead at pixels.
    """

    pixels: Tensor
    gradient: Tensor
    logits: Tensor
    lead_at: Callable[[Tensor], Tensor]

    @cached_property
    def inside(self) -> Tensor:
        """Whether both sides of a value are pixels: a model may clip its input to [0, 1]."""
        return (self.pixels - FARTHEST >= 0) & (self.pixels + FARTHEST <= 1)

    @cached_property
    def direction(self) -> Tensor:
        """The sign of the gradient, and 0 where one side is no pixel."""
        return self.gradient.nan_to_num(0.0, 0.0, 0.0).sign() * self.inside

    @cached_property
    def predicted(self) -> Tensor:
        """The change of the lead that the gradient says, over a distance of 1: ``(N,)``."""
        return (self.gradient.nan_to_num(0.0, 0.0, 0.0) * self.direction).sum(dim=(1, 2, 3))

    @cached_property
    def near(self) -> Tensor:
        """The distance at which each change is seen above rounding, at least `NEAR`: ``(N,)``."""
        largest, slope = self.logits.abs().amax(1), _steepness(self.gradient).clamp(min=1e-12)
        distance = (VISIBLE * largest / slope).nan_to_num(NEAR).clamp(NEAR, FARTHEST * NEAR / WIDE)
        for_format = SPACINGS * self.spacing / (2 * self.predicted)
        return distance.maximum(for_format.nan_to_num(NEAR).clamp(max=FARTHEST))

    @cached_property
    def spacing(self) -> Tensor:
        """The distance between numbers of the size of the largest logit, in the format of the logits: ``(N,)``."""
        return _spacing(self.logits) * self.logits.abs().amax(1)

    @cached_property
    def is_visible(self) -> Tensor:
        """Whether the change that the gradient says shows in the logits: ``(N,)``."""
        return (self.predicted > 0) & (2 * self.near * self.predicted >= LEAST_SPACINGS * self.spacing)

    def change(self, distance: Tensor, direction: Tensor | None = None) -> Tensor:
        """The change of the lead from one side to the other, over the distance between them: ``(N,)``."""
        moved = distance[:, None, None, None] * (self.direction if direction is None else direction)
        return (self.lead_at(self.pixels + moved) - self.lead_at(self.pixels - moved)) / (2 * distance)

    def ratio(self) -> Tensor:
        """The change of the lead over what the gradient predicts; NaN where that would not show: ``(N,)``."""
        return self._over_predicted(self.change(self.near))

    def ratios(self, distance: Tensor, intervals: int) -> Tensor:
        """The same in each of so many pieces of the way from one side to the other: ``(N, intervals)``."""
        import torch

        wide = distance[:, None, None, None]
        ends = [2 * i / intervals - 1 for i in range(intervals + 1)]
        leads = torch.stack([self.lead_at(self.pixels + wide * end * self.direction) for end in ends], 1)
        return self._over_predicted(leads.diff(dim=1) / (distance * 2 / intervals)[:, None])

    def _over_predicted(self, changes: Tensor) -> Tensor:
        wide = (slice(None), *[None] * (changes.dim() - 1))
        return (changes / self.predicted[wide]).where(self.is_visible[wide], changes.new_full((), float("nan")))


def _gradient(network: Network, pixels: Tensor, loss: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    import torch

    with torch.enable_grad():
        inputs = pixels.detach().requires_grad_()
        logits = network(inputs)
        (gradient,) = torch.autograd.grad(loss(logits).sum(), inputs, allow_unused=True)
    return torch.zeros_like(pixels) if gradient is None else gradient, logits.detach()


def _spacing(logits: Tensor) -> Tensor:
    """The distance from 1 to the next number, in the coarsest format that holds each image's logits: ``(N,)``."""
    import torch

    spacing = torch.full_like(logits[:, 0], torch.finfo(torch.float32).eps)
    for name in reversed(FORMATS):
        dtype = getattr(torch, name)
        is_held = (logits.to(dtype).float() == logits).all(1)
        spacing = torch.where(is_held, torch.finfo(dtype).eps, spacing)
    return spacing


def is_on_cross_entropy(plan: Round) -> bool:
    """Whether a round is an untargeted descent on the cross-entropy, which some networks make weak, not blind."""
    return plan.attack in ("pgd", "apgd") and plan.options.get("loss", "ce") == "ce" and not plan.targeted


def _is_finite(*gradients: Tensor) -> Tensor:
    import torch

    return torch.stack([gradient.isfinite().flatten(1).all(1) for gradient in gradients]).all(0)


def _others(logits: Tensor) -> Tensor:
    """The mean absolute value of all but the largest: their plain mean is near constant in some networks."""
    return logits.scatter(1, logits.argmax(1, keepdim=True), 0.0).abs().mean(1)


def _steepness(gradient: Tensor) -> Tensor:
    """The change over a step of 1 along the gradient's sign, what is not finite left out: ``(N,)``."""
    return gradient.nan_to_num(0.0, 0.0, 0.0).abs().sum(dim=(1, 2, 3))


def with_columns(
    outcomes: Sequence[RoundOutcome], columns: Mapping[str, NDArray[np.float32]], at: RoundOutcome | None
) -> list[RoundOutcome]:
    """The outcomes with the columns of the cross-checks: found ones beside ``at``, NaN beside the others."""
    return [
        replace(
            outcome, columns={**outcome.columns, **(columns if outcome is at else missing_columns(len(outcome.logits)))}
        )
        for outcome in outcomes
    ]
