"""Nothing much stands a white-box attack of enough steps."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.results.claims.claim import Claim, Contrast, Models, add, contrast

SHARE = 0.1


def _contrasts(models: Models) -> Sequence[Contrast]:
    found = []
    for subject in models.all:
        clean, attacked = subject.numbers["whitebox_clean_accuracy"], subject.numbers["whitebox_accuracy"]
        text = f"{subject.model}: {100 * attacked.value:.2f} % of {100 * clean.value:.2f} % are left"
        text += f" ({attacked.doubt})" if attacked.doubt else ""
        found.append(contrast(text, [(SHARE, clean), (-1.0, attacked)]))
    return found


CLAIM = add(
    Claim(
        name="whitebox_collapse",
        sentence="At epsilon .06 and the most steps a white-box attack leaves less than a tenth of the clean accuracy.",
        source="Orhan (2019), arXiv:1907.07640; eminorhan/resnext-wsl@6200c936608b, whitebox_50step_0.06_*.npy",
        statistic="a tenth of the clean accuracy less the accuracy at the most steps that were run, of each model",
        test="above zero for every model",
        needs=("whitebox_clean_accuracy", "whitebox_accuracy"),
        contrasts=_contrasts,
    )
)
