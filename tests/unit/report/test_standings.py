"""Who is ahead of whom: every pair that a claim names was told apart, whatever the others are."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from hardiness.report.standings import Lead, Standing


def standing(models: str, *leads: str) -> Standing:
    return Standing(tuple(models), {(pair[0], pair[1]): Lead(0.1) for pair in leads})


@pytest.mark.parametrize(
    ("models", "leads", "ahead", "behind", "is_first", "is_all"),
    [
        ("ab", ["ab"], "a", "b", True, True),
        ("abc", ["ab", "ac"], "a", "bc", True, True),
        ("abc", ["ab", "ac", "bc"], "a", "bc", True, False),
        ("abc", ["ac", "bc"], "ab", "c", True, True),
        ("abcd", ["ac", "ad", "bc", "bd"], "ab", "cd", True, True),
        ("abcd", ["ac", "ad", "bc", "bd", "cd"], "ab", "cd", True, False),
        ("abcd", ["ad", "bd"], "ab", "d", False, True),
        ("abcd", ["ac", "ad", "bd"], "ab", "d", False, False),
        ("abc", ["ac"], "a", "c", False, True),
    ],
)
def test_the_claim_is_the_most_that_holds_for_all_its_pairs(
    models: str, leads: list[str], ahead: str, behind: str, is_first: bool, is_all: bool
) -> None:
    claim = standing(models, *leads).claim
    assert claim is not None
    assert ("".join(claim.ahead), "".join(claim.behind)) == (ahead, behind)
    assert (claim.is_first, claim.is_all) == (is_first, is_all)
    assert len(claim.leads) == len(ahead) * len(behind)


def test_where_nothing_is_told_apart_there_is_no_claim() -> None:
    assert standing("abc").claim is None
    assert standing("abc").alone == ""
    assert standing("a").claim is None
    assert standing("a").alone == "", "nobody is ahead of nobody"


def test_one_model_is_alone_where_it_is_told_from_every_other_one() -> None:
    assert standing("abc", "ab", "ac").alone == "a"
    assert standing("abc", "ab", "bc").alone == ""


def test_no_claim_names_a_pair_that_was_not_told_apart() -> None:
    generator = np.random.default_rng(0)
    for _ in range(500):
        models = "abcdefg"[: generator.integers(2, 8)]
        leads = {pair: Lead(0.1) for pair in combinations(models, 2) if generator.random() < generator.random()}
        claim = Standing(tuple(models), leads).claim
        assert (claim is None) == (not leads)
        if claim is not None:
            assert claim.ahead
            assert claim.behind
            named = [(better, worse) for better in claim.ahead for worse in claim.behind]
            assert all(pair in leads for pair in named)
            assert claim.is_all == (len(named) == len(leads))
