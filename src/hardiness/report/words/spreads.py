"""The kinds of spread, in words for evidence files."""

from __future__ import annotations

from collections.abc import Mapping

_CLOPPER_PEARSON = "Clopper & Pearson (1934), doi:10.1093/biomet/26.4.404"
_KORN_GRAUBARD = "Korn & Graubard (1998), Survey Methodology 24, 193-201"
_NEWCOMBE = "Newcombe (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I, method 10"
_SKEW = "Hall (1992), doi:10.1111/j.2517-6161.1992.tb01872.x"
_TANGO = "Tango (1998), doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B"
_WILSON = "Wilson (1927), doi:10.1080/01621459.1927.10502953"

DEFINITIONS: Mapping[str, tuple[str, str]] = {
    "among": (
        "The spread of one of several numbers that are read together: each has a share of what may miss.",
        "Bonferroni, of equal shares; Holm (1979).",
    ),
    "area": (
        "An area under the receiver operating curve, of which few images of a kind tell.",
        "Newcombe (2006), doi:10.1002/sim.2324, method 5; Hanley & McNeil (1982), doi:10.1148/radiology.143.1.7063747.",
    ),
    "bounded mean": (
        "A mean over images of values in a range, as a share of as many independent answers as would vary as much.",
        f"{_WILSON}; {_KORN_GRAUBARD}.",
    ),
    "clustered share": (
        "A share of images that come in clusters, as of so many independent ones as would vary as much.",
        f"{_KORN_GRAUBARD}.",
    ),
    "combined": (
        "The outermost ends of several spreads of one number, cut to a range: it holds wherever one of them does.",
        "",
    ),
    "difference": (
        'A difference with an exact test of "there is none", whose interval holds 0 where the test does not refuse.',
        "",
    ),
    "ends": (
        "Two ends at 95 % of which nothing else is known: each side reaches as far at other levels as a normal's does.",
        "",
    ),
    "exact share": (
        "A share of images with the exact interval, which never holds too seldom.",
        f"{_CLOPPER_PEARSON}.",
    ),
    "exact sides": (
        "A mean difference that few images decide, from exact intervals of what either side is ahead by: where no "
        "image differs it still reaches as far as a share that was not seen.",
        f"{_CLOPPER_PEARSON}; {_NEWCOMBE}.",
    ),
    "exactly bounded mean": (
        "A bounded mean among many, with the exact interval of as many answers: Wilson's tails are short there.",
        f"{_CLOPPER_PEARSON}; {_KORN_GRAUBARD}.",
    ),
    "gamma": (
        "How far above its value a weighted sum of rare errors reaches.",
        "Tiwari, Clegg & Zou (2006), doi:10.1177/0962280206070621.",
    ),
    "lowest": (
        "The lowest of several shares, each of images of its own, as the recalls of classes are.",
        'Berger (1982), doi:10.1080/00401706.1982.10487790, for "each is"; Bonferroni for "one is".',
    ),
    "mean": (
        "A mean or sum that nothing bounds: Student's t, with and without skew.",
        f"Student (1908); {_SKEW}.",
    ),
    "mean of cells": (
        "A mean over several cells, on which rules decide by two tests, of which the one that tells less counts.",
        "",
    ),
    "mean without skew": (
        "A difference between slices: Student's t after the skew is removed.",
        f"{_SKEW}.",
    ),
    "paired shares": (
        "A difference of two shares of the same images: Tango's score interval, and its test.",
        f"{_TANGO}.",
    ),
    "paired shares at every look": (
        "A difference of two shares of the same images while these come in; exact for any number of them.",
        "",
    ),
    "scaled": ("A fixed number plus so many times a number that has a spread.", ""),
    "share": (
        "A share of images: Wilson's interval, reaching to the exact one where few count or few do not; rules are "
        "exact.",
        f"{_WILSON}; {_CLOPPER_PEARSON}.",
    ),
    "share at a stop": ("A share of images of a run that stopped as soon as it was exact enough.", ""),
    "share at every look": ("A share of images while they come in; exact for any number of them.", ""),
    "sides": (
        "A mean difference that few images decide, from Wilson's intervals of what either side is ahead by.",
        f"{_NEWCOMBE}.",
    ),
    "sum": (
        "A number that errs in independent ways: either end is off by the root of the sum of all squares.",
        f"{_NEWCOMBE}, of a difference; Zou & Donner (2008), doi:10.1002/sim.3095.",
    ),
    "sum at every look": ("A weighted sum of cell means while images come in.", ""),
    "unseen": (
        "How far a mean of bounded values reaches with the images at either end that chance left out.",
        "",
    ),
    "unseen difference": (
        "How far a mean difference reaches with images at either end of the range, of which chance showed none.",
        "Hanley & Lippman-Hand (1983), doi:10.1001/jama.1983.03330370053031.",
    ),
    "wilson": ("A share of images with Wilson's interval, as a part of a difference.", f"{_WILSON}."),
}
"""By the name of each kind its definition, and where the method is from; empty where it is our own."""
