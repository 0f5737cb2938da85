"""Closed questions: a benchmark's classes as lettered options, and the rule that reads what a chat model answers."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hardiness.core import Benchmark, DataSet, ModelError, rng
from hardiness.reference import question_wording

FEWEST_OPTIONS = 2
ORDERS = ("seeded", "published")

ANSWERED, NO_ANSWER, REFUSED, FILTERED = range(4)
"""Numbers of `hardiness.core.OUTCOMES`."""

_FILTER_REASONS = ("content_filter", "safety", "prohibited_content", "blocklist", "recitation")
_REFUSAL = re.compile(
    r"\W*(i\s?(am|'m)\s+(very |so |really )?sorry|(i\s+)?apologi[sz]e|my apologies|sorry\b"
    r"|i\s+(cannot|can't|can not|could not|couldn't|won't|will not|am unable|am not able|do not feel|don't feel)\b"
    r"|i'm\s+(unable|not able|not comfortable)\b|(unfortunately|regrettably),?\s+i\b|as an ai\b|as a language model\b)",
    re.IGNORECASE,
)
_AFTER_LETTER = ".),: ："


@dataclass(frozen=True, slots=True)
class Reply:
    """What an endpoint sent for one question, whole.

    Attributes:
        text: of the message; empty where it had none.
        finish_reason: why it ended, in the endpoint's word.
        refusal: the endpoint's own word of refusal; empty without one.
        model: what the endpoint calls the model.
        fingerprint: the endpoint's ``system_fingerprint``; empty where it gives none.
        asked_at: when it came, ISO 8601 in UTC.
        requests: HTTP requests that it took, retries included.
        tokens: the first token's alternatives and their natural log-probabilities; empty where none were given.
    """

    text: str
    finish_reason: str = ""
    refusal: str = ""
    model: str = ""
    fingerprint: str = ""
    asked_at: str = ""
    requests: int = 1
    tokens: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read of one reply.

    Attributes:
        outcome: ``ANSWERED``, ``NO_ANSWER``, ``REFUSED`` or ``FILTERED``.
        option: place of the option among the question's, in the benchmark's own order; -1 without an answer.
    """

    outcome: int
    option: int = -1


def read_answer(text: str, options: Sequence[str], letters: str) -> int:
    """The place of the option that an answer names, by the published rule; -1 where it names none.

    Args:
        text: as it came.
        options: names in the order in which they were shown.
        letters: at least as many as options.

    Source: Gavrikov et al. (2025), arXiv:2403.09193, ``clf_vqa.py``.
    Differs: its letters are A to P; here they are those of the question, up to 26.
    """
    answer = _after_opening(text)
    names = [name.casefold() for name in options]
    if answer.casefold() in names:
        return names.index(answer.casefold())
    if answer == "BLOCKED":
        return -1
    answer, known = answer.upper(), letters[: len(options)]
    if len(answer) > 1 and answer[0] in known and answer[1] in _AFTER_LETTER:
        answer = answer[0]
    return known.index(answer) if len(answer) == 1 and answer in known else -1


def is_refusal(text: str) -> bool:
    """Whether an answer begins as refusals do.

    Differs: the published rule reads the letter I off "I cannot …" where a question has nine options or more.
    """
    return _REFUSAL.match(_after_opening(text).replace("’", "'")) is not None


def _after_opening(text: str) -> str:
    """What is left of an answer without its last full stop and what introduces it."""
    found = text.removesuffix(".")
    for opening in ("The answer is ", "Answer: "):
        found = found.rpartition(opening)[2]
    return found.strip()


def _own_classes(data: DataSet) -> Mapping[str, tuple[int, ...]]:
    """Each class of the data by its name."""
    names = data.class_names or map(str, range(data.num_classes))
    return {name: (index,) for index, name in enumerate(names)}


@dataclass(frozen=True, slots=True)
class Question:
    """The closed question that a benchmark asks of each of its pictures.

    Attributes:
        prompt: its first line.
        options: names in the benchmark's own order.
        classes: the classes of the data that each option stands for.
        num_classes: of the data.
        order: ``"published"``, the benchmark's own, or ``"seeded"``, drawn for each sample.
        seed: of the draws.
        offered: by sample the places of the options that it is asked about, where these are not all.
    """

    prompt: str
    options: tuple[str, ...]
    classes: tuple[tuple[int, ...], ...]
    num_classes: int
    order: str
    seed: int
    offered: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @classmethod
    def for_benchmark(cls, benchmark: Benchmark, data: DataSet, prompt: str, order: str, seed: int) -> Question:
        """The question of a benchmark on a data set.

        Args:
            benchmark, data: whose classes, or categories of them, are the options.
            prompt: name of the first line; empty for the benchmark's usual one.
            order: of the options.
            seed: of the order.

        Raises:
            ModelError: it cannot be put as a closed question; the message says why.
        """
        words, name = question_wording(), benchmark.name
        if benchmark.attack is not None or benchmark.frames > 1:
            what = "attacks the model" if benchmark.attack is not None else "shows sequences of many frames"
            raise ModelError(f"{name} {what}, and a chat model answers closed questions about single pictures")
        if data.question_tables and (lacking := [item for item in data.items if item.id not in data.questions]):
            raise ModelError(
                f"{name}: a chat model chooses between two names for each picture, and none are given for "
                f"{len(lacking):,} of {len(data):,} ({lacking[0].id}, …); put {data.question_tables} of the "
                f"published set beside its folders in {data.location}"
            )
        choices = data.choices or data.categories or _own_classes(data)
        if not data.questions and not FEWEST_OPTIONS <= len(choices) <= len(words.letters):
            raise ModelError(
                f"{name} on {data.name} has {len(choices):,} classes, and a chat model answers closed questions of "
                f"{FEWEST_OPTIONS} to {len(words.letters)} lettered options: with more, scores measure how a prompt "
                "full of names is followed; use cue-conflict, model-vs-human, laion-c or a folder of few classes"
            )
        prompts = words.prompts_of(name)
        if prompt and prompt not in prompts:
            raise ModelError(f"{name} has no prompt {prompt!r}; it has {', '.join(prompts)}")
        places = {name: place for place, name in enumerate(choices)}
        return cls(
            prompts[prompt or next(iter(prompts))],
            tuple(each.replace("_", " ") for each in choices),
            tuple(tuple(classes) for classes in choices.values()),
            data.num_classes,
            order,
            seed,
            {sample: tuple(places[name] for name in names) for sample, names in data.questions.items()},
        )

    def shown(self, sample: str) -> tuple[int, ...]:
        """The places of the options in the order in which they are shown beside a picture."""
        places = self.offered.get(sample, tuple(range(len(self.options))))
        if self.order == "published":
            return places
        return tuple(places[each] for each in rng(self.seed, "options", sample).permutation(len(places)).tolist())

    def text(self, sample: str) -> str:
        """The whole prompt of a picture."""
        words = question_wording()
        lines = [
            words.option.format(letter=letter, name=self.options[place])
            for letter, place in zip(words.letters, self.shown(sample), strict=False)
        ]
        return "\n".join((self.prompt, *lines, words.closing))

    def read(self, reply: Reply, sample: str) -> Reading:
        """What a reply says of a picture."""
        if reply.finish_reason.casefold() in _FILTER_REASONS or reply.text.strip() == "BLOCKED":
            return Reading(FILTERED)
        if reply.refusal or is_refusal(reply.text):
            return Reading(REFUSED)
        shown = self.shown(sample)
        place = read_answer(reply.text, [self.options[each] for each in shown], question_wording().letters)
        return Reading(ANSWERED, shown[place]) if place >= 0 else Reading(NO_ANSWER)

    def letter_probabilities(self, reply: Reply, sample: str) -> NDArray[np.float64]:
        """The probability of each option's letter as first token, ``(K,)``; NaN for letters that were not listed.

        Tokens that are the same letter but for spaces and case count together. An option that was not offered has 0.
        """
        letters, shown = question_wording().letters, self.shown(sample)
        found = np.zeros(len(self.options))
        found[list(shown)] = np.nan
        for token, logarithm in reply.tokens:
            letter = token.strip().upper()
            place = letters.find(letter) if len(letter) == 1 else -1
            if 0 <= place < len(shown):
                found[shown[place]] = np.nan_to_num(found[shown[place]]) + np.exp(min(logarithm, 0.0))
        return found

    def log_probabilities(self, option: int, probabilities: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
        """Log-probabilities of the classes, float32 ``(num_classes,)``, that any rule of decision reads as the answer.

        Each class of an option has the option's own, so that the mean over its classes is that, too.

        Args:
            option: that was answered; -1 for none, where all classes are alike.
            probabilities: of the options, ``(K,)``; without, the answer's is 1.
        """
        found = np.full(self.num_classes, SMALLEST_LOG, np.float32)
        if probabilities is None:
            probabilities = np.eye(len(self.options))[option] if option >= 0 else np.zeros(len(self.options))
        for classes, share in zip(self.classes, probabilities.tolist(), strict=True):
            found[list(classes)] = max(float(np.log(share)), SMALLEST_LOG) if share > 0 else SMALLEST_LOG
        return found

    def identity(self) -> Mapping[str, Any]:
        """What of it changes answers and how they are read, for the run's key."""
        words = question_wording()
        return {
            "prompt": "\n".join((self.prompt, words.option, words.closing)),
            "prompt_version": words.version,
            "reading_version": words.reading_version,
            "choices": list(self.options),
            "order": self.order,
            **({"questions_sha256": digest} if (digest := self._offered_sha256()) else {}),
        }

    def _offered_sha256(self) -> str:
        """Over which options each sample is asked about; empty where these are all."""
        text = json.dumps(sorted(self.offered.items()))
        return hashlib.sha256(text.encode()).hexdigest() if self.offered else ""


SMALLEST_LOG = -87.0
"""The logarithm of what stands for no probability at all: fp32 still holds its exponential."""
