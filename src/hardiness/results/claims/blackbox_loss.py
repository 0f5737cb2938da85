"""A black-box attack takes little."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.results.claims.claim import Claim, Contrast, Models, add, contrast

SHARE = 0.2


def _contrasts(models: Models) -> Sequence[Contrast]:
    found = []
    for subject in models.all:
        clean, attacked = subject.numbers["blackbox_clean_accuracy"], subject.numbers["blackbox_accuracy"]
        lost = 1 - attacked.value / clean.value if clean.value > 0 else 0.0
        change = "are lost" if lost >= 0 else "are won"
        text = f"{subject.model}: {100 * abs(lost):.1f} % of {100 * clean.value:.2f} % {change}"
        found.append(contrast(text, [(1.0, attacked), (SHARE - 1.0, clean)]))
    return found


CLAIM = add(
    Claim(
        name="blackbox_loss",
        sentence="A black-box attack at epsilon .06 takes less than a fifth of the clean accuracy.",
        source="Orhan (2019), arXiv:1907.07640; github:eminorhan/resnext-wsl@6200c936608b, results/",
        statistic="accuracy under the attack less four fifths of the clean accuracy, of each model",
        test="above zero for every model",
        needs=("blackbox_clean_accuracy", "blackbox_accuracy"),
        contrasts=_contrasts,
    )
)
