"""Attackers in the terms of NIST AI 100-2: goal, capability, knowledge; and how each attack was checked."""

from __future__ import annotations

from collections.abc import Sequence

from hardiness.attacks.kit import needs_gradients, registry, version_of
from hardiness.attacks.threats import threat_models
from hardiness.benchmarks.attack_curves import MUST_BREAK
from hardiness.core.attack_plan import Round
from hardiness.core.registry import summary_of
from hardiness.core.result import Result
from hardiness.reference.attackers import BLACK_BOX, TERMS, TERMS_READ, WHITE_BOX, Assumptions, assumptions
from hardiness.report.evidence.record import AttackerRecord, ChecksRecord
from hardiness.report.sections import BenchmarkSection

STAGE = "deployment: an evasion attack on a trained model"
UNTARGETED = "integrity violation: any class but the right one"
TARGETED = "integrity violation: a chosen class"
CONTROL = "control of the pictures that the model is shown, within the budget"
TRANSFER = "query access or a copy is not needed: the pictures are made on another model"


def attackers_of(shown: Sequence[BenchmarkSection]) -> tuple[AttackerRecord, ...]:
    """Each attack of each benchmark, with its rounds and with its checks on each model.

    A budget that holds every picture is a check of the attack, and no attacker's.
    """
    records = []
    for section in shown:
        by_attack: dict[tuple[str, str, bool], list[Result]] = {}
        for result in section.results:
            surrogate = result.run.surrogate.model if result.run.surrogate else ""
            for name, targeted in dict.fromkeys((each.attack, each.targeted) for each in _rounds(result)):
                by_attack.setdefault((name, surrogate, targeted), []).append(result)
        records += [_record(*key, results) for key, results in by_attack.items()]
    return tuple(records)


def _rounds(result: Result) -> list[Round]:
    """The rounds of a result's attack whose budgets do not hold every picture."""
    return [
        each
        for each in result.run.attack
        if not all(str(mark.get("group", "")).startswith(MUST_BREAK) for mark in each.marks.values())
    ]


def _record(attack: str, surrogate: str, targeted: bool, results: Sequence[Result]) -> AttackerRecord:
    first = results[0]
    rounds = [each for each in _rounds(first) if (each.attack, each.targeted) == (attack, targeted)]
    entry, assumed = registry.find(attack), _assumptions(attack)
    threats = {each.norm: threat_models.find(each.norm) for each in rounds}
    capability = f"{CONTROL}; {TRANSFER}" if surrogate else f"{CONTROL}; {assumed.access}"
    sees = f"of the surrogate {surrogate} {assumed.sees}; of the tested model nothing" if surrogate else assumed.sees
    return AttackerRecord(
        terms=TERMS,
        benchmark=first.benchmark,
        data=first.data,
        attack=attack,
        version=version_of(attack) if entry is not None else None,
        summary=summary_of(entry),
        surrogate=surrogate or None,
        surrogate_sha256=first.run.surrogate.weights_sha256 if first.run.surrogate else None,
        stage=STAGE,
        goal=TARGETED if targeted else UNTARGETED,
        capability=capability,
        knowledge=f"{BLACK_BOX}, by transfer" if surrogate else assumed.knowledge,
        sees=sees,
        budgets=tuple(rounds),
        units={norm: threat.unit if threat else "" for norm, threat in threats.items()},
        checks=tuple(ChecksRecord(each.key, each.name, tuple(each.findings)) for each in results),
        terms_read=TERMS_READ,
    )


def _assumptions(attack: str) -> Assumptions:
    """The assumptions of an attack; of one that does not ship, as far as it says whether it takes gradients."""
    if attack in assumptions():
        return assumptions()[attack]
    if registry.find(attack) is None:
        return Assumptions("not stated: its code is not registered here", "not stated", "not stated")
    if needs_gradients(attack):
        return Assumptions(WHITE_BOX, "logits and gradients, as far as the attack says", "a copy of the model")
    return Assumptions(BLACK_BOX, "no gradients, as far as the attack says", "query access")
