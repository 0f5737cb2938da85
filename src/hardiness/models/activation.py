"""Outputs of a network: logits, probabilities, or numbers of a sigmoid, and how they become logits."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hardiness.core.errors import ModelError, UnknownNameError

SMALLEST = 1e-38
"""A probability below this one counts as this: its logarithm is a number, and fp32 holds it."""

ACTIVATION = "activation"
"""Name of the option that says which function makes probabilities of a network's logits."""

ACTIVATIONS = ("softmax", "sigmoid")

ACTIVATION_HELP = "softmax (usual), or sigmoid: each class has a probability of its own; one output is of two classes"

OUTPUT_OPTIONS = {
    "output": "logits or probabilities, beside activation=sigmoid; by default seen on two pictures",
    ACTIVATION: ACTIVATION_HELP,
}
"""Options of a network of a library, and their help: how its outputs are read."""

LARGEST_LOGIT = 17.0
"""Logit of a probability that is 1 in fp32: the next one below 1 has 16.6."""


def stated_outputs(options: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Those of a model's options that say how its outputs are read."""
    return tuple((key, value) for key, value in options.items() if key in OUTPUT_OPTIONS)


def log_probabilities(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """The logarithms of probabilities, which stand in place of logits."""
    return np.log(np.maximum(rows, np.float32(SMALLEST)))


def is_sigmoid(options: Mapping[str, str], name: str) -> bool:
    """Whether the options of a model say that its probabilities come from a sigmoid.

    Raises:
        UnknownNameError: they name another function than those of `ACTIVATIONS`.
    """
    activation = options.get(ACTIVATION, ACTIVATIONS[0])
    if activation not in ACTIVATIONS:
        raise UnknownNameError(f"activation of {name}", activation, ACTIVATIONS)
    return activation == "sigmoid"


def sigmoid_logits(rows: NDArray[np.float32], name: str, *, probabilities: bool) -> NDArray[np.float32]:
    """Logits whose softmax gives each class's probability if exactly one class is there.

    Args:
        rows: ``(N, K)`` outputs of a network with a probability for each class by itself; of one output the logits
            are of two classes, 0 and itself, so that the softmax is that very probability.
        name: the model's, for the message.
        probabilities: whether the rows are behind the sigmoid.

    Raises:
        ModelError: probabilities are not between 0 and 1.
    """
    values = rows.astype(np.float64)
    if probabilities:
        finite = values[np.isfinite(values)]
        if len(finite) and (finite.min() < -1e-3 or finite.max() > 1 + 1e-3):
            raise ModelError(
                f"{name} must put out probabilities from 0 to 1, puts out {finite.min():.3g} to {finite.max():.3g}; "
                "output=logits says that they are before the sigmoid"
            )
        with np.errstate(divide="ignore"):
            values = np.log(values.clip(SMALLEST, 1)) - np.log1p(-values.clip(0, 1))
        values = np.minimum(values, LARGEST_LOGIT)
    logits = values.astype(np.float32)
    return np.concatenate([np.zeros_like(logits), logits], axis=1) if logits.shape[1] == 1 else logits
