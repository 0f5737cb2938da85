"""How many images a comparison of two models needs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from hardiness.core.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class ImagesNeeded:
    """Images that tell a difference of two error rates from none.

    Attributes:
        paired: both models on the same images.
        unpaired: each model on as many images of its own.
        disagreement: share of shared images that one model gets right and the other wrong.
    """

    paired: int
    unpaired: int
    disagreement: float


def images_needed(
    difference: float, baseline_error: float, correlation: float = 0.5, power: float = 0.8, confidence: float = 0.95
) -> ImagesNeeded:
    """How many images tell that a model errs by ``difference`` less (or, below 0, more) often than the baseline.

    Args:
        difference: of the error rates, as a fraction: 0.01 is one point; not 0.
        baseline_error: the baseline's error rate, in (0, 1).
        correlation: of right and wrong between the two models over images, in (-1, 1). Two networks trained on the same
            photographs have .5 to .8, two runs of one recipe .8 and more.
        power: chance of telling it, in (0, 1).
        confidence: one minus the chance of telling what is not there.

    Raises:
        ArgumentError: an argument is out of its range, or no two models have such error rates and correlation.

    Source: Connor (1987), doi:10.2307/2531961, for McNemar's test; Fleiss, Levin & Paik (2003), section 4.2, for two
        samples, without continuity correction.
    """
    ranges = {
        "difference": (
            -1 < difference < 1 and difference != 0,
            difference,
            "in (-1, 1) and not 0, a share (0.01 is one point)",
        ),
        "baseline-error": (0 < baseline_error < 1, baseline_error, "in (0, 1), a share (0.2 is 20 %)"),
        "correlation": (-1 < correlation < 1, correlation, "in (-1, 1)"),
        "power": (0 < power < 1, power, "in (0, 1)"),
        "confidence": (0 < confidence < 1, confidence, "in (0, 1)"),
    }
    for name, (holds, value, rule) in ranges.items():
        if not holds:
            raise ArgumentError(f"{name} must be {rule}, was {value:g}")
    other = baseline_error - difference
    if not 0 <= other < 1:
        raise ArgumentError(
            f"difference must leave the other model an error rate in [0, 1), was {difference:g} "
            f"beside a baseline error of {baseline_error:g}"
        )
    share_differing = disagreement(baseline_error, other, correlation)
    alpha, beta = NormalDist().inv_cdf(0.5 + confidence / 2), NormalDist().inv_cdf(power)
    gap, pooled = abs(difference), (baseline_error + other) / 2
    paired = (
        alpha * math.sqrt(share_differing) + beta * math.sqrt(max(share_differing - gap * gap, 0.0))
    ) ** 2 / gap**2
    own = math.sqrt(baseline_error * (1 - baseline_error) + other * (1 - other))
    unpaired = (alpha * math.sqrt(2 * pooled * (1 - pooled)) + beta * own) ** 2 / gap**2
    return ImagesNeeded(math.ceil(paired - 1e-9), math.ceil(unpaired - 1e-9), share_differing)


def disagreement(error: float, other: float, correlation: float) -> float:
    """The share of images that one of two models alone gets wrong.

    Args:
        error, other: their error rates.
        correlation: of right and wrong over images.

    Raises:
        ArgumentError: no two models have such error rates and correlation; the message says which are possible.
    """
    spread = math.sqrt(error * (1 - error) * other * (1 - other))
    both = error * other + correlation * spread
    least, most = max(0.0, error + other - 1), min(error, other)
    if not least - 1e-12 <= both <= most + 1e-12:
        low, high = ((edge - error * other) / spread if spread else 0.0 for edge in (least, most))
        raise ArgumentError(
            f"correlation must be between {low:.3f} and {high:.3f} for error rates of {error:g} and {other:g}, "
            f"was {correlation:g}"
        )
    return max(error + other - 2 * both, abs(error - other))
