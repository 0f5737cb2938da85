"""The gate: a verdict for each rule of a policy on each stored run that it speaks of."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from hardiness.core.answers import mark_notes
from hardiness.core.codes import RunRemark
from hardiness.core.columns import NO_GROUPING, Grouping
from hardiness.core.errors import StoreError
from hardiness.core.fact import Fact
from hardiness.core.forms import fields_form, from_json, json_field
from hardiness.core.result import IN_PERCENT
from hardiness.core.spread import Interval
from hardiness.results.clustered import few_clusters
from hardiness.results.folder import Folder
from hardiness.results.policy import Policy, Rule
from hardiness.results.rules.cases import RuleCase, cases_of
from hardiness.results.rules.folder import PolicyFolder
from hardiness.results.rules.judged_runs import JudgedRun, labels_apart
from hardiness.results.runs import digest_of
from hardiness.statistics.verdicts import ImagesMore, Ruling, rulings, spread_of
from hardiness.store.store import Store
from hardiness.store.writing import parse_json

GATE = "gate.json"
"""The file of a folder's last verdicts; may be deleted at any time."""

STATUS = {"wrong policy": 2, "fail": 3, "missing": 1, "cannot tell": 4, "pass": 0}
"""Exit statuses, those that go before others first; a wrong policy raises."""


@dataclass(frozen=True)
class GateVerdict:
    """The verdict of one rule on one run.

    Attributes:
        rule: which.
        model, benchmark, data: of the run.
        run: which run of that model; ``None`` where there is none.
        baseline: the run of the baseline that it is held against; ``None`` where there is none.
        outcome: ``pass``, ``fail``, ``cannot tell`` or ``missing``.
        metric: what was judged, as people call it.
        unit: of value, interval and limit.
        value, interval: of the number, or of the difference to the baseline; ``None`` where it is missing.
        confidence, family: of the interval, and over how many verdicts it is simultaneous.
        n: images.
        cluster: the column by which these come in clusters, over which the interval is; empty where each stands alone.
        clusters: how many clusters.
        images_of: of what these are: a class, or the data set.
        more, at_least: about how many images more of that decide with a chance of 80 %, or clusters where these come in
            such, and whether it takes more.
        more_low, more_high: between how many would decide with that chance were the true value known, as far as the
            80 % interval of the number leaves it open; ``more_high`` is ``None`` where it may lie on the limit, at
            which no number decides.
        looked: whether the interval holds although the run was looked at while it went on.
        exact: whether the interval holds for any number of images, and not only for many.
        allows_for_unseen: whether the interval, of a difference, is wider than what was seen, for losses that the
            images did not show.
        pass_needs: the fewest images, or clusters, of which a difference of 0 would pass: so many a pass needs. 0 of a
            rule on no difference, and where nothing bounds what an image can add.
        missing: why it is missing; ``None`` otherwise.
    """

    rule: Rule
    model: str
    benchmark: str
    data: str
    outcome: Literal["pass", "fail", "cannot tell", "missing"]
    metric: str
    unit: str = "fraction"
    value: float | None = None
    interval: Interval | None = field(default=None, metadata=json_field(as_list=True))
    confidence: float = 0.95
    family: int = 1
    n: int = 0
    more: int = 0
    at_least: bool = False
    looked: bool = False
    exact: bool = False
    missing: Fact | None = None
    run: JudgedRun | None = None
    baseline: JudgedRun | None = None
    images_of: str = ""
    more_low: int = 0
    more_high: int | None = None
    cluster: str = ""
    clusters: int = 0
    allows_for_unseen: bool = False
    pass_needs: int = 0

    @property
    def mark(self) -> str:
        """The mark of a chat model's number; empty for every other model."""
        return "".join(mark_notes([self.model]))

    @property
    def labels(self) -> tuple[str, str]:
        """The labels of the run and of the baseline's, which differ where the weights or the code do."""
        return labels_apart(self.run, self.baseline)

    @property
    def which_interval(self) -> str:
        """The name of the interval that decides."""
        kind = f"{', exact' if self.exact else ''}{', valid at every look' if self.looked else ''}"
        kind += f", over clusters by {self.cluster}" if self.clusters else ""
        kind += f", allowing for unseen losses{self._stated}" if self.allows_for_unseen else ""
        if self.family > 1:
            return f"simultaneous over {self.family} rules (Holm){kind}"
        return f"plain {100 * self.confidence:.0f} %{kind}"

    @property
    def _stated(self) -> str:
        """By how much a person says that one picture can move the number; empty where nobody says so."""
        most = self.rule.moves_at_most
        points = f"{100 * most:g} points" if self.unit in IN_PERCENT else f"{most:g}"
        return f" of at most {points} each, as the policy states" if most else ""

    def as_dict(self) -> dict[str, Any]:
        """The JSON form: its fields, then what is said of them."""
        which = self.which_interval if self.interval else ""
        return {**fields_form(self), "which_interval": which, "mark": self.mark}


@dataclass(frozen=True)
class Gate:
    """All verdicts of a policy.

    Attributes:
        verdicts: in the order of the rules.
        undecided: what *cannot tell* does to the gate: ``"fail"`` or ``"warn"``.
        source: the policy's file.
        remarks: a line for each rule that no model can fail, for each number of clusters that is small, for each
            difference of which nothing bounds what a picture can add, and for each run that is not judged, since
            another one of its name was evaluated later; and what a person should know of the columns of the pictures.
        policy_sha256: over the policy's file, or its text.
    """

    verdicts: tuple[GateVerdict, ...]
    undecided: str = "fail"
    source: str = field(default="policy", metadata=json_field("policy"))
    remarks: tuple[Fact, ...] = ()
    policy_sha256: str = ""

    @property
    def outcome(self) -> str:
        """The one that goes before all others: ``fail``, ``missing``, ``cannot tell`` or ``pass``."""
        return next((each for each in STATUS if any(v.outcome == each for v in self.verdicts)), "pass")

    @property
    def exit_status(self) -> int:
        """3 fail, 1 missing, 4 cannot tell (0 where that only warns), 0 pass; in this order."""
        return 0 if self.outcome == "cannot tell" and self.undecided == "warn" else STATUS[self.outcome]

    @property
    def counts(self) -> dict[str, int]:
        """How many verdicts there are of each kind, of those that there are."""
        counts = {each: sum(v.outcome == each for v in self.verdicts) for each in STATUS}
        return {each: count for each, count in counts.items() if count}

    def as_dict(self) -> dict[str, Any]:
        """The JSON form."""
        form = fields_form(self)
        verdicts = form.pop("verdicts")
        outcome = {"outcome": self.outcome, "exit_status": self.exit_status}
        return {**outcome, **form, "counts": self.counts, "verdicts": verdicts}

    def keep(self, store: Store) -> None:
        """Keep the verdicts beside the rows, for the page; where nothing can be written, it is not kept."""
        with suppress(StoreError):
            content = {"of": _stamp(store), **self.as_dict()}
            store.files.write(GATE, json.dumps(content, indent=1).encode())


def judge(policy: Policy, store: Store, grouping: Grouping = NO_GROUPING) -> Gate:
    """The verdict of each rule on each run of a folder that it speaks of.

    Args:
        policy: the rules.
        store: the folder.
        grouping: the clusters of the pictures, which count where rules name others, and tables of what is known of
            these, those that the policy names among them.

    What it took to compute is kept beside the runs, once no rule is wrong.

    Raises:
        ArgumentError: a rule matches nothing, or its limit is beyond what its metric can be; the message names the
            rule, the field and the nearest name.
        StoreError: records cannot be read.
    """
    slices = tuple(dict.fromkeys((*policy.slices, *grouping.slices)))
    folder = PolicyFolder(Folder.open(store, grouping=replace(grouping, slices=slices)), policy)
    cases = [case for rule in policy.rules for case in cases_of(policy, rule, folder)]
    folder.save()
    remarks = [*_unbounded(cases), *folder.folder.problems, *folder.remarks_on(policy.rules), *folder.column_remarks]
    rulings_in_order = iter(rulings([(case.score, case.limit) for case in cases if case.score is not None]))
    return Gate(
        tuple(_verdict(case, next(rulings_in_order) if case.score is not None else None) for case in cases),
        policy.undecided,
        policy.source,
        tuple(dict.fromkeys([*(case.idle for case in cases if case.idle), *_few_clusters(cases), *remarks])),
        policy.sha256,
    )


def _few_clusters(cases: Sequence[RuleCase]) -> Iterator[Fact]:
    """A fact for each small number of clusters behind a verdict."""
    for case in cases:
        clusters = case.score.clusters if case.score else 0
        about = f", {case.rule.slice_text}" if case.rule.slice else ""
        yield from few_clusters(clusters, case.cluster, f"{case.model} on {case.benchmark}{about}")


def _unbounded(cases: Sequence[RuleCase]) -> Iterator[Fact]:
    """A fact for each difference of which nothing bounds what a single picture can add."""
    for case in cases:
        if not case.rule.is_difference or case.score is None:
            continue
        spread = spread_of(case.score)
        if not spread.is_sequential and not spread.bound:
            arguments = {"units": case.score.units, "of": "clusters" if case.score.clusters else "pictures"}
            about = f"rule {case.rule.number}, {case.model} on {case.benchmark}"
            yield Fact(RunRemark.UNBOUNDED, arguments, about)


def _verdict(case: RuleCase, ruling: Ruling | None) -> GateVerdict:
    """The verdict on a case; *missing* where there is no number to be ruled on."""
    missing = GateVerdict(
        rule=case.rule,
        model=case.model,
        benchmark=case.benchmark,
        data=case.data,
        outcome="missing",
        metric=case.metric,
        unit=case.unit,
        missing=case.missing,
        run=case.run,
        baseline=case.baseline,
        images_of=case.images_of,
        cluster=case.cluster,
    )
    if ruling is None or case.score is None:
        return missing
    score, spread = case.score, spread_of(case.score)
    needed = ruling.needed or ImagesMore(0, False, 0, None)
    return replace(
        missing,
        outcome=ruling.outcome,
        value=score.value,
        interval=ruling.interval,
        confidence=ruling.confidence,
        family=ruling.family,
        n=score.n,
        more=needed.count,
        at_least=needed.at_least,
        more_low=needed.low,
        more_high=needed.high,
        looked=spread.is_sequential,
        exact=spread.is_exact,
        cluster=case.cluster,
        clusters=score.clusters,
        allows_for_unseen=spread.allows_for_unseen,
        pass_needs=case.limit.pass_needs(score),
    )


def kept_gate(store: Store) -> tuple[Gate, bool] | None:
    """The last gate of a folder, and whether its rows are still the same; ``None`` where none was asked."""
    with suppress(StoreError, LookupError, TypeError, ValueError, AttributeError):
        content = store.files.read(GATE)
        if content:
            form = parse_json(content, f"{store.address}/{GATE}")
            stamp = form.pop("of")
            return from_json(Gate, form, GATE), stamp == _stamp(store)
    return None


def _stamp(store: Store) -> str:
    """A digest of which rows there are, by names and sizes of their files: the same of a copy of the folder."""
    return digest_of({path: stamp[0] for path, stamp in store.stamps().items()})
