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

from hardiness.core.benchmark import Benchmark, DataSet
from hardiness.core.errors import ModelError
from hardiness.core.random import rng
from hardiness.reference.closed_questions import question_wording

FEWEST_OPTIONS = 2
ORDERS = ("seeded", "published")

CUT_REASONS = ("length", "max_tokens")
"""Endpoints' names for the end of an answer that has as many tokens as it may have, in small letters."""

ANSWERED, NO_ANSWER, REFUSED, FILTERED = range(4)
"""Numbers of `hardiness.core.answers.OUTCOMES`."""

TIE = 1e-4
"""Log-probabilities that differ by less are equal, and are set so far apart that all rules read the answer off them."""

SMALLEST_LOG = -87.0
"""The logarithm that stands for no probability at all: fp32 still holds its exponential."""

_FILTER_REASONS = ("content_filter", "safety", "prohibited_content", "blocklist", "recitation")
_NOT = (
    r"(cannot|(do|did|can|could|will|would|shall|should|must|may|might|am|was|have|had) not|[a-z]+n't|cant|dont|wont"
    r"|never)"
)
_SEE = (
    r"(see|saw|have|had|know|knew|f(i|ou)nd|recogni[sz]ed?|detect(ed)?|perceived?|noticed?|identif(y|ied)|spot(ted)?"
    r"|observed?|got)"
)
_REFUSAL = re.compile(
    r"\W*(i (think|believe|fear|feel|guess|suppose|suspect)( that)? )?"
    r"(i( am|'m|m| was|( have|'ve|ve) been) ((very|so|really|truly|deeply|just|only|still) )?"
    r"(sorry|afraid|not|unable|incapable|unsure|uncertain|an? (ai|language|large|text))\b"
    rf"|i (\w+ly |just |still )?{_NOT}\b"
    r"|i('d| would) (rather|prefer)\b|i (prefer|choose|have chosen|wish) not\b"
    r"|i('ll|'d)? ((must|have to|need to|will|would|\w+ly) )*(decline|refuse|abstain|refrain|pass|regret)\b"
    r"|i('d| would)? (\w+ly |still )?(need|require|want)( to (see|know|have))? "
    r"(more|additional|further|better|an? (clear|bett|larg|sharp)er)\b"
    r"|i( am|'m|m| was|( have|'ve|ve)( been)?) (told|instructed|asked|advised|programmed|trained|designed|built|made)"
    r" (not|never)\b"
    rf"|i('ve)? (\w+ly |just |still )?((can|could|was able to|am able to) )?({_SEE} )?(no|nothing|neither|none)\b"
    r"|i (lack|fail|failed|struggle|struggled)\b"
    r"|i can only (read|process|help|assist|answer|work|provide|respond|handle|deal|talk|discuss|generate|understand)\b"
    r"|(i )?apologi[sz]e|(my )?apologies|sorry\b"
    r"|(unfortunately|regrettably),? i\b|as an ai\b|as a language model\b)",
    re.IGNORECASE,
)
_BUT = re.compile(
    r"[,;.]? (?:but|however),? (?:(?:probably|perhaps|maybe|it is|it's|my (?:best )?guess (?:is|would be)"
    r"|i(?:'d| would)? (?:say|guess|choose|think|believe)) )*",
    re.IGNORECASE,
)
_AFTER_LETTER = ".),: ："


@dataclass(frozen=True, slots=True)
class Reply:
    """An endpoint's answer to one question, whole.

    Attributes:
        text: of the message; empty where it had none.
        finish_reason: why it ended, in the endpoint's word.
        refusal: the endpoint's own word of refusal; empty without one.
        model: what the endpoint calls the model.
        fingerprint: the endpoint's ``system_fingerprint``; empty where it gives none.
        asked_at: when it came, ISO 8601 in UTC.
        requests: HTTP requests that it took, retries included.
        tokens: the first token's alternatives and their natural log-probabilities; empty where none were given.
        first_token: with which the answer began; empty where no log-probabilities were given.
        usage: tokens that the endpoint counted, by its own names; empty where it counts none.
    """

    text: str
    finish_reason: str = ""
    refusal: str = ""
    model: str = ""
    fingerprint: str = ""
    asked_at: str = ""
    requests: int = 1
    tokens: tuple[tuple[str, float], ...] = ()
    first_token: str = ""
    usage: tuple[tuple[str, int], ...] = ()

    @property
    def is_at_most_tokens(self) -> bool:
        """Whether the reply ended because it had as many tokens as it may have."""
        return self.finish_reason.casefold() in CUT_REASONS

    @property
    def is_cut(self) -> bool:
        """Whether the reply ended so before a word of the answer, as in thinking, which may be in the text."""
        is_thinking = self.text.lstrip().startswith("<think>") and "</think>" not in self.text
        return self.is_at_most_tokens and not self.refusal and (is_thinking or not self.text.strip())

    def _count(self, *names: str) -> int:
        """Tokens that the endpoint counted under the first of some names that it uses; 0 where it uses none."""
        counts = dict(self.usage)
        return next((counts[name] for name in names if name in counts), 0)

    @property
    def prompt_tokens(self) -> int:
        """Tokens of the question, picture included."""
        return self._count("prompt_tokens", "input_tokens")

    @property
    def completion_tokens(self) -> int:
        """Tokens of the answer, those of thinking included."""
        return self._count("completion_tokens", "output_tokens")


@dataclass(frozen=True, slots=True)
class Reading:
    """The reading of one reply.

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
    answer, offered = answer.upper(), letters[: len(options)]
    if len(answer) > 1 and answer[0] in offered and answer[1] in _AFTER_LETTER:
        answer = answer[0]
    return offered.index(answer) if len(answer) == 1 and answer in offered else -1


def is_refusal(text: str) -> bool:
    """Whether an answer begins as refusals do.

    So does one that says that nothing is seen or known ("I see no object"). "I think it is a bear" is no refusal.

    Differs: the published rule reads the letter I off "I cannot …" where a question has nine options or more.
    """
    return _REFUSAL.match(_joined(text)) is not None


def read_hedged_answer(text: str, options: Sequence[str], letters: str) -> int:
    """The place of the option that stands alone behind the "but" of an answer that begins as refusals do; else -1.

    "I'm not sure, but B" and "I cannot tell, but it's probably a bear" answer; "I'm sorry, but I can't" does not.

    Args:
        text, options, letters: as for `read_answer`.

    Differs: the published rule reads none of them, or the letter I where the text begins with "I ".
    """
    clauses = _BUT.split(_joined(text), maxsplit=1)
    if len(clauses) == 1:
        return -1
    name = re.sub(r"^(an?|the) (?=\w)", "", clauses[1].rstrip(" .!"), flags=re.IGNORECASE)
    is_letter_with_more = len(name) > 1 and name[1] == " "
    return -1 if is_letter_with_more else read_answer(name, options, letters)


def _joined(text: str) -> str:
    """An answer without its introduction on one line, with plain apostrophes."""
    return " ".join(_after_opening(text).replace("’", "'").split())


def _after_opening(text: str) -> str:
    """The answer itself, without its last full stop and its introduction."""
    answer = text.removesuffix(".")
    for opening in ("The answer is ", "Answer: "):
        answer = answer.rpartition(opening)[2]
    return answer.strip()


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
            tuple(choice.replace("_", " ") for choice in choices),
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
        return tuple(places[place] for place in rng(self.seed, "options", sample).permutation(len(places)).tolist())

    def text(self, sample: str) -> str:
        """The whole prompt of a picture."""
        words = question_wording()
        lines = [
            words.option.format(letter=letter, name=self.options[place])
            for letter, place in zip(words.letters, self.shown(sample), strict=False)
        ]
        return "\n".join((self.prompt, *lines, words.closing))

    def read(self, reply: Reply, sample: str) -> Reading:
        """The outcome of a reply about a picture, and the option that it names."""
        if reply.finish_reason.casefold() in _FILTER_REASONS or reply.text.strip() == "BLOCKED":
            return Reading(FILTERED)
        if reply.refusal:
            return Reading(REFUSED)
        places, is_hedged = self.shown(sample), is_refusal(reply.text)
        read = read_hedged_answer if is_hedged else read_answer
        place = read(reply.text, [self.options[index] for index in places], question_wording().letters)
        if place >= 0:
            return Reading(ANSWERED, places[place])
        return Reading(REFUSED if is_hedged else NO_ANSWER)

    def letter_probabilities(self, reply: Reply, sample: str) -> NDArray[np.float64]:
        """The probability of each option's letter as first token, ``(K,)``; NaN for letters that were not listed.

        Tokens that are the same letter but for spaces and case count together. An option that was not offered has 0.
        """
        probabilities, places = np.zeros(len(self.options)), self._places(sample)
        probabilities[list(self.shown(sample))] = np.nan
        for token, logarithm in reply.tokens:
            if (place := places.get(token.strip().upper())) is not None:
                probabilities[place] = np.nan_to_num(probabilities[place]) + np.exp(min(logarithm, 0.0))
        return probabilities

    def has_letter_first(self, reply: Reply, option: int, sample: str) -> bool:
        """Whether an answer began with its option's letter, so that the first token's probabilities are of answers.

        Where the endpoint does not say with which token it began, that was the most probable one, or one as probable.
        """
        most = max((logarithm for _, logarithm in reply.tokens), default=0.0)
        tokens = (
            [reply.first_token]
            if reply.first_token
            else [token for token, probability in reply.tokens if probability == most]
        )
        places = self._places(sample)
        return any(places.get(token.strip().upper()) == option for token in tokens)

    def _places(self, sample: str) -> Mapping[str, int]:
        """The places of the options by the letters that stand before them beside a picture."""
        return dict(zip(question_wording().letters, self.shown(sample), strict=False))

    def log_probabilities(self, option: int, probabilities: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
        """Log-probabilities of the classes, float32 ``(num_classes,)``, that any rule of decision reads as the answer.

        Each class of an option has the option's own, so that the mean over its classes is that, too.

        Args:
            option: that was answered; -1 for none, where all classes are alike.
            probabilities: of the options, ``(K,)``; without, the answer's is 1. What is as probable as the answer
                becomes `TIE` less.
        """
        logarithms = np.full(self.num_classes, SMALLEST_LOG, np.float32)
        if probabilities is None:
            probabilities = np.eye(len(self.options))[option] if option >= 0 else np.zeros(len(self.options))
        for classes, share in zip(self.classes, probabilities.tolist(), strict=True):
            logarithms[list(classes)] = max(float(np.log(share)), SMALLEST_LOG) if share > 0 else SMALLEST_LOG
        if option >= 0:
            own = list(self.classes[option])
            answer, tied = logarithms[own[0]], np.abs(logarithms - logarithms[own[0]]) < TIE
            tied[own] = False
            logarithms[tied] = answer - TIE
        return logarithms

    def identity(self) -> Mapping[str, Any]:
        """The parts that change answers and their reading, for the run's key."""
        words = question_wording()
        return {
            "prompt": "\n".join((self.prompt, words.option, words.closing)),
            "prompt_version": words.version,
            "reading_version": words.reading_version,
            "choices": list(self.options),
            "order": self.order,
            "questions_sha256": self._offered_sha256(),
        }

    def _offered_sha256(self) -> str:
        """A hash over the options that each sample is asked about; empty where these are all."""
        text = json.dumps(sorted(self.offered.items()))
        return hashlib.sha256(text.encode()).hexdigest() if self.offered else ""
