"""Chat models through the command line, against a stand-in endpoint: rows, scores, bills, faults, kill and resume."""

from __future__ import annotations

import json
import re
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as parquet
import pytest
from chat_server import ChatServer
from PIL import Image
from told import warnings_of

from hardiness import evaluate
from hardiness.core.errors import ArgumentError
from hardiness.engine import forecast, rounds
from hardiness.models.chat import questions, wire
from hardiness.reference.categories import sixteen
from hardiness.results.claims.claim import from_results
from hardiness.results.folder import Folder
from hardiness.store.store import Store

NAMES = list(sixteen())
KEY = "sk-very-secret-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNO"


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    with ChatServer() as server:
        yield server


def picture(number: int, side: int = 224) -> Image.Image:
    """Coarse noise, another for each number."""
    draws = np.random.default_rng(number).integers(0, 256, (7, 7, 3), np.uint8)
    return Image.fromarray(draws).resize((side, side), Image.Resampling.NEAREST)


@pytest.fixture(scope="module")
def stimuli_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 48 stimuli of every other pair of eight categories, named as the published ones are."""
    root = tmp_path_factory.mktemp("stimuli")
    (root / "cue-conflict").mkdir()
    pairs = [(a, b) for a, b in product(NAMES[:8], repeat=2) if a != b]
    for number, (shape, texture) in enumerate(islice(pairs, 48)):
        picture(number).save(root / "cue-conflict" / f"{shape}{number % 9 + 1}-{texture}2.png")
    return root


@pytest.fixture(scope="module")
def truth(stimuli_root: Path) -> dict[str, tuple[str, str]]:
    """Shape and texture by the hash of a picture's pixels."""
    found = {}
    for file in (stimuli_root / "cue-conflict").iterdir():
        shape, texture = (part.rstrip("0123456789") for part in file.stem.split("-"))
        found[sha256(np.asarray(Image.open(file).convert("RGB")).tobytes()).hexdigest()] = shape, texture
    return found


def pixels_of(png: bytes) -> bytes:
    import io

    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")).tobytes()


def letter_of(prompt: str, name: str) -> str:
    """The letter before an option of a prompt."""
    return next(line[0] for line in prompt.splitlines() if line[1:] == f". {name}")


def by_shape(truth: dict[str, tuple[str, str]]) -> Callable[[str, bytes], str]:
    """Answers with the shape, with the texture, with neither or not at all, by the picture's hash."""

    def answer(prompt: str, png: bytes) -> str:
        digest = sha256(pixels_of(png)).hexdigest()
        shape, texture = truth[digest]
        kind = int(digest[:2], 16) % 6
        if kind < 3:
            return f"{letter_of(prompt, shape)}. {shape}"
        return (texture, "What a lovely picture!", "I'm sorry, I cannot help with that.")[kind - 3]

    return answer


def result_of(out: Path) -> dict[str, Any]:
    (found,) = json.loads((out / "results.json").read_text())["results"]
    return dict(found)


def values(result: dict[str, Any]) -> dict[tuple[str, ...], Any]:
    return {(s["metric"], *map(str, s["condition"].values())): s["value"] for s in result["scores"]}


@pytest.mark.slow
def test_cue_conflict_from_question_to_page(
    chat: ChatServer, stimuli_root: Path, truth: dict[str, tuple[str, str]], hardiness: Any, tmp_path: Path
) -> None:
    chat.answer, out = by_shape(truth), tmp_path / "out"
    chat.faults, chat.pause_s = ["500 oops", "not json"], 0.01
    command = ("run", "-m", chat.model(workers=3), "-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    told = hardiness(*command)
    assert told.status == 0, told.err
    assert "cannot be reproduced from weights" in told.out
    assert "no answer" in told.out
    assert chat.most_busy <= 3
    assert len(chat.asked) == 50

    kinds = [int(digest[:2], 16) % 6 for digest in truth]
    shape, texture = sum(kind < 3 for kind in kinds), kinds.count(3)
    result = result_of(out)
    found = values(result)
    for protocol in ("orhan2019", "geirhos2019"):
        assert found["shape_bias", protocol] == pytest.approx(shape / (shape + texture))
        assert found["cue_accuracy", protocol] == pytest.approx((shape + texture) / 48)
    assert found["unanswered",] == pytest.approx((kinds.count(4) + kinds.count(5)) / 48)
    assert found["unanswered", "refused"] == pytest.approx(kinds.count(5) / 48)
    assert found["unanswered", "no answer"] == pytest.approx(kinds.count(4) / 48)
    assert found["unanswered", "filtered"] == 0
    (about, *_) = [line for line in warnings_of(result) if "reproduced" in line]
    assert "called toy:7b-2026, with fingerprint fp_1" in about
    assert f"at {chat.address}" in about

    for body, _ in chat.asked:
        text = json.dumps(body)
        assert not any(f"{name}1-" in text or f"{name}2" in text or ".png" in text for name in NAMES)
        assert body["messages"][0]["content"][0]["image_url"]["url"].startswith("data:image/png;base64,")

    (run,) = Store.open(out).runs()
    rows = run.records()
    assert len(rows) == 48
    prompts = {body["messages"][0]["content"][1]["text"] for body, _ in chat.asked}
    assert set(rows["prompt"].tolist()) == prompts
    assert len({tuple(prompt.splitlines()[1:17]) for prompt in prompts}) == 48
    assert set(rows["finish_reason"].tolist()) == {"stop"}
    assert (rows["prediction"] == -1).sum() == kinds.count(4) + kinds.count(5)
    assert "What a lovely picture!" in rows["answer_text"].tolist()
    kept = [json.loads(file.read_text()) for file in (out / "answers").rglob("*.json")]
    assert len(kept) == 48
    assert {each["asked"]["prompt"] for each in kept} == prompts

    page = (out / "report.html").read_text()
    assert "cannot be reproduced from weights" in page
    assert "fp_1" in page
    again = hardiness(*command)
    assert again.status == 0
    assert len(chat.asked) == 50
    assert result_of(out)["scores"] == result["scores"]


def test_readings_are_redone_without_a_question(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.answer, out = lambda prompt, png: f"<<{letter_of(prompt, 'cat')}>>", tmp_path / "out"
    command = ("run", "-m", chat.model(), "-b", "cue-conflict", "--data", stimuli_root, "--out", out, "--limit", "12")
    assert hardiness(*command).status == 0
    assert values(result_of(out))["unanswered",] == 1

    usual, words = questions.read_answer, questions.question_wording()
    monkeypatch.setattr(questions, "read_answer", lambda text, *rest: usual(text.strip("<>"), *rest))
    newer = type(words)(**{name: getattr(words, name) for name in words.__slots__} | {"reading_version": 99})
    monkeypatch.setattr(questions, "question_wording", lambda: newer)
    assert hardiness(*command).status == 0
    assert len(chat.asked) == 12
    results = json.loads((out / "results.json").read_text())["results"]
    assert sorted(values(each)["unanswered",] for each in results) == [0, 1]


@pytest.mark.slow
def test_a_killed_command_loses_no_answer(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, spawn: Any, tmp_path: Path
) -> None:
    chat.pause_s, out = 0.05, tmp_path / "out"
    command = ("run", "-m", chat.model(workers=2), "-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    process = spawn(*command)
    deadline = time.monotonic() + 60
    while len(chat.asked) < 10 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    before, kept = len(chat.asked), len(list((out / "answers").rglob("*.json")))
    assert before - 2 <= kept <= before
    plan = hardiness("run", *command[1:], "--plan", "--json")
    assert json.loads(plan.out)["benchmarks"][0]["calls"] == 48 - kept
    chat.pause_s = 0
    assert hardiness(*command).status == 0
    assert len(chat.asked) == before + 48 - kept
    assert result_of(out)["counts"]["evaluated"] == 48


def test_calls_bound_a_command_and_the_next_goes_on(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("run", "-m", chat.model(), "-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    plan = hardiness(*command, "--plan")
    assert plan.status == 0
    assert "calls" in plan.out
    assert "at most" not in plan.out
    for bound in (("--calls", "20"), ("--precision-target", "0.1")):
        told = " ".join(hardiness(*command, "--plan", *bound).out.split())
        assert f"at most {20 if bound[0] == '--calls' else 48}" in told, bound
    assert len(chat.asked) == 0
    chat.faults = ["503 ", "503 "]
    told = hardiness(*command, "--calls", "20")
    assert len(chat.asked) == 20
    assert "all 20 requests of --calls are made; the same command goes on" in told.err
    assert result_of(out)["counts"]["evaluated"] == 18
    assert hardiness(*command).status == 0
    assert len(chat.asked) == 50
    assert result_of(out)["counts"]["evaluated"] == 48


def test_any_text_is_an_answer(chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path) -> None:
    """Half of a surrogate pair, a zero, three megabytes, nothing, parts, and log-probabilities of every wrong kind."""
    listed = ("yes", {}, {"content": None}, {"content": [{"token": "A", "logprob": -1, "top_logprobs": None}]})
    texts = ["\ud800", "A\x00", "x" * 3_000_000, "", [{"type": "text", "text": "A. "}]]
    texts += [{"content": "B", "logprobs": each} for each in listed]
    texts += [{"content": "C", "finish_reason": 7}, "I am sorry.", {"content": {"a": 1}}]
    answers, out = iter(texts), tmp_path / "out"
    chat.answer = lambda prompt, png: next(answers, "A")
    asked = ("-b", "cue-conflict", "--data", stimuli_root, "--out", out, "--limit", "12")
    told = hardiness("run", "-m", chat.model(workers=1), *asked)
    assert told.status == 0, told.err
    (run,) = Store.open(out).runs()
    rows = run.records()
    assert sorted(rows["outcome"].tolist()) == [0] * 6 + [1] * 5 + [2]
    assert max(map(len, rows["answer_text"].tolist())) == 10_000
    kept = [json.loads(file.read_text())["reply"]["text"] for file in (out / "answers").rglob("*.json")]
    assert max(map(len, kept)) == 3_000_000
    assert len(kept) == 12


def test_an_endpoint_that_is_wrong_is_asked_little_and_keeps_what_it_gave(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KEY", KEY)
    out = tmp_path / "out"
    model = chat.model(workers=1, key_env="TOY_KEY")
    command = ("run", "-m", model, "-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    chat.faults = ["", "", *['401 {"error": {"message": "bad key ' + KEY + '"}}'] * 99]
    told = hardiness(*command)
    assert told.status == 1
    assert "answers 401: bad key [key]; is the key right?" in told.err
    assert len(chat.asked) == 3
    chat.faults = []
    assert hardiness(*command).status == 0
    assert len(chat.asked) == 3 + 46
    for file in out.rglob("*"):
        assert file.is_dir() or KEY.encode() not in file.read_bytes(), file
    assert KEY not in told.err + told.out


def thinking(chat: ChatServer) -> ChatServer:
    """The endpoint as one of a model that reasons: it refuses three parameters, and thinks for 64 tokens."""
    chat.refuses = {
        "max_tokens": '400 {"error": {"message": "Unsupported parameter: \'max_tokens\' is not supported. '
        'Use \'max_completion_tokens\' instead.", "param": "max_tokens", "code": "unsupported_parameter"}}',
        "temperature": '400 {"error": {"message": "Unsupported value: \'temperature\' does not support 0.",'
        ' "param": "temperature", "code": "unsupported_value"}}',
        "logprobs": '403 {"error": {"message": "You are not allowed to request logprobs from this model"}}',
    }
    chat.thinks_tokens = 64
    return chat


def test_the_third_example_of_the_page_asks_a_model_that_reasons(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    thinking(chat).answer = lambda prompt, png: letter_of(prompt, "cat")
    page = (Path(__file__).parents[2] / "docs" / "chat.md").read_text()
    joined = re.sub(r"\\\n\s*", "", page)
    example = [line for line in joined.splitlines() if line.startswith("hardiness run -m chat:")][2]
    there = {"https://api.openai.com": chat.address, "DATA": str(stimuli_root), "runs/chat": str(tmp_path / "out")}
    words = [re.sub("|".join(there), lambda found: there[found[0]], word) for word in example.split()[1:]]
    told = hardiness(*words)
    assert told.status == 0, told.err
    assert "48 requests" in told.err
    assert "tokens: 4,800 asked, 3,120 answered" in told.err
    result = result_of(tmp_path / "out")
    assert values(result)["unanswered",] == 0
    assert "tokens, as the endpoint counts them: 4,800 of questions, 3,120 of answers" in " ".join(warnings_of(result))
    kept = json.loads(next((tmp_path / "out" / "answers").rglob("*.json")).read_text())
    assert ["completion_tokens_details.reasoning_tokens", 64] in kept["reply"]["usage"]

    hints = {"": "max_completion_tokens=N", ",max_completion_tokens=99": "temperature=none leaves it out"}
    hints[",max_completion_tokens=99,temperature=none"] = "logprobs=false leaves them out"
    for options, hint in hints.items():
        model = f"chat:toy:base={chat.address},key_env=OPENAI_API_KEY{options}"
        told = hardiness("run", "-m", model, "-b", "cue-conflict", "--data", stimuli_root, "--out", tmp_path / "other")
        assert told.status == 1
        assert hint in told.err
        assert "key right" not in told.err


def test_replies_that_are_cut_before_an_answer_end_the_run(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    model = thinking(chat).model(max_completion_tokens=50, temperature="none", logprobs="false", workers=1)
    command = ("run", "-b", "cue-conflict", "--data", stimuli_root, "--out")
    told = hardiness(*command, tmp_path / "out", "-m", model)
    assert told.status == 1
    assert len(chat.asked) == 3
    assert "cut 3 replies in a row at max_completion_tokens=50 before a word of an answer" in told.err
    assert "raise max_completion_tokens, e.g. max_completion_tokens=4000" in told.err
    few = hardiness(*command, tmp_path / "few", "-m", model, "--limit", "2")
    assert few.status == 0
    assert "2 of those without an answer ended at the most tokens that they may have; raise" in " ".join(
        few.out.split()
    )
    asked = len(chat.asked)
    assert hardiness(*command, tmp_path / "out", "-m", model.replace("=50", "=500")).status == 0
    assert len(chat.asked) == asked + 48


def test_thinking_that_stands_in_the_text_is_no_word_of_an_answer(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    """As servers without a parser of thinking give it: all questions were asked, each reply cut and paid."""
    chat.answer = lambda prompt, png: {"content": "<think>\nOkay, the picture", "finish_reason": "length"}
    asked = ("-b", "cue-conflict", "--data", stimuli_root, "--out", tmp_path / "out")
    ended = hardiness("run", "-m", chat.model(workers=1), *asked)
    assert (ended.status, len(chat.asked)) == (1, 3)
    assert "cut 3 replies in a row at max_tokens=8 before a word of an answer" in ended.err
    cut = questions.Reply("<think>A or B?</think>\nThe", finish_reason="length")
    assert not cut.is_cut, "it thought to the end"


def test_a_word_between_keeps_a_run_going(chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path) -> None:
    turns = iter(range(99))
    cut = {"content": None, "finish_reason": "length"}
    chat.answer = lambda prompt, png: dict(cut) if next(turns) % 3 else {"content": "A p", "finish_reason": "length"}
    asked = ("-b", "cue-conflict", "--data", stimuli_root, "--out", tmp_path / "out")
    assert hardiness("run", "-m", chat.model(workers=1), *asked).status == 0
    assert len(chat.asked) == 48


def test_more_than_a_thousand_questions_need_a_bound(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat.answer, out = lambda prompt, png: letter_of(prompt, "cup"), tmp_path / "out"
    command = ("run", "-m", chat.model(repeats=10), "-b", "own", "--data", own, "--out", out)
    told = hardiness(*command)
    assert (told.status, len(told.lines), chat.asked) == (2, 1, [])
    assert "1,020 questions would be asked (1,020 on own)" in told.err
    assert "--calls 1020 allows as many" in told.err
    assert "more than 1,000 need it" in " ".join(hardiness(*command, "--plan").out.split())
    with pytest.raises(ArgumentError, match="1,020 questions would be asked"):
        evaluate(chat.model(repeats=10), "own", own, progress=False)
    ray = hardiness(*command, "--engine", "ray")
    assert (ray.status, chat.asked) == (2, [])
    assert "1,020 questions would be asked" in ray.err

    monkeypatch.setattr(forecast, "MOST_UNBOUNDED", 60)
    smaller = ("run", "-m", chat.model(), "-b", "own", "--data", own, "--out", out)
    assert hardiness(*smaller).status == 2
    assert hardiness(*smaller, "--limit", "60").status == 0
    assert len(chat.asked) == 60
    assert hardiness(*smaller).status == 0, "42 are left"
    assert len(chat.asked) == 102
    (stored,) = Store.open(out).runs()
    shutil.rmtree(out / stored.path)
    assert hardiness(*smaller).status == 0, "answers are kept though rows are lost"
    assert len(chat.asked) == 102


@pytest.mark.slow
def test_no_control_of_an_endpoint_or_a_folder_reaches_the_terminal(
    chat: ChatServer, hardiness: Any, tmp_path: Path
) -> None:
    """A terminal's title, a colour and a bell: in the endpoint's words and in the names of classes."""
    title, out, own = "\x1b]0;gone\x07\x9b31m", tmp_path / "out", tmp_path / "own"
    for number in range(24):
        folder = own / f"{('cup', 'shoe', 'tent')[number % 3]}{title}"
        folder.mkdir(parents=True, exist_ok=True)
        picture(number).save(folder / f"{number}.png")
    chat.answer = lambda prompt, png: {"content": f"A{title}", "finish_reason": f"stop{title}"}
    chat.fingerprint, chat.served = f"fp{title}", f"toy{title}"
    common = ("-b", "own", "-b", "own-c:corruptions=brightness,severities=1+5", "--data", own, "--out", out)
    policy = tmp_path / "policy.toml"
    where = r'where = {class = "cup\u001b]0;gone\u0007\u009b31m"}'
    policy.write_text(f'[[rules]]\nbenchmark = "own"\nmetric = "recall"\n{where}\nat_least = 0.5\n')
    commands = (
        ("run", "-m", chat.model(), *common),
        ("run", "-m", chat.model(order="published"), *common),
        ("show", "--all", out),
        ("show", "--below", "0.7", out),
        ("compare", "--all", out),
        ("list", "runs", out),
        ("gate", out, "--policy", policy, "--annotations"),
        ("export", out, "--format", "markdown"),
    )
    for command in commands:
        told = hardiness(*command)
        assert told.status in (0, 3, 4), told.err
        controls = [
            line for line in (told.out + told.err).splitlines() if re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", line)
        ]
        assert controls == [], command
        if command[0] in ("run", "show"):
            assert "cup" in told.out
    page = " ".join(warnings_of(result_of_first(out)))
    assert "called toy\\x1b]0;gone\\x07\\x9b31m, with fingerprint fp\\x1b]0" in page
    assert "always answering cup\\x1b]0;gone" in page


def result_of_first(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "results.json").read_text())["results"][0])


def everything_in(out: Path) -> Iterator[tuple[str, str]]:
    """Each file of a folder as text, and those of Parquet as the values in them too."""
    for file in sorted(out.rglob("*")):
        if file.is_file():
            yield str(file), file.read_bytes().decode("latin-1")
            if file.suffix == ".parquet":
                yield f"{file}, read", json.dumps(parquet.read_table(file).to_pylist(), default=str)


@pytest.mark.slow
def test_no_part_of_a_key_is_stored_or_shown_wherever_an_endpoint_repeats_it(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In every part of an answer and of an error, the key lies across each length at which text is cut."""
    monkeypatch.setenv("TOY_KEY", KEY)
    monkeypatch.setattr(wire, "FIRST_WAIT_S", 0.0)
    out, cuts = tmp_path / "out", (wire.MOST_SHOWN, 10_000)
    said = iter([KEY, KEY[:-5], KEY[:30], *("x" * (cut - taken) + KEY for cut in cuts for taken in (10, 30, 53, 66))])

    def answer(prompt: str, png: bytes) -> Any:
        text = next(said, KEY)
        chat.fingerprint = text
        top = [{"token": text, "logprob": -0.1}, {"token": "A", "logprob": -3.0}]
        logprobs = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": top}]}
        return {"content": f"A. {text}", "finish_reason": text, "refusal": text[: len(text) % 2], "logprobs": logprobs}

    chat.answer = answer
    command = ("run", "-b", "own", "--data", own, "--out", out, "--limit", "14", "-m")
    model = chat.model(workers=1, key_env="TOY_KEY")
    errors = [f"{status} {text}" for status in (500, 200) for text in (KEY, "x" * 150 + KEY, "x" * 190 + KEY)]
    chat.faults = [""] * 12 + [each for each in errors for _ in range(wire.TRIES)][: 2 * wire.TRIES]
    streams = [hardiness(*command, model)]
    assert "500: [key], 5 times" in streams[0].out + streams[0].err
    for error in (f"401 {'x' * 150}{KEY}", f"307 http://{KEY}.example/", f"raw {'x' * 190}{KEY}"):
        chat.faults = [error] * 15
        streams.append(hardiness(*command, chat.model(workers=1, key_env="TOY_KEY", tag=f"t{len(streams)}")))
        assert streams[-1].status == 1
    streams += [hardiness(*each) for each in (("show", "--all", out), ("report", out), ("compare", "--all", out))]
    texts = [*everything_in(out), *(("a stream", told.out + told.err) for told in streams)]
    assert any("[key]" in text for name, text in texts if name.endswith("read"))
    assert any("[key]" in text for name, text in texts if name == "a stream")
    pieces = [KEY[at : at + 12] for at in range(len(KEY) - 11)]
    assert not [(name, piece) for name, text in texts for piece in pieces if piece in text]


def test_a_model_that_changes_meanwhile_is_told(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("run", "-m", chat.model(), "-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    assert hardiness(*command, "--limit", "10").status == 0
    chat.fingerprint = "fp_2"
    told = hardiness(*command)
    assert "the model changed while it was asked" in told.out
    assert "fp_2 (38), fp_1 (10)" in " ".join(told.out.split())


def test_asking_again_measures_how_often_an_answer_changes(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    turns: dict[bytes, int] = {}

    def answer(prompt: str, png: bytes) -> str:
        turns[png] = turns.get(png, 0) + 1
        return letter_of(prompt, "bear" if turns[png] == 3 and sha256(png).digest()[0] % 2 else "cat")

    chat.answer, out = answer, tmp_path / "out"
    command = ("run", "-b", "cue-conflict", "--data", stimuli_root, "--out", out, "--limit", "20")
    assert hardiness(*command, "-m", chat.model(workers=1)).status == 0
    assert len(chat.asked) == 20
    assert hardiness(*command, "-m", chat.model(workers=1, repeats=3)).status == 0
    assert len(chat.asked) == 60
    (result,) = [r for r in json.loads((out / "results.json").read_text())["results"] if "answer_changes" in str(r)]
    odd = sum(sha256(png).digest()[0] % 2 for png in turns)
    assert values(result)["answer_changes",] == pytest.approx(odd / 20)
    assert f"the answer changed by itself on {odd} of 20 pictures" in " ".join(warnings_of(result))


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three classes of 34 pictures."""
    root = tmp_path_factory.mktemp("own")
    for number in range(102):
        folder = root / ("cup", "red_shoe", "tent")[number % 3]
        folder.mkdir(exist_ok=True)
        picture(1000 + number).save(folder / f"{folder.name}_{number}.png")
    return root


def with_logprobs(letters: str, listed: int) -> Callable[[str, bytes], Any]:
    """Answers with the first letter at 0.7, 0.2 and 0.1 by the picture's hash, listing so many letters."""

    def answer(prompt: str, png: bytes) -> Any:
        turn = sha256(png).digest()[0] % len(letters)
        order = letters[turn:] + letters[:turn]
        top = [{"token": t, "logprob": float(np.log(p))} for t, p in zip(order, (0.7, 0.2, 0.1), strict=False)]
        content = [{"token": order[0], "logprob": top[0]["logprob"], "top_logprobs": top[:listed]}]
        return {"content": order[0], "logprobs": {"content": content}}

    return answer


def test_log_probabilities_of_all_letters_are_confidence(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path
) -> None:
    chat.answer, out = with_logprobs("ABC", 3), tmp_path / "out"
    told = hardiness("run", "-m", chat.model(), "-b", "own", "--data", own, "--out", out)
    assert told.status == 0, told.err
    (run,) = Store.open(out).runs()
    assert run.records()["confidence"] == pytest.approx(0.7, abs=1e-6)
    assert run.records()["missing_mass"] == pytest.approx(0, abs=1e-6)
    found = values(result_of(out))
    assert any(value is not None for key, value in found.items() if "calibration" in key[0])
    text = chat.asked[0][0]["messages"][0]["content"][1]["text"]
    assert text.startswith("Which option names the main object in the image?\nA. ")
    assert ". red shoe" in text
    assert chat.asked[0][0]["top_logprobs"] == 20


def test_without_some_letters_confidence_has_no_value_and_the_mass_is_shown(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path
) -> None:
    chat.answer, out = with_logprobs("ABC", 2), tmp_path / "out"
    told = hardiness("run", "-m", chat.model(), "-b", "own", "--data", own, "--out", out)
    assert told.status == 0, told.err
    result = result_of(out)
    scores = [s for s in result["scores"] if "calibration" in s["metric"]]
    assert scores
    assert all(s["value"] is None and "log-probabilities of all letters" in s["lack"]["text"] for s in scores)
    assert values(result)["missing_mass",] == pytest.approx(0.1)
    assert "missing" in told.out
    said = " ".join(warnings_of(result))
    assert "given with 0 of 102 answers; where some were, 10.0 % of the probability is missing on average" in said


def test_a_first_token_that_is_no_letter_gives_no_confidence(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path
) -> None:
    """The answer is A, and the first token The 0.90, A 0.05, B 0.03, C 0.01: of 102 answers none has a confidence."""
    top = [{"token": t, "logprob": float(np.log(p))} for t, p in (("The", 0.9), ("A", 0.05), ("B", 0.03), ("C", 0.01))]
    logprobs = {"content": [{**top[0], "top_logprobs": top}]}
    chat.answer, out = lambda prompt, png: {"content": "The answer is A", "logprobs": logprobs}, tmp_path / "out"
    told = hardiness("run", "-m", chat.model(), "-b", "own", "--data", own, "--out", out)
    assert told.status == 0, told.err
    (run,) = Store.open(out).runs()
    rows = run.records()
    assert (rows["outcome"] == 0).all()
    assert (rows["confidence"] == 1).all()
    assert (rows["has_confidence"] == 0).all()
    assert rows["missing_mass"] == pytest.approx(0.91, abs=1e-6)
    result = result_of(out)
    assert values(result)["missing_mass",] == pytest.approx(0.91)
    assert all(score["value"] is None for score in result["scores"] if "calibration" in score["metric"])


def test_of_equal_log_probabilities_the_answer_is_stored(
    chat: ChatServer, own: Path, hardiness: Any, tmp_path: Path
) -> None:
    """Each option is as probable as the others, and the letter that is answered is another for each picture."""
    top = [{"token": letter, "logprob": float(np.log(1 / 3))} for letter in "ABC"]

    def answer(prompt: str, png: bytes) -> Any:
        letter = "ABC"[sha256(png).digest()[0] % 3]
        return {"content": letter, "logprobs": {"content": [{"token": letter, "logprob": -1.1, "top_logprobs": top}]}}

    chat.answer, out = answer, tmp_path / "out"
    asked = ("-b", "own", "--data", own, "--out", out, "--limit", "24")
    assert hardiness("run", "-m", chat.model(order="published"), *asked).status == 0
    (run,) = Store.open(out).runs()
    rows = run.records()
    assert set(rows["prediction"].tolist()) == {0, 1, 2}
    assert rows["prediction"].tolist() == ["ABC".index(text) for text in rows["answer_text"].tolist()]
    assert rows["confidence"] == pytest.approx(1 / 3, abs=1e-6)
    assert (rows["has_confidence"] == 1).all()


@pytest.mark.parametrize(
    "benchmark",
    [
        "own-c:corruptions=brightness+jpeg_compression,severities=1",
        "own-c-bar:corruptions=sparkles+perlin_noise,severities=2",
        "own-3dcc:corruptions=iso_noise+low_light,severities=5",
        "own-patch-drop:severities=1+9",
        "own-patch-shuffle:severities=1+7",
    ],
)
def test_own_classes_under_any_corruption_set(
    chat: ChatServer, benchmark: str, own: Path, hardiness: Any, tmp_path: Path
) -> None:
    chat.answer = lambda prompt, png: letter_of(prompt, "tent") if sha256(png).digest()[0] % 4 else "I can't."
    out = tmp_path / "out"
    told = hardiness("run", "-m", chat.model(), "-b", benchmark, "--data", own, "--out", out, "--limit", "6")
    assert told.status == 0, told.err
    (run,) = Store.open(out).runs()
    rows = run.records()
    assert len(rows) == len(chat.asked) == 18
    clean = rows["condition"] == 0
    right = (rows["prediction"] == rows["label"])[clean].sum()
    assert values(result_of(out))["clean_error",] == pytest.approx(1 - right / 6)


QUESTIONS = {
    "background": [("chair/a", "chair", "tie", "wok"), ("tie/b", "tie", "tie", "iron (for clothes)")],
    "texture": [("chair/c", "chair", "chair", "bench")],
    "material": [("coffee_or_french_press/d", "coffee or french press", "mug", "plate")],
}
"""By subset the pictures of a little ImageNet-D: what each shows, and the two best guesses of another network."""


@pytest.fixture
def imagenet_d(tmp_path: Path) -> Path:
    """Four pictures, and the tables of their questions, in the published layout."""
    root, number = tmp_path / "data" / "imagenet-d", 2000
    (root / "questions").mkdir(parents=True)
    for subset, rows in QUESTIONS.items():
        lines = ["image_dir\tgt_category\ttop1_pred_cate\ttop2_pred_cate"]
        for name, *words in rows:
            file, number = root / subset / f"{name}.png", number + 1
            file.parent.mkdir(parents=True, exist_ok=True)
            picture(number).save(file)
            lines.append("\t".join([f"{subset}/{name}.png", *words]))
        (root / "questions" / f"{subset}.csv").write_text("\n".join(lines) + "\n")
    return root.parent


def test_imagenet_d_asks_for_one_of_two_names(
    chat: ChatServer, imagenet_d: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    out = tmp_path / "x"
    chat.answer = lambda prompt, png: "tie" if "tie" in prompt else "A" if "bench" in prompt else "?"
    common = ("-b", "imagenet-d", "--data", imagenet_d, "--out", out)
    told = hardiness("run", "-m", chat.model(order="published"), "-m", factory(), *common)
    assert told.status == 0, told.err
    asked = [tuple(body["messages"][0]["content"][1]["text"].splitlines()[1:3]) for body, _ in chat.asked]
    assert sorted(asked) == [
        ("A. chair", "B. bench"),
        ("A. chair", "B. tie"),
        ("A. coffee or french press", "B. mug"),
        ("A. tie", "B. iron (for clothes)"),
    ], "the wrong name is the better of the two guesses that is wrong; the right one stands first, as published"
    results = {each["model"]: each for each in json.loads((out / "results.json").read_text())["results"]}
    found = values(results["chat:toy:7b"])
    assert found["top1",] == 0.5, "tie for the tie, and A for the chair beside a bench"
    assert [found["top1", subset] for subset in QUESTIONS] == [0.5, 1, 0]
    assert found["unanswered",] == 0.25
    assert "imagenet-d on imagenet-d, two choices for each picture" in " ".join(told.out.split()), (
        "no table holds both kinds"
    )

    chat.answer = with_logprobs("AB", 2)
    seeded = hardiness("run", "-m", chat.model(), *common)
    assert seeded.status == 0, seeded.err
    (run,) = [run for run in Store.open(out).runs() if run.run.model.options.get("order") == "seeded"]
    rows = run.records()
    assert rows["confidence"] == pytest.approx([7 / 9] * 4)
    assert rows["missing_mass"] == pytest.approx([0.1] * 4, abs=1e-6)


def test_imagenet_d_without_its_questions_is_refused(
    chat: ChatServer, imagenet_d: Path, hardiness: Any, tmp_path: Path
) -> None:
    common = ("run", "-m", chat.model(), "-b", "imagenet-d", "--data", imagenet_d, "--out", tmp_path / "x")
    table = imagenet_d / "imagenet-d" / "questions" / "texture.csv"
    lines = table.read_text()
    table.write_text(lines.replace("bench", "sofa"))
    told = hardiness(*common)
    assert (told.status, len(told.lines)) == (2, 1)
    assert "the row of texture/chair/c.png must name its folder's label and another one of the 113" in told.err
    table.write_text(lines.replace("top2_pred_cate", "second"))
    assert "must have a column top2_pred_cate, between tabs" in hardiness(*common).err
    table.unlink()
    told = hardiness(*common)
    assert told.status == 1
    assert "none are given for 1 of 4 (texture/chair/c, …); put questions/*.csv" in told.err
    assert chat.asked == []


@pytest.mark.parametrize("benchmark", ["imagenet-val", "imagenet-c", "imagenet-p", "whitebox"])
def test_what_is_no_closed_question_is_refused_with_the_reason(
    chat: ChatServer, benchmark: str, hardiness: Any, tmp_path: Path
) -> None:
    told = hardiness("run", "-m", chat.model(), "-b", benchmark, "--data", "embedded", "--out", tmp_path / "out")
    assert told.status == 1
    assert any(
        each in told.err for each in ("1,000 classes, and a chat model answers closed questions of 2 to 26", "closed")
    )
    assert chat.asked == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("", "needs the address of its endpoint"),
        (":base=localhost:8000", "base must be the http or https address"),
        (":base=http://h,order=random", "order"),
        (":base=http://h,prompt=poem", "prompt"),
        (":base=http://h,repeats=0", "repeats must be a whole number from 1 to 100"),
        (":base=http://h,workers=many", "workers must be a whole number from 1 to 64"),
        (":base=http://h,max_tokens=-1", "max_tokens must be a whole number"),
        (":base=http://h,logprobs=maybe", "logprobs must be true or false"),
        (":base=http://h,weights=x.pth", "no weights to choose"),
        (f":base=http://h,key_env={KEY}", "key_env must be the name"),
        (":base=http://h,bse=1", "bse"),
        (f":base=http://h?api-key={KEY}", "base must hold no key"),
        (f":base=http://h?api-key={KEY},{KEY}", "key=value"),
        (f":base=http://h?api-key={KEY},tag=a,tag=b", "twice"),
        (f":base=http://h?api-key={KEY},weights=x.pth", "no weights to choose"),
        (f":base=h?api-key={KEY},order=random", "order"),
        (f",base=http://h?api-key={KEY}", "needs the address of its endpoint"),
        (f":base=http://me:{KEY}@h", "base must hold no name and password"),
        (f":base=http://h/{KEY},key_env=TOY_KEY", "base holds the key itself"),
        (f":base=http://h,tag={KEY},key_env=TOY_KEY", "tag holds the key itself"),
    ],
)
def test_wrong_options_are_one_line(
    options: str, said: str, hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOY_KEY", KEY)
    told = hardiness(
        "run", "-m", f"chat:toy:7b{options}", "-b", "cue-conflict", "--data", "embedded", "--out", tmp_path
    )
    assert told.status == 2
    assert said in told.err
    assert KEY not in told.err
    assert len(told.lines) == 1


def test_calls_of_several_processes_are_not_counted(
    chat: ChatServer, stimuli_root: Path, hardiness: Any, tmp_path: Path
) -> None:
    asked = ("-b", "cue-conflict", "--data", stimuli_root, "--calls", "5", "--engine", "ray")
    told = hardiness("run", "-m", chat.model(), *asked, "--out", tmp_path / "out")
    assert (told.status, len(told.lines), chat.asked) == (2, 1, [])
    assert "calls does not go with Ray: it counts the requests of one process" in told.err


def test_offline_asks_no_other_machine(hardiness: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARDINESS_OFFLINE", "1")
    told = hardiness("run", "-m", "chat:toy:base=https://api.example/v1", "-b", "own", "--data", tmp_path)
    assert told.status == 2
    assert "HARDINESS_OFFLINE" in told.err


def test_a_precision_target_saves_calls(
    chat: ChatServer,
    stimuli_root: Path,
    truth: dict[str, tuple[str, str]],
    hardiness: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "FIRST_IMAGES", 16)
    shapes = {digest: shape for digest, (shape, _) in truth.items()}
    chat.answer = lambda prompt, png: shapes[sha256(pixels_of(png)).hexdigest()]
    out = tmp_path / "out"
    told = hardiness(
        *("run", "-m", chat.model(), "-b", "cue-conflict", "--data", stimuli_root, "--out", out),
        *("--precision-target", "0.2"),
    )
    assert told.status == 0, told.err
    result = result_of(out)
    assert len(chat.asked) == result["counts"]["evaluated"] < 48
    assert "stopped at a precision target of 0.2" in " ".join(warnings_of(result))
    (score,) = [
        s for s in result["scores"] if s["metric"] == "shape_bias" and s["condition"] == {"protocol": "orhan2019"}
    ]
    assert score["value"] == 1
    assert score["interval"][1] - score["interval"][0] <= 0.4


def test_cue_conflict_under_a_corruption(
    chat: ChatServer,
    stimuli_root: Path,
    truth: dict[str, tuple[str, str]],
    factory: Any,
    hardiness: Any,
    tmp_path: Path,
) -> None:
    """A stand-in that sees shapes only where nothing was done to the picture; people were never shown the others."""
    chat.answer = lambda prompt, png: truth.get(sha256(pixels_of(png)).hexdigest(), ("", "cat"))[0] or "cat"
    out = tmp_path / "out"
    common = ("-m", chat.model(), "-m", factory(), "--data", stimuli_root, "--out", out, "--limit", "16")
    told = hardiness("run", "-b", "cue-conflict", "-b", "cue-conflict:corruption=fog,severity=5", *common)
    assert told.status == 0, told.err
    results = json.loads((out / "results.json").read_text())["results"]
    by_data = {(each["model"].partition(":")[0], each["data"]): values(each) for each in results}
    assert by_data["chat", "cue-conflict"]["shape_bias", "orhan2019"] == 1
    fogged = by_data["chat", "cue-conflict-fog-5"]["cue_accuracy", "orhan2019"]
    assert fogged < 0.5
    assert hardiness("show", out).out.count("humans: ") == 1
    options = {run.run.data.name: run.run.benchmark.options for run in Store.open(out).runs()}
    assert options["cue-conflict"] == {}
    assert options["cue-conflict-fog-5"]["severity"] == 5
    assert "cue-conflict on cue-conflict-fog-5" in hardiness("compare", out).out
    (network,) = from_results(Folder.open(Store.open(out)).results, [factory()]).family
    assert network.numbers["shape_bias"].value == by_data["py", "cue-conflict"]["shape_bias", "orhan2019"]
    wrong = hardiness("run", "-b", "cue-conflict:corruption=fgo", *common)
    assert (wrong.status, len(wrong.lines)) == (2, 1)
    assert "did you mean 'fog'" in wrong.err
    assert "severity" in hardiness("run", "-b", "cue-conflict:corruption=fog,severity=9", *common).err


@pytest.mark.slow
def test_the_mark_stands_wherever_a_chat_model_stands_beside_others(
    chat: ChatServer, stimuli_root: Path, factory: Any, hardiness: Any, tmp_path: Path
) -> None:
    chat.answer, out = lambda prompt, png: letter_of(prompt, "cat"), tmp_path / "out"
    common = ("-b", "cue-conflict", "--data", stimuli_root, "--out", out)
    assert hardiness("run", "-m", chat.model(), "-m", factory(), *common).status == 0
    name, note = "chat:toy:7b †", "† a chat model, which cannot be reproduced from weights"

    for command in (("show", out), ("compare", out), ("show", "--people", out)):
        told = hardiness(*command)
        assert told.status == 0, told.err
        assert name in told.out, command
        assert note in " ".join(told.out.split()), command
        assert "chat:toy:7b" not in told.out.replace(name, ""), command
    assert "chat:toy:7b" not in hardiness("show", "--claims", out).out, "the paper speaks of networks"
    compared = json.loads(hardiness("compare", out, "--json").out)
    assert {pair["first"] for score in compared[0]["scores"] for pair in score["pairs"]} == {name}

    policy, comment, junit = tmp_path / "policy.toml", tmp_path / "comment.md", tmp_path / "junit.xml"
    rule = '[[rules]]\nbenchmark = "cue-conflict"\nmetric = "cue_accuracy"\nwhere = {protocol = "orhan2019"}\n'
    policy.write_text(f"{rule}at_least = 0.5\n")
    judged = hardiness("gate", out, "--policy", policy, "--comment", comment, "--junit", junit)
    assert judged.status in (3, 4), judged.err
    for text in (judged.out, comment.read_text(), junit.read_text()):
        assert name in text
        assert note in " ".join(text.split())
    verdicts = json.loads(hardiness("gate", out, "--policy", policy, "--json").out)["verdicts"]
    assert sorted(each["mark"] for each in verdicts) == ["", note]

    for form in ("markdown", "model-index"):
        assert name in hardiness("export", out, "--format", form).out, form
    assert r"chat:toy:7b $\dagger$" in hardiness("export", out, "--format", "latex").out
    rows = hardiness("export", out, "--format", "csv").out.splitlines()
    assert all((note in row) == row.startswith('"chat:') for row in rows)
    found = {each["model"]: each["mark"] for each in json.loads((out / "results.json").read_text())["results"]}
    assert found.pop("chat:toy:7b") == "†"
    assert set(found.values()) == {""}
    assert hardiness("report", out).status == 0
    figure = (out / "figures" / "cue-conflict--shape_bias.svg").read_text()
    assert name in figure


@pytest.mark.slow
def test_an_interruption_asks_nothing_more(chat: ChatServer, stimuli_root: Path, spawn: Any, tmp_path: Path) -> None:
    chat.pause_s, out = 0.1, tmp_path / "out"
    process = spawn(
        *("run", "-m", chat.model(workers=2), "-b", "cue-conflict", "--data", stimuli_root, "--out", out, "--quiet")
    )
    deadline = time.monotonic() + 60
    while len(chat.asked) < 6 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert len(chat.asked) <= 12, "those that were on their way, and a moment's"
    assert len(list((out / "answers").rglob("*.json"))) >= len(chat.asked) - 2, "all but those on their way"
