"""Conditions, views, records, results and generators."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest

from hardiness.core.condition import Condition
from hardiness.core.errors import ArgumentError
from hardiness.core.fact import CheckOutcome, Fact, Trust, too_few
from hardiness.core.model import View
from hardiness.core.random import rng
from hardiness.core.result import Counts, Result, Score
from hardiness.core.run import Run
from hardiness.core.table import Failure, Records
from hardiness.statistics.spreads.combined import TwoEnds


def test_condition_is_a_hashable_mapping_of_any_keys() -> None:
    one = Condition(severity=3, corruption="fog", weather="wet")
    assert dict(one) == {"corruption": "fog", "severity": 3, "weather": "wet"}
    assert one == Condition(weather="wet", corruption="fog", severity=3)
    assert hash(one) == hash(Condition(weather="wet", corruption="fog", severity=3))
    assert list(one) == ["severity", "corruption", "weather"]
    assert str(Condition(corruption="fog", severity=3)) == "corruption=fog severity=3"
    assert one != Condition(severity=4, corruption="fog", weather="wet")
    assert not Condition()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"interpolation": "bicubc"}, "did you mean 'bicubic'"),
        ({"crop_px": 0}, "crop_px must be at least 1, was 0"),
        ({"std": (1.0, 0.0, 1.0)}, "std must be positive"),
        ({"mean": (0.5,)}, "mean must hold 3 numbers"),
        ({"mean": (0.5, 0.5, 0.5)}, r"View\(mean=…\) must state std= too, which else is ImageNet's; give both"),
        ({"std": 0.5}, r"View\(std=…\) must state mean= too"),
        ({"range": "0..2"}, "range cannot be '0..2'"),
        ({"channel_order": "GBR"}, "channel_order cannot be 'GBR'"),
    ],
)
def test_view_refuses_nonsense(change: dict[str, object], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        View(**change)


def test_records_concatenate_and_choose() -> None:
    first = Records({"sample": np.array(["a"]), "top5_class": np.zeros((1, 5), np.int16)}, (Failure("x", "torn"),))
    second = Records({"sample": np.array(["bb", "c"]), "top5_class": np.ones((2, 5), np.int16)})
    joined = Records.concatenate([first, Records({}, (Failure("y", "torn"),)), second])
    assert joined["sample"].tolist() == ["a", "bb", "c"]
    assert joined["top5_class"].shape == (3, 5)
    assert [failure.sample for failure in joined.failures] == ["x", "y"]
    assert joined.where(joined["sample"] == "c")["sample"].tolist() == ["c"]
    assert len(Records.concatenate([])) == 0


def test_result_finds_scores_and_names_them_when_it_cannot() -> None:
    scores = [
        Score("top1", 0.5, "fraction", 10, TwoEnds(0.5, 0.2, 0.8)),
        Score("top1", 0.4, "fraction", 10, condition=Condition(decision="1000-way")),
    ]
    result = Result("m", "b", "d", "p", scores, Counts(10, 9, 1, 9), Run(), {})
    assert result.score("top1").value == 0.5
    assert result.score("top1", decision="1000-way").value == 0.4
    with pytest.raises(KeyError, match="no score 'top5'; did you mean 'top1'"):
        result.score("top5")
    with pytest.raises(KeyError, match=r"no score 'top1' with decision=1000way; did you mean 'decision=1000-way'"):
        result.score("top1", decision="1000way")
    written = result.as_dict()
    assert written["complete"] is False
    assert written["scores"][0]["interval"] == [0.2, 0.8]
    assert written["scores"][0]["condition"] == {}


def test_generator_depends_on_all_of_its_key_and_on_nothing_else() -> None:
    def draw(*key: object) -> float:
        return float(rng(0, *key).random())

    assert draw("fog", 3, "a/b") == draw("fog", 3, "a/b")
    assert len({draw("fog", 3, "a/b"), draw("fog", 4, "a/b"), draw("fog", 3, "a/c"), draw("fog", "3", "a/b")}) == 4
    np.random.seed(5)  # noqa: NPY002  the global generator neither gives nor takes
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw("fog")
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_a_condition_of_another_process_is_found_among_those_of_this_one() -> None:
    """Hashes of texts differ between processes."""
    code = (
        "import pickle, sys; from hardiness.core.run import Condition; "
        "sys.stdout.buffer.write(pickle.dumps({Condition(corruption='fog', severity=2): 1}))"
    )
    known = Condition(corruption="fog", severity=2)
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        sent = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True).stdout
        found = pickle.loads(sent)  # made in the line above
        assert found[known] == 1
        assert known in set(found)


def test_a_result_says_why_numbers_have_no_interval_or_no_value() -> None:
    few, bins = too_few((10, "errors"), (10, "right answers"), had=(2,)), too_few((100, "images"), had=(10,))
    scores = [
        Score("top1", 0.5, "fraction", 10, TwoEnds(0.5, 0.2, 0.8)),
        Score("aurra", 0.5, "fraction", 10, lack=few),
        Score("nll", 0.5, "nats", 10, condition=Condition(decision="1000-way"), lack=few),
        Score("rms_calibration_error", None, "fraction", 10, lack=bins),
    ]
    result = Result("m", "b", "d", "p", scores, Counts(10, 10, 0, 10), Run(), {})
    said = [f"without interval, {few}: aurra, nll [decision=1000-way]", f"undefined, {bins}: rms_calibration_error"]
    assert [line.strip() for line in repr(result).splitlines()[-2:]] == said
    assert result.view().notes == tuple(said)


def test_a_result_says_why_its_number_is_withdrawn() -> None:
    """A notebook showed the word beside each number, and never the reason."""
    findings = [
        Fact("package.steps", {"before": 0.5}, outcome=CheckOutcome.CLEAR),
        Fact("package.square", {"took": 3, "of": "<b>"}, outcome=CheckOutcome.RAISED),
        Fact("package.verdict", {"falls": "a & b"}, trust=Trust.WITHDRAWN),
    ]
    scores = [Score("accuracy", 0.5, "fraction", 10, condition=Condition(epsilon=0.1))]
    result = Result("m", "b", "d", "p", scores, Counts(10, 10, 0, 10), Run(), {}, findings=findings)
    assert repr(result).splitlines()[-2:] == [
        "  ! package.square (took 3, of <b>)",
        "  ! package.verdict: withdrawn (falls a & b)",
    ]
    html = result._repr_html_()
    assert "<p>package.square (took 3, of &lt;b&gt;)</p>" in html
    assert "<p>package.verdict: withdrawn (falls a &amp; b)</p>" in html
    assert "package.steps" not in html
