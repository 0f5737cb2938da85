"""The larger a model, the better calibrated it is on ImageNet-A."""

from __future__ import annotations

from functools import partial

from hardiness.results.claims.claim import Claim, add, falls_with_size

CLAIM = add(
    Claim(
        name="calibration_with_size",
        sentence="On ImageNet-A the calibration error falls with the size of the model.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b, results/",
        statistic="fall of the RMS calibration error on ImageNet-A from model to model of the family",
        test="above zero on the whole, and no step told to rise",
        needs=("calibration_error",),
        contrasts=partial(falls_with_size, "calibration_error"),
        needs_family=2,
    )
)
