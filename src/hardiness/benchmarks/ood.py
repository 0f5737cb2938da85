"""``ood``: photographs that show none of a model's classes, told from those that do by its confidence."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from hardiness.benchmarks.card import Baseline, Card, register
from hardiness.benchmarks.options import registry
from hardiness.benchmarks.own_classes import area_under_roc
from hardiness.benchmarks.photographs import ImagenetVal, Photographs
from hardiness.benchmarks.shares import answered
from hardiness.core.benchmark import Benchmark, DataRoot, DataSet, Item
from hardiness.core.codes import DataRemark, Lack
from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError, DataError
from hardiness.core.fact import Fact
from hardiness.core.result import Metric, Score
from hardiness.core.run import Run
from hardiness.core.table import ImageTable, Records
from hardiness.statistics.acceptance import RECALL, accepted_spread, threshold
from hardiness.statistics.clusters import EstimateBasis, area_rule
from hardiness.statistics.estimate import Estimate
from hardiness.statistics.spreads.combined import Combined
from hardiness.statistics.spreads.means import AreaUnderCurve, BoundedMean

Floats = NDArray[np.float64]

GROUPS = {"near": ("ssb-hard", "ninco"), "far": ("inaturalist", "textures", "openimage-o")}
OUTSIDE = ("imagenet-o", *GROUPS["near"], *GROUPS["far"])
"""Every set of photographs outside ImageNet's classes; near and far as OpenOOD v1.5 has them."""

OWN_SETS = "outside"
"""The group of a person's own sets, ``--data outside=DIR``, whose names begin with it and a hyphen."""

METHODS = ("msp", "max_logit", "energy")
"""The largest softmax probability, the largest logit, and the log-sum-exp of the logits."""

METHOD_OUTPUTS = {"msp": "probabilities", "max_logit": "logits", "energy": "logits"}
"""The outputs of a model that each method needs; probabilities lack a constant an image."""

METHOD_TITLES = {"msp": "MSP", "max_logit": "largest logit", "energy": "energy"}
AUROC = Metric(
    "auroc",
    "AUROC",
    outputs="probabilities",
    outputs_by=METHOD_OUTPUTS,
    explanation="the chance that the model is more confident on a photograph of its classes than on one of something "
    "else.",
)
AUPR = Metric(
    "aupr",
    "AUPR",
    outputs="probabilities",
    outputs_by=METHOD_OUTPUTS,
    explanation="the mean precision over the positives (photographs inside or outside the model's classes), as the "
    "threshold falls.",
)

FPR95 = Metric(
    "fpr95",
    "FPR at 95 %",
    higher_is_better=False,
    outputs="probabilities",
    outputs_by=METHOD_OUTPUTS,
    explanation="the share of negatives that pass a threshold which 95 % of the positives pass.",
)
HEADLINES = {
    (what, method): Metric(
        f"{what}_auroc_{method}",
        f"AUROC, {what}, {METHOD_TITLES[method]}",
        outputs=METHOD_OUTPUTS[method],
        explanation="the AUROC averaged over the near or the far sets, or of one set, by the named confidence: MSP, "
        "largest logit or energy.",
    )
    for what in ("near", "far", *OUTSIDE, OWN_SETS)
    for method in METHODS
}
"""The headlines by group or set, and by method."""


@register("ood")
@final
class OodCard(Card):
    """AUROC by method over the near and the far sets; then AUROC, AUPR and FPR at 95 % of each set.

    A mean is taken over whole groups alone, as published; a set whose group is not there as a whole is a headline
    by itself.

    Source: Zhang et al. (2023), arXiv:2306.09301; Bitterwolf et al. (2023), arXiv:2306.00826.
    """

    group: ClassVar[str] = "out of distribution"
    joined_with: ClassVar[str] = "imagenet-val"
    columns: ClassVar[tuple[str, ...] | None] = ("prediction", "confidence", "logsumexp", "top5_logit")
    metrics: ClassVar[tuple[Metric, ...]] = (*HEADLINES.values(), AUROC, AUPR, FPR95)
    keys: ClassVar[tuple[str, ...]] = ("outside", "method", "positive")

    def filled_table(self, records: Records, run: Run) -> ImageTable:
        """The answer, and how sure the model is by each method."""
        return ImageTable.from_rows(records, run.conditions, {**answered(records), **sureness(records)})

    def scores(self, table: ImageTable, run: Run, baseline: Baseline | None) -> list[Score]:
        """AUROC over groups and sets, then each set's measures; the prefix of an id, before a colon, names its set."""
        belongs = np.array([id_.partition(":")[0] if ":" in id_ else "" for id_ in table.ids.tolist()])
        own = sorted({name for name in belongs.tolist() if name.startswith(f"{OWN_SETS}-")})
        sets = [name for name in (*OUTSIDE, *own) if (belongs == name).any()]
        inside = ~np.isin(belongs, sets)
        if not inside.any() or not sets:
            lacking = "photograph of ImageNet" if not inside.any() else "photograph of another set"
            return [AUROC.score(None, 0, lack=Fact(Lack.NOT_EVALUATED, {"what": lacking}))]
        groups = {group: members for group, members in GROUPS.items() if set(members) <= set(sets)}
        groups |= {OWN_SETS: tuple(own)} if len(own) > 1 else {}
        alone = [name for name in sets if not any(name in members for members in groups.values())]
        alone.sort(key=lambda name: name == "imagenet-o")  # last: it was chosen against one network
        headlines, cells = [], []
        for method in METHODS:
            sure = table[method][:, 0].astype(np.float64)
            by_set = {
                name: [
                    replace(score, basis=_basis(table.ids, sure, inside, belongs == name))
                    if score.metric == AUROC.name
                    else score
                    for score in of_set(sure[inside], sure[belongs == name], name, method)
                ]
                for name in sets
            }
            means = {group: _mean([by_set[name][0] for name in members]) for group, members in groups.items()}
            means |= {_headline(name): replace(by_set[name][0], condition=Condition()) for name in alone}
            headlines += [replace(score, metric=HEADLINES[what, method].name) for what, score in means.items()]
            cells += [score for name in sets for score in by_set[name]]
        return [*headlines, *cells]


def _headline(name: str) -> str:
    """The subject of a single set's headline: a person's own sets share theirs."""
    return OWN_SETS if name.startswith(f"{OWN_SETS}-") else name


def _basis(
    ids: NDArray[np.object_], sure: Floats, inside: NDArray[np.bool_], outside: NDArray[np.bool_]
) -> EstimateBasis:
    """The basis of the AUROC of some pictures inside and some outside, of all ``(N,)``."""

    def estimate() -> Estimate:
        is_either = inside | outside
        value, influence = area_under_roc(inside[is_either], sure[is_either])
        return Estimate(value, ids[is_either], influence)

    names = "pictures inside and of pictures outside"
    rule = area_rule(int(np.count_nonzero(inside)), int(np.count_nonzero(outside)))
    return EstimateBasis(estimate, 0.0, 1.0, kinds=lambda: (ids[inside], ids[outside]), names=names, rule=rule)


def sureness(records: Records) -> dict[str, NDArray[np.float32]]:
    """How sure the model is that a picture is of its classes, by method, float32 ``(N,)`` each; higher is surer."""
    columns = records["confidence"], records["top5_logit"][:, 0], records["logsumexp"]
    return {method: np.asarray(values, np.float32) for method, values in zip(METHODS, columns, strict=True)}


def of_set(inside: Floats, outside: Floats, name: str, method: str) -> list[Score]:
    """AUROC, AUPR and FPR at 95 %, each convention under its name."""
    n = len(outside)
    at = {"outside": name, "method": method}
    value, deviation = auroc(inside, outside)
    # Its variance is at most A (1 - A) over the fewer pictures: Birnbaum & Klose (1957), doi:10.1214/aoms/1177706879.
    fewer = min(len(inside), n)
    spread = Combined((BoundedMean(value, deviation**2, fewer, fewer), AreaUnderCurve(value, len(inside), n)))
    passing, rejected = false_accepted(inside, outside), false_rejected(inside, outside)
    return [
        AUROC.score(value, n, spread, Condition(**at)),
        *(
            AUPR.score(value, n, condition=Condition(**at, positive=positive), lack=Fact(Lack.UNTRIED))
            for positive, value in (("inside", aupr(inside, outside)), ("outside", aupr(-outside, -inside)))
        ),
        _fpr95(passing, inside, outside, Condition(**at, positive="inside")),
        _fpr95(rejected, -outside, -inside, Condition(**at, positive="outside")),
    ]


def auroc(inside: Floats, outside: Floats) -> tuple[float, float]:
    """The chance that a picture inside is surer than one outside, ties counting half, and its standard error.

    Raises:
        ArgumentError: a side is empty.

    Source: Mann & Whitney (1947); the standard error is that of DeLong et al. (1988).
    """
    if not len(inside) or not len(outside):
        raise ArgumentError(f"auroc needs pictures of both sides, had {len(inside)} and {len(outside)}")
    below = _placements(inside, outside)
    above = 1.0 - _placements(outside, inside)
    variance = sum(float(np.var(side, ddof=1)) / len(side) for side in (below, above) if len(side) > 1)
    return float(below.mean()), math.sqrt(variance)


def _placements(values: Floats, others: Floats) -> Floats:
    """The share of the others that each value is above, ties counting half."""
    ordered = np.sort(others)
    below, at_most = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
    return np.asarray((below + at_most) / (2.0 * len(others)))


def aupr(positive: Floats, negative: Floats) -> float:
    """Average precision: the mean precision over the positives, as the threshold falls; equal values fall together.

    Source: scikit-learn's average_precision_score.
    """
    values = np.concatenate([positive, negative])
    is_positive = np.arange(len(values)) < len(positive)
    order = np.argsort(-values, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(values[order])), len(values) - 1)
    hits = np.cumsum(is_positive[order])[ends]
    recall_steps = np.diff(hits, prepend=0) / len(positive)
    return float((hits / (ends + 1) * recall_steps).sum())


def false_accepted(inside: Floats, outside: Floats) -> int:
    """How many pictures outside are accepted where 95 % of those inside are: inside is positive.

    Source: Bitterwolf et al. (2023), arXiv:2306.00826: the threshold is the 5 % quantile; equal values are accepted.
    """
    return int(np.count_nonzero(outside >= threshold(inside)))


def false_rejected(inside: Floats, outside: Floats) -> int:
    """How many pictures inside are rejected where at least 95 % of those outside are: outside is positive.

    Source: Zhang et al. (2023), arXiv:2306.09301.
    """
    needed = math.ceil(RECALL * len(outside))
    return int(np.count_nonzero(inside <= np.sort(outside)[needed - 1]))


def _fpr95(hits: int, positive: Floats, negative: Floats, condition: Condition) -> Score:
    """The share of negatives that pass a threshold of the positives, which is as uncertain as they are few."""
    n, spread = len(negative), accepted_spread(positive, negative, hits)
    return FPR95.score(hits / n, n, spread, condition)


def _mean(scores: list[Score]) -> Score:
    """The plain mean of several sets; the sets share the photographs inside, so no interval is given."""
    values = [score.value for score in scores if score.value is not None]
    return AUROC.score(sum(values) / len(values), sum(score.n for score in scores))


@registry.add("ood")
@final
@dataclass(frozen=True)
class Ood(Photographs):
    """How well confidence tells ImageNet's photographs from those of other things.

    The photographs of ``imagenet`` are inside; those of every set that is there are outside: ImageNet-O, NINCO,
    SSB-hard, iNaturalist, Textures, OpenImage-O, and a person's own, ``--data outside=DIR``. A person's own photographs
    may be inside. All are seen in the model's own view. Three scores follow from one forward pass: the largest softmax
    probability (MSP), the largest logit, and the energy (log-sum-exp of the logits).
    Each set is a run of its own; the photographs are those of `imagenet-val`'s run.

    Source: Zhang et al. (2023), arXiv:2306.09301 (OpenOOD v1.5: near and far); Bitterwolf et al. (2023),
        arXiv:2306.00826 (NINCO); Hendrycks et al. (2019), arXiv:1907.07174 (ImageNet-O).
    Differs: OpenOOD keeps 5,000 validation photographs apart to tune with; nothing is tuned here, and all count.
    """

    name: ClassVar[str] = "ood"
    question: ClassVar[str] = "Does it know which photographs show none of its classes?"
    paper: ClassVar[str] = "Zhang et al. 2023, arXiv:2306.09301"
    protocol: ClassVar[str] = "openood1.5"
    needs: ClassVar[tuple[str, ...]] = ("imagenet",)
    beside: ClassVar[tuple[str, ...]] = OUTSIDE
    card: ClassVar[str] = "ood"

    outside: tuple[str, ...] = field(
        default=(), metadata={"help": "these sets alone, as in ninco+textures; all that are there if empty"}
    )

    def __post_init__(self) -> None:
        for name in self.outside:
            if name not in OUTSIDE and not name.startswith(f"{OWN_SETS}-"):
                raise ArgumentError(
                    f"ood:outside must name some of {', '.join(OUTSIDE)}, or {OWN_SETS}-FOLDER for --data "
                    f"{OWN_SETS}=PATH/FOLDER; had {name!r}"
                )

    def lacks(self, data: DataRoot) -> Fact | None:
        """The data that are missing: ImageNet's photographs, or a set of other things beside them."""
        absent = [name for name in self.outside if not data.has(name)]
        if absent or not _present(data):
            sets = {"sets": tuple(absent) or (*OUTSIDE, OWN_SETS), "needs_all": bool(absent)}
            return Fact(DataRemark.LACKS_DATA, sets)
        return super().lacks(data)

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of ImageNet, then those of the sets outside, whose ids begin with the set's name and a colon.

        Raises:
            DataError: ImageNet's photographs or a set that was named is not there, or no set is.
        """
        inside = data.dataset("imagenet")
        outside = [_labelled(data.dataset(name), inside.num_classes) for name in self._names(data)]
        digest = hashlib.sha256("".join(data_set.fingerprint for data_set in (inside, *outside)).encode()).hexdigest()
        items = (*inside.items, *(item for data_set in outside for item in _renamed(data_set)))
        return replace(
            inside,
            items=items,
            fingerprint=digest,
            notes=tuple(note for data_set in (inside, *outside) for note in data_set.notes),
            remarks=tuple(remark for data_set in (inside, *outside) for remark in data_set.remarks),
        )

    def _names(self, data: DataRoot) -> tuple[str, ...]:
        names = self.outside or _present(data)
        if not names:
            raise DataError(
                f"ood needs a set of other things beside the photographs: one of {', '.join(OUTSIDE)}, or any folder "
                f"of pictures that show none of the classes; add --data {OWN_SETS}=FOLDER"
            )
        return names

    def parts(self, data: DataRoot) -> tuple[Benchmark, ...]:
        """The photographs as `imagenet-val` has them, and a run for each set, which no other set is part of."""
        if data.has("adversarial"):
            raise DataError("ood sets ImageNet's own photographs against other things; leave --data adversarial=… out")
        return (ImagenetVal(), *(OodSet((name,)) for name in self._names(data)))


@final
@dataclass(frozen=True)
class OodSet(Photographs):
    """One set of other things, without the photographs that it is held against: a part of `Ood`."""

    name: ClassVar[str] = Ood.name
    question: ClassVar[str] = Ood.question
    paper: ClassVar[str] = Ood.paper
    protocol: ClassVar[str] = Ood.protocol
    needs: ClassVar[tuple[str, ...]] = Ood.needs
    card: ClassVar[str] = Ood.card

    outside: tuple[str, ...]

    def dataset(self, data: DataRoot) -> DataSet:
        """The photographs of the set, with ImageNet's classes; their ids begin with the set's name and a colon.

        Raises:
            DataError: ImageNet's photographs or the set is not there.
        """
        inside = data.dataset("imagenet")
        outside = _labelled(data.dataset(self.outside[0]), inside.num_classes)
        items = tuple(_renamed(outside))
        return replace(outside, items=items, class_names=inside.class_names, outputs=inside.outputs)


def _present(data: DataRoot) -> tuple[str, ...]:
    """The sets of other things that there are: published ones, then a person's own."""
    return (*(name for name in OUTSIDE if data.has(name)), *data.outside_sets())


def _labelled(data: DataSet, num_classes: int) -> DataSet:
    """A set whose labels, which nothing reads, are among so many classes."""
    items = tuple(replace(item, label=item.label % num_classes) for item in data.items)
    return replace(data, items=items, num_classes=num_classes)


def _renamed(data: DataSet) -> Iterator[Item]:
    for item in _sorted(data.items):
        yield replace(item, id=f"{data.name}:{item.id}")


def _sorted(items: Sequence[Item]) -> list[Item]:
    return sorted(items, key=lambda item: item.id)
