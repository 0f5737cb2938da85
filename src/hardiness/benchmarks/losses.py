"""Losses of each row, and the sums that temperature scaling takes, as columns of tables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hardiness.core.table import Records

STEPS = 8

INVERSE_TEMPERATURES = tuple(float(2.0 ** (step / STEPS - 2)) for step in range(3 * STEPS + 1))
"""Factors of the logits at which rows hold log-sum-exps: 1/4 to 2, eight to an octave; 1 and 2 are among them."""

ONE, TWO = 2 * STEPS, 3 * STEPS
"""The places of the factors 1 and 2."""

COLUMN = "log_sums"
"""The column of rows that holds, for each factor, the log-sum-exp of the logits times it, less the largest of them:
float32 ``(N, 25)``, 0 or more. Without the largest it keeps its digits where a model is sure."""

NAMES = tuple(f"log_sum_{step}" for step in range(len(INVERSE_TEMPERATURES)))


def nll_column(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """``nll`` of each row, float32 ``(N,)``, in nats; nothing where rows hold no likelihood of the label."""
    if f"{prefix}logsumexp" not in records or f"{prefix}label_logit" not in records:
        return {}
    total, label = (records[f"{prefix}{name}"].astype(np.float64) for name in ("logsumexp", "label_logit"))
    return {"nll": (total - label).astype(np.float32)}


def loss_columns(records: Records, prefix: str = "") -> dict[str, NDArray[np.float32]]:
    """`nll_column` and, where rows hold what they take, ``brier`` and the columns that a temperature is fitted to.

    The sum of all squared probabilities is ``exp(lse(2 z) - 2 lse(z))``, so that the Brier score over all classes needs
    no logit but the label's. A benchmark of another package may keep less of the logits: what its rows cannot say is
    left out.

    Args:
        records: rows.
        prefix: of the names of the columns, where they are of some classes alone.
    """
    columns = nll_column(records, prefix)
    if not columns or f"{prefix}{COLUMN}" not in records:
        return columns
    label = records[f"{prefix}label_logit"].astype(np.float64)
    total = records[f"{prefix}logsumexp"].astype(np.float64)
    sums = records[f"{prefix}{COLUMN}"].astype(np.float64)
    more = {"brier": np.exp(sums[:, TWO] - 2.0 * sums[:, ONE]) - 2.0 * np.exp(label - total) + 1.0}
    more |= {name: sums[:, step] for step, name in enumerate(NAMES)}
    more["label_gap"] = total - sums[:, ONE] - label  # the largest logit less the label's
    return {**columns, **{name: values.astype(np.float32) for name, values in more.items()}}
