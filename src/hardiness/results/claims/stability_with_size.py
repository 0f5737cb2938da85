"""The larger a model, the less its answers flip."""

from __future__ import annotations

from functools import partial

from hardiness.results.claims.claim import Claim, add, falls_with_size

CLAIM = add(
    Claim(
        name="stability_with_size",
        sentence="The mean flip rate on ImageNet-P falls with the size of the model.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b, results/",
        statistic="fall of the mFR on ImageNet-P from model to model of the family",
        test="above zero on the whole, and no step told to rise",
        needs=("mfr",),
        contrasts=partial(falls_with_size, "mfr"),
        needs_family=2,
    )
)
