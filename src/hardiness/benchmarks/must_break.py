"""Budgets within which any picture can become any other: what still stands there was never attacked properly."""

from __future__ import annotations

from hardiness.core import Condition, Round

MUST_BREAK = Condition(epsilon=1.0, steps=10, group="must break")
TARGETED = Condition(epsilon=1.0, steps=30, group="must break, targeted")
EUCLIDEAN = Condition(epsilon=1000.0, steps=20, group="must break, l2")

ROUNDS = (
    Round(
        "pgd",
        "linf",
        1.0,
        {10: MUST_BREAK},
        options={"relative_step": 0.25, "random_start": False, "loss": "margin"},
    ),
    Round(
        "pgd",
        "linf",
        1.0,
        {30: TARGETED},
        targeted=True,
        options={"step": 8 / 255, "random_start": False, "loss": "margin"},
    ),
    Round(
        "pgd",
        "l2",
        1000.0,
        {20: EUCLIDEAN},
        options={"step": 4.0, "random_start": False, "loss": "margin"},
    ),
)
"""From the image itself, since a start far away is another picture already; on differences of logits, which large ones
cannot hide. Ordinary networks fall within ten steps, small adversarially trained ones as well."""
