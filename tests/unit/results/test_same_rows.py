"""Runs under two names whose rows are the same: benchmarks with a canvas of their own take no picture size."""

from __future__ import annotations

from dataclasses import replace

from hardiness.core.model import View
from hardiness.core.run import BenchmarkIdentity, InputIdentity, ModelIdentity, Run
from hardiness.results.same_rows import same_run, twins_of

FIXED, OWN = InputIdentity("fixed", "224 px as it is"), InputIdentity("view", "as it is")


def run(name: str = "a", view: View | None = None, canvas: InputIdentity = FIXED, weights: str = "w" * 64) -> Run:
    model = ModelIdentity(name, weights, view or View())
    return Run(model, BenchmarkIdentity("imagenet-c", "corruption", "hendrycks2019"), input=canvas)


SMALL = View(resize_px=160, crop_px=160)


def test_a_picture_size_changes_nothing_on_a_canvas_of_the_benchmarks_own() -> None:
    pair = [run(), run(view=SMALL)]
    assert len(twins_of(pair)) == 1
    assert same_run(*pair, "b").arguments["sized_by"] == "imagenet-c"
    assert twins_of([run(canvas=OWN), run(view=SMALL, canvas=OWN)]) == {}


def test_what_was_stated_of_the_view_is_no_other_option() -> None:
    stated = replace(run(view=SMALL), model=replace(run(view=SMALL).model, options={"crop_px": 160}))
    assert len(twins_of([run(), stated])) == 1
    other = replace(stated, model=replace(stated.model, options={"crop_px": 160, "classes": 7}))
    assert twins_of([run(), other]) == {}


def test_what_changes_pictures_makes_another_run() -> None:
    assert twins_of([run(), run(view=replace(View(), mean=(0.5,) * 3, std=(0.5,) * 3))]) == {}
    assert twins_of([run(), run(canvas=InputIdentity("fixed", "fed 160 px"))]) == {}
    assert twins_of([run(), replace(run(view=SMALL), precision="fp16")]) == {}
    assert twins_of([run(), replace(run(view=SMALL), seed=1)]) == {}


def test_one_model_under_two_names_is_one_run_whichever_canvas() -> None:
    pair = [run("a", canvas=OWN), run("b", canvas=OWN)]
    assert len(twins_of(pair)) == 1
    assert same_run(*pair, "b").arguments["sized_by"] == ""
    assert twins_of([run("a", weights=""), run("b", weights="")]) == {}, "without a hash nothing says so"


def test_one_run_stands_for_the_others_whatever_their_order() -> None:
    runs = [run(), run(view=SMALL), run("b", View(resize_px=300, crop_px=300))]
    first = min(runs, key=lambda each: each.key)
    for order in (runs, runs[::-1]):
        twins = twins_of(order)
        assert set(twins.values()) == {order.index(first)}
        assert len(twins) == 2
