"""Closed questions and the rule that reads answers: each step and trap, refusals and filters, by our sentences."""

from __future__ import annotations

import json
from importlib.resources import files

import numpy as np
import pytest

from hardiness.models.chat.model import ChatAnswer
from hardiness.models.chat.questions import (
    ANSWERED,
    FILTERED,
    NO_ANSWER,
    REFUSED,
    Question,
    Reading,
    Reply,
    is_refusal,
    read_answer,
)
from hardiness.reference.categories import sixteen
from hardiness.reference.closed_questions import question_wording

SIXTEEN = tuple(sixteen())
"""airplane, bear, bicycle, bird, boat, bottle, car, cat, chair, clock, dog, elephant, keyboard, knife, oven, truck."""

LETTERS = question_wording().letters

READ = {
    # one trailing full stop goes
    "C.": "bicycle",
    "truck.": "truck",
    "C..": "bicycle",
    "truck..": None,
    "truck. ": None,
    # what introduces the answer goes
    "The answer is E": "boat",
    "The answer is E.": "boat",
    "Answer: E": "boat",
    "Answer: elephant": "elephant",
    "The answer is Answer: K": "dog",
    "Looking at it closely. The answer is bear.": "bear",
    "Answer: A. No, Answer: B": "bear",
    "answer: E": None,
    "Answer:E": None,
    "The answer is: E": None,
    "The answer is\nE": None,
    # a bare name counts, whatever its case
    "clock": "clock",
    "  clock  ": "clock",
    "Clock": "clock",
    "KEYBOARD": "keyboard",
    "\nknife\n": "knife",
    "a clock": "airplane",
    "clocks": None,
    "the clock": None,
    "key board": None,
    # what a blocked answer is called
    "BLOCKED": None,
    "BLOCKED.": None,
    "blocked": None,
    # a letter with what may follow it
    "H": "cat",
    "h": "cat",
    "H.": "cat",
    "H)": "cat",
    "H,": "cat",
    "H:": "cat",
    "H：": "cat",
    "H. cat": "cat",
    "h) cat": "cat",
    "H: dog": "cat",
    "H dog": "cat",
    "H\n": "cat",
    "\tH": "cat",
    "H;": None,
    "H-cat": None,
    "H\ncat": None,
    "(H)": None,
    "**H**": None,
    '"H"': None,
    "H/K": None,
    "HK": None,
    "Option H": None,
    # traps of the rule: words that are letters
    "A cat.": "airplane",
    "A picture of a dog": "airplane",
    "I think it is a bear": "chair",
    "O, an oven": "oven",
    # letters beyond the question's, and nothing
    "P": "truck",
    "Q": None,
    "Q. truck": None,
    "Z": None,
    "": None,
    " ": None,
    ".": None,
    "8": None,
    "Я": None,
    "ß": None,
    "The image shows a bottle on a table.": None,
    "It's a bird!": None,
    "I'm": None,
}


@pytest.mark.parametrize("text", READ)
def test_the_rule_reads_each_sentence(text: str) -> None:
    place = read_answer(text, SIXTEEN, LETTERS)
    assert (SIXTEEN[place] if place >= 0 else None) == READ[text]


def test_letters_are_as_many_as_options_up_to_26() -> None:
    names = tuple(f"name {number}" for number in range(26))
    assert [read_answer(f"{letter}. it", names, LETTERS) for letter in LETTERS] == list(range(26))
    assert read_answer("C", names[:2], LETTERS) == -1


REFUSALS = (
    "I'm sorry, but I can't assist with that.",
    "I’m sorry, I can’t help with this image.",
    "I am very sorry, but no.",
    "I cannot identify the object.",
    "I can't tell.",
    "I am unable to view images.",
    "I'm not able to see it",
    "Sorry, that is not possible",
    "As an AI, I do not see pictures.",
    "As a language model I have no eyes",
    "Unfortunately, I cannot do that",
    "My apologies, this is not something I do",
    "Answer: I cannot say",
    "I must decline.",
    "I must respectfully decline.",
    "I don't think I can help with that.",
    "I don’t know.",
    "I do not see any object.",
    "I do not know",
    "I did not find one",
    "I won't answer.",
    "I would rather not say",
    "I'd prefer not to answer",
    "I refuse",
    "I have to decline this",
    "I'll pass",
    "I see no object in the image",
    "I have no idea",
    "I am not sure.",
    "I'm unsure",
    "I am afraid that I can't",
    "I really can't tell",
    "I\ncannot say",
    "Im sorry",
    "I'm just a language model",
    "I can only read text.",
    "I was unable to identify the object.",
    "I was not able to identify it.",
    "I have not been able to tell",
    "I've been unable to tell",
    "I found no object.",
    "I can see no object here.",
    "I notice nothing.",
    "I need more context.",
    "I would need a clearer image.",
    "I have been instructed not to answer this.",
    "I was told never to name objects",
    "I think I can't help with this.",
    "I believe that I'm unable to help",
    "I'm sorry, but the image is too blurry.",
    "I am not sure, but I think it's an animal",
    "I'm not sure, but A picture of this kind says little",
    "I cannot tell, but I'd need more context",
)
HEDGED = {
    "I'm not sure, but B": "bear",
    "I am not sure, but B.": "bear",
    "I’m not sure, but I.": "chair",
    "I'm not certain, but I would say H) cat": "cat",
    "I cannot tell. However, my best guess is a bear.": "bear",
    "I can't be sure, but it's probably an elephant": "elephant",
}
NO_REFUSALS = (
    "I",
    "I. chair",
    "I) chair",
    "I think it is a chair",
    "I see a chair",
    "I know: a chair",
    "I would say a chair",
    "I must say that this is a chair",
    "I believe it is a chair, not a bear",
    "I, not H",
    "I. None of the others",
    "iron",
    "I: never H",
    "A",
    "Sorrel",
    "cat",
    "As an answer: A",
    "I'm sorry. Answer: B",
    "I can only see a bear",
    "I found a chair",
    "I notice a chair",
    "I need: a chair",
    "I was shown a chair",
    "I think I see a chair",
    "I have been shown a chair",
)


@pytest.mark.parametrize("text", REFUSALS)
def test_refusals_are_told_from_letters(text: str) -> None:
    assert is_refusal(text)
    assert question().read(Reply(text), "s").outcome == REFUSED


@pytest.mark.parametrize("text", HEDGED)
def test_an_answer_behind_a_but_is_read(text: str) -> None:
    assert question().read(Reply(text), "s") == Reading(ANSWERED, SIXTEEN.index(HEDGED[text]))


@pytest.mark.parametrize("text", NO_REFUSALS)
def test_what_is_no_refusal_is_read(text: str) -> None:
    assert not is_refusal(text)


def question(order: str = "published", options: tuple[str, ...] = SIXTEEN, seed: int = 0) -> Question:
    classes = tuple((place,) for place in range(len(options)))
    return Question("Which option best describes the image?", options, classes, len(options), order, seed)


def test_filters_and_refusals_are_told_apart() -> None:
    asked = question()
    assert asked.read(Reply("", finish_reason="content_filter"), "s").outcome == FILTERED
    assert asked.read(Reply("BLOCKED"), "s").outcome == FILTERED
    assert asked.read(Reply("", refusal="no"), "s").outcome == REFUSED
    assert asked.read(Reply("It is a fine picture"), "s").outcome == NO_ANSWER
    assert asked.read(Reply("", finish_reason="length"), "s").outcome == NO_ANSWER
    assert (asked.read(Reply("B"), "s").outcome, asked.read(Reply("B"), "s").option) == (ANSWERED, 1)


def test_the_published_prompt_is_as_published() -> None:
    lines = [f"{letter}. {name}" for letter, name in zip(LETTERS, SIXTEEN, strict=False)]
    closing = "Answer with the option's letter from the given choices directly."
    assert question().text("any") == "\n".join(["Which option best describes the image?", *lines, closing])
    assert LETTERS[15] == "P"


def test_a_seeded_order_is_read_back_whatever_is_shown() -> None:
    asked = question("seeded")
    for sample in map(str, range(20)):
        shown = asked.shown(sample)
        assert sorted(shown) == list(range(16))
        for letter, place in zip(LETTERS, shown, strict=False):
            assert f"\n{letter}. {SIXTEEN[place]}\n" in asked.text(sample)
            assert asked.read(Reply(letter), sample).option == place
            assert asked.read(Reply(SIXTEEN[place]), sample).option == place
    orders = {asked.shown(str(number)) for number in range(20)}
    assert len(orders) == 20
    assert question("seeded", seed=1).shown("0") != asked.shown("0")


def test_letters_of_the_first_token_are_summed_over_its_spellings() -> None:
    tokens = (("A", np.log(0.5)), (" A", np.log(0.2)), ("b", np.log(0.2)), ("AB", np.log(0.05)), ("D", np.log(0.01)))
    found = question(options=("x", "y", "z")).letter_probabilities(Reply("A", tokens=tokens), "s")
    assert found[:2] == pytest.approx([0.7, 0.2])
    assert np.isnan(found[2])


def test_a_confidence_is_that_of_a_first_token_that_is_the_answer() -> None:
    asked = question(options=("x", "y", "z"))
    shares = {"The": 0.9, "A": 0.05, "B": 0.03, "C": 0.0}
    tokens = tuple((token, float(np.log(share)) if share else -np.inf) for token, share in shares.items())
    assert not asked.has_letter_first(Reply("The answer is A", tokens=tokens, first_token="The"), 0, "s")
    assert not asked.has_letter_first(Reply("The answer is A", tokens=tokens), 0, "s")
    assert asked.has_letter_first(Reply("A", tokens=tokens, first_token=" a"), 0, "s")
    assert not asked.has_letter_first(Reply("A", tokens=tokens, first_token="B"), 0, "s")
    assert not asked.has_letter_first(Reply("A"), 0, "s")
    tied = (("A", np.log(0.5)), ("B", np.log(0.5)))
    assert [asked.has_letter_first(Reply("B", tokens=tied), option, "s") for option in range(3)] == [True, True, False]


@pytest.mark.parametrize("told", [REFUSED, ANSWERED])
def test_a_missing_mass_is_one_minus_the_letters(told: int) -> None:
    shares = {"The": 0.9, "A": 0.05, "B": 0.03}
    tokens = tuple((token, float(np.log(share))) for token, share in shares.items())
    asked = question(options=("x", "y"))

    def missing(*listed: tuple[str, float]) -> float:
        reply = Reply("", tokens=listed)
        letters = asked.letter_probabilities(reply, "s")
        return ChatAnswer("", (reply,), (Reading(told, 0),), letters, has_letter_first=True).missing_mass

    assert missing(*tokens) == pytest.approx(0.92)
    assert missing(*tokens[:2]) == pytest.approx(0.95), "whether or not every letter is listed"
    assert missing(tokens[0]) == 1
    assert np.isnan(missing())


def test_what_is_as_probable_as_the_answer_becomes_less() -> None:
    from hardiness.benchmarks.category_rules import max_logit, mean_probability

    categories = sixteen()
    asked = Question("?", SIXTEEN, tuple(map(tuple, categories.values())), 1000, "published", 0)
    for shares in (np.full(16, 1 / 16), np.array([0.5, 0.5, *[0.0] * 14]), np.eye(16)[3] * 0.4 + 0.6 / 16):
        for option in np.flatnonzero(shares == shares.max()).tolist():
            logits = asked.log_probabilities(option, shares)[None]
            assert max_logit(logits, categories).tolist() == [option]
            assert mean_probability(logits, categories).tolist() == [option]
    untied = asked.log_probabilities(0, np.array([0.6, 0.4, *[0.0] * 14]))
    assert np.exp(untied[list(asked.classes[1])]) == pytest.approx(0.4)


def test_every_rule_of_decision_reads_the_answer_off_what_stands_for_logits() -> None:
    from hardiness.benchmarks.category_rules import max_logit, mean_probability

    categories = sixteen()
    asked = Question("?", SIXTEEN, tuple(map(tuple, categories.values())), 1000, "published", 0)
    logits = np.stack([asked.log_probabilities(place) for place in range(16)])
    assert max_logit(logits, categories).tolist() == list(range(16))
    assert mean_probability(logits, categories).tolist() == list(range(16))
    shares = np.random.default_rng(0).dirichlet(np.ones(16), 16)
    logits = np.stack([asked.log_probabilities(0, row) for row in shares])
    assert mean_probability(logits, categories).tolist() == shares.argmax(1).tolist()
    assert np.isfinite(logits).all()


def test_the_data_file_holds_what_the_paper_says() -> None:
    found = json.loads((files("hardiness.reference") / "closed_questions.json").read_text())
    assert found["prompts"]["cue-conflict"]["texture"] == "Identify the primary texture in the image."
    assert len(found["reading"]) == 6
    assert found["letters"] == "".join(map(chr, range(65, 91)))
