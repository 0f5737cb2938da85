"""Chat models as the engine sees models: pictures and a closed question in, answers out, each kept whole."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hardiness.core.answers import ANSWERS
from hardiness.core.benchmark import Benchmark, DataSet, Image
from hardiness.core.codes import ModelNote
from hardiness.core.errors import HardinessError, ModelError, SampleError, StoreError
from hardiness.core.fact import Fact
from hardiness.core.forms import from_json, json_form
from hardiness.core.model import CANVAS_224, ModelSpec
from hardiness.core.table import Columns
from hardiness.imaging.codecs import png
from hardiness.models.chat.questions import ANSWERED, TIE, Question, Reading, Reply
from hardiness.models.chat.wire import Calls, CallsSpentError, Endpoint, GivenUpError
from hardiness.models.preprocessing import InputPolicy
from hardiness.store.files import Files
from hardiness.store.writing import parse_json

FOLDER = "answers"
"""Name of the folder in an output folder that holds each reply of an endpoint in a file of its own, whole."""

MOST_IN_ROW = 10_000
"""Characters of an answer in a row; its file has the whole."""

MOST_CUT = 3
"""Replies in a row that may end before a word of an answer; then the endpoint is given up, as each is paid for."""

MOST_FAILED = 3
"""Questions in a row that may fail, each after all of its tries; then the endpoint is given up."""


@dataclass(frozen=True)
class ChatAnswer:
    """The answers about one picture.

    Attributes:
        prompt: that was asked.
        replies: as often as it was asked; the first counts.
        readings: of each.
        probabilities: of the options, ``(K,)``, NaN for letters that the endpoint did not list.
        has_letter_first: whether the first reply began with the letter of the option that was answered.
    """

    prompt: str
    replies: tuple[Reply, ...]
    readings: tuple[Reading, ...]
    probabilities: NDArray[np.float64]
    has_letter_first: bool

    @property
    def changed(self) -> int:
        """1 where the answer was not the same each time, 0 where it was; -1 where it was asked once."""
        if len(self.readings) < 2:
            return -1
        return int(len(set(self.readings)) > 1)

    @property
    def confidences(self) -> NDArray[np.float64] | None:
        """Probabilities of the options that sum to 1; ``None`` where they are not those of the answer.

        They are not where a letter has none, where the answer did not begin with its letter, so that the first token
        chose a way of saying it, or where another option has more.
        """
        option = self.readings[0].option
        probabilities = self.probabilities
        if option < 0 or not self.has_letter_first or np.isnan(probabilities).any() or probabilities.sum() <= 0:
            return None
        if probabilities[option] < probabilities.max() * (1 - TIE):
            return None
        return np.asarray(probabilities / probabilities.sum())

    @property
    def confidence(self) -> float:
        """The probability of the option that was answered; 1 where it is not known."""
        probabilities = self.confidences
        return 1.0 if probabilities is None else float(probabilities[self.readings[0].option])

    @property
    def missing_mass(self) -> float:
        """One minus the probability of the letters that were listed; NaN where no log-probabilities were given."""
        return max(0.0, 1.0 - float(np.nansum(self.probabilities))) if self.replies[0].tokens else float("nan")


class EndpointRuntime(NamedTuple):
    """The place of a network's runtimes: answers are computed elsewhere, and compared with nothing."""

    name: str = "chat"
    agreement: None = None


@dataclass
class ChatModel:
    """An endpoint's model; `on` makes of it the model of one benchmark's question.

    Attributes:
        spec: its name; its options are its identity, as there are no weights to hash.
        endpoint: that answers.
        prompt, order: of its questions, as `Question.for_benchmark` takes them.
        repeats: how often each question is asked.
        workers: questions on their way at one time.
        calls: counts the command's requests.
        stopped: once it is set nothing further is asked.
    """

    spec: ModelSpec
    endpoint: Endpoint
    prompt: str = ""
    order: str = "seeded"
    repeats: int = 1
    workers: int = 8
    calls: Calls = field(default_factory=Calls)
    stopped: threading.Event = field(default_factory=threading.Event)
    _ended: GivenUpError | None = None
    _failed: int = 0
    _cut: int = 0

    outputs = ANSWERS
    precision, device, runtimes = "fp32", "elsewhere", EndpointRuntime()
    has_gradients, num_parameters = False, 0
    outputs_sha256 = code_sha256 = ""
    why_no_gradients = "it answers questions at an endpoint"
    num_classes = 0

    @property
    def weights_sha256(self) -> str:
        """A hash over the endpoint, the model's name, parameters and tag: there are no weights to hash."""
        endpoint = self.endpoint
        facts = [endpoint.url, endpoint.model, dict(endpoint.parameters), dict(self.spec.options).get("tag", "")]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()

    @property
    def notes(self) -> tuple[Fact, ...]:
        """Notes on the origin of its answers, and their cost so far."""
        origin = Fact(ModelNote.ANSWERS_ELSEWHERE, {"source": self.endpoint.host, "kind": "endpoint"})
        return (origin, self.calls.fact) if self.calls.made else (origin,)

    def feed(self, canvas_px: int = CANVAS_224.crop_px) -> InputPolicy:
        """Pictures are sent as they are."""
        return InputPolicy(canvas_px, canvas_px)

    def activation_bytes(self, px: int) -> int:
        """Zero: batches are as large as they can be."""
        return 0

    def logits(self, *_: Any) -> Any:
        """Raise an error: a chat model has no logits.

        Raises:
            ModelError: always.
        """
        raise ModelError(
            f"{self.spec.name} answers closed questions and has no logits; it goes with hardiness run on cue-conflict, "
            "model-vs-human, laion-c or a folder of few classes"
        )

    pooled = differentiable = plain_logits = logits
    layers = property(logits)

    def on(self, benchmark: Benchmark, data: DataSet, seed: int, files: Files) -> ClosedQuestionModel:
        """The model on the question that a benchmark asks.

        Args:
            benchmark, data: that ask.
            seed: of the order of options.
            files: of the output folder, where its answers are kept and found.

        Raises:
            ModelError: it is no closed question of few options.
        """
        return ClosedQuestionModel(
            self, Question.for_benchmark(benchmark, data, self.prompt, self.order, seed), data, files
        )

    def ask(self, prompt: str, picture: bytes) -> Reply:
        """A reply of the endpoint.

        Raises:
            CallsSpentError, GivenUpError: no further question will be answered.
            SampleError: this one was not, for now.
        """
        if self._ended is not None:
            raise self._ended
        try:
            reply = self.endpoint.ask(prompt, picture, self.calls, self.stopped)
        except GivenUpError as error:
            self._ended = error
            raise
        except SampleError as error:
            self._failed += 1
            if self._failed >= MOST_FAILED:
                self._ended = GivenUpError(
                    f"{error}; {self._failed} questions in a row have failed, and no more is asked"
                )
                raise self._ended from None
            raise
        self._failed = 0
        return reply

    def require_uncut(self, reply: Reply) -> None:
        """Count a reply that has come, and end where as many in a row as may be were cut before a word of an answer.

        Raises:
            GivenUpError: they were; the message says what to raise.
        """
        self._cut = self._cut + 1 if reply.is_cut else 0
        if self._cut < MOST_CUT:
            return
        limits = ("max_completion_tokens", "max_tokens")
        sent = {name: self.endpoint.parameters[name] for name in limits if name in self.endpoint.parameters}
        most = ", ".join(f"{name}={value}" for name, value in sent.items()) or "its own limit of tokens"
        self._ended = GivenUpError(
            f"{self.endpoint.host} cut {self._cut} replies in a row at {most} before a word of an answer, as thinking "
            f"counts, too; raise {' or '.join(sent) or limits[0]}, e.g. {next(iter(sent), limits[0])}=4000; no more is "
            "asked"
        )
        raise self._ended

    @cached_property
    def threads(self) -> ThreadPoolExecutor:
        """The threads on which questions wait for their replies."""
        return ThreadPoolExecutor(self.workers, thread_name_prefix="chat")


class ClosedQuestionModel:
    """A chat model on the question of one benchmark, as `ChatModel.on` makes it.

    Attributes:
        model: the chat model.
        question: that it is asked about each picture.
        spec: of the model, with the question as part of its identity.
        num_classes: of the data.
    """

    def __init__(self, model: ChatModel, question: Question, data: DataSet, files: Files) -> None:
        self.model, self.question, self._files = model, question, files
        identity = tuple(question.identity().items())
        self.spec = replace(
            model.spec,
            num_classes=data.num_classes,
            class_names=data.class_names,
            options=(*model.spec.options, *identity, ("repeats", model.repeats)),
        )
        self.num_classes = data.num_classes

    def __getattr__(self, name: str) -> Any:
        """The attribute of the model, which does not depend on the question."""
        return getattr(self.model, name)

    def answers(self, images: Sequence[Image], samples: Sequence[str]) -> list[ChatAnswer | HardinessError]:
        """The answer about each picture, or why there is none; those that are kept are not asked for again.

        Args:
            images: ``uint8 (H, W, 3)``.
            samples: their ids, by which the order of options is drawn; they are not sent.
        """
        return list(self.model.threads.map(self._answer, images, samples))

    @staticmethod
    def keeps_some(files: Files) -> bool:
        """Whether replies of any endpoint are in an output folder."""
        return bool(files.folders(FOLDER))

    def lacking(self, image: Image, sample: str, files: Files | None = None) -> int:
        """The number of requests that are still to be made about a picture; nothing is asked.

        Args:
            image, sample: as for `answers`.
            files: where replies may be kept already; ``None`` for nowhere.
        """
        if files is None:
            return self.model.repeats
        prompt, picture = self.question.text(sample), _sha256(image)
        return sum(not files.has(self._name(prompt, picture, turn)) for turn in range(self.model.repeats))

    def _answer(self, image: Image, sample: str) -> ChatAnswer | HardinessError:
        prompt, picture = self.question.text(sample), _sha256(image)
        try:
            replies = tuple(self._reply(prompt, image, picture, turn) for turn in range(self.model.repeats))
        except (SampleError, GivenUpError, CallsSpentError, StoreError) as error:
            return error
        readings = tuple(self.question.read(reply, sample) for reply in replies)
        return ChatAnswer(
            prompt,
            replies,
            readings,
            self.question.letter_probabilities(replies[0], sample),
            self.question.has_letter_first(replies[0], readings[0].option, sample),
        )

    def _reply(self, prompt: str, image: Image, picture: str, turn: int) -> Reply:
        """A reply that is kept, or that is asked for now and kept before it is read."""
        name = self._name(prompt, picture, turn)
        content = self._files.read(name)
        if content and (reply := _reply_of(content)) is not None:
            return reply
        reply = self.model.ask(prompt, png(image))
        endpoint = self.model.endpoint
        request = {
            "url": endpoint.url,
            "model": endpoint.model,
            "parameters": dict(endpoint.parameters),
            "prompt": prompt,
            "picture_sha256": picture,
            "turn": turn,
        }
        self._files.write(name, (json.dumps({"asked": request, "reply": json_form(reply)}) + "\n").encode())
        self.model.require_uncut(reply)
        return reply

    def _name(self, prompt: str, picture: str, turn: int) -> str:
        text = json.dumps([self.model.weights_sha256, prompt, picture, turn])
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        return f"{FOLDER}/{digest[:2]}/{digest}.json"

    def columns(self, answers: Sequence[ChatAnswer], decide: Callable[[NDArray[np.float32]], Columns]) -> Columns:
        """The columns that rows keep of some answers.

        Args:
            answers: N.
            decide: what a benchmark keeps of log-probabilities ``(N, num_classes)``, in place of logits.

        Returns:
            The same, ``prediction`` -1 where no option was answered, and ``confidence`` that of the option; ``outcome``
            int8, a number of `hardiness.core.answers.OUTCOMES`; ``has_confidence`` int8, whether the endpoint gave one,
            without which ``confidence`` is 1; ``missing_mass`` float32, the probability on no listed letter, NaN
            without log-probabilities; ``changed`` int8, whether asking again gave another answer, -1 where it was asked
            once; ``at_most_tokens`` int8, whether it ended because it had as many tokens as it may have;
            ``prompt_tokens`` and ``completion_tokens`` int64, of all replies, as the endpoint counts them, 0 where it
            does not; and, as text, the prompt, the answer and what the endpoint said of itself.
        """
        logits = np.stack(
            [self.question.log_probabilities(answer.readings[0].option, answer.confidences) for answer in answers]
        )
        first = [answer.replies[0] for answer in answers]
        texts = {
            "prompt": [answer.prompt for answer in answers],
            "answer_text": [reply.text for reply in first],
            "finish_reason": [reply.finish_reason for reply in first],
            "served_model": [reply.model for reply in first],
            "fingerprint": [reply.fingerprint for reply in first],
            "asked_at": [reply.asked_at for reply in first],
        }
        outcome = np.array([answer.readings[0].outcome for answer in answers], np.int8)
        decided = decide(logits)
        is_answered = outcome == ANSWERED
        prediction = np.where(is_answered, decided["prediction"], -1).astype(np.int32)
        # Not that of one of the option's classes, over which a softmax spreads it.
        confidence = np.where(is_answered, [answer.confidence for answer in answers], decided["confidence"])
        return {
            **decided,
            "prediction": prediction,
            "confidence": confidence.astype(decided["confidence"].dtype),
            "outcome": outcome,
            "has_confidence": np.array([answer.confidences is not None for answer in answers], np.int8),
            "missing_mass": np.array([answer.missing_mass for answer in answers], np.float32),
            "changed": np.array([answer.changed for answer in answers], np.int8),
            "at_most_tokens": np.array([reply.is_at_most_tokens for reply in first], np.int8),
            "prompt_tokens": _total(answers, lambda reply: reply.prompt_tokens),
            "completion_tokens": _total(answers, lambda reply: reply.completion_tokens),
            **{name: np.array(list(map(_in_row, column)), np.str_) for name, column in texts.items()},
        }


def _total(answers: Sequence[ChatAnswer], count: Callable[[Reply], int]) -> NDArray[np.int64]:
    """A number of each reply, summed over those of each answer, ``(N,)``."""
    return np.array([sum(map(count, answer.replies)) for answer in answers], np.int64)


def on_question(classifier: Any, benchmark: Benchmark, data: DataSet, seed: int, files: Files) -> Any:
    """A chat model on the question that a benchmark asks, as `ChatModel.on` says; any other classifier as it is."""
    return classifier.on(benchmark, data, seed, files) if isinstance(classifier, ChatModel) else classifier


def limit_calls(classifiers: Sequence[Any], most: int | None) -> None:
    """Let all chat models among some models count their requests together, up to so many; ``None`` for any number."""
    calls = Calls(most)
    for classifier in classifiers:
        if isinstance(classifier, ChatModel):
            classifier.calls = calls


def _in_row(text: str) -> str:
    """Foreign text as a table can hold it: whole Unicode, without its ends beyond `MOST_IN_ROW`.

    What it cannot hold is replaced and not left out, so that what stood apart, such as pieces of a key, stays apart.
    """
    return text.encode(errors="replace").decode().replace("\x00", "\ufffd")[:MOST_IN_ROW]


def _sha256(image: Image) -> str:
    return hashlib.sha256(f"{image.shape}".encode() + np.ascontiguousarray(image).tobytes()).hexdigest()


def _reply_of(content: bytes) -> Reply | None:
    """The reply in a kept file; ``None`` where it is damaged, and is asked for again."""
    try:
        return from_json(Reply, parse_json(content, "")["reply"], "")
    except (StoreError, KeyError, TypeError):
        return None
