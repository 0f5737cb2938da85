"""Laws that every registered benchmark keeps."""

import dataclasses
import pickle

import numpy as np
import pytest

from hardiness.benchmarks.card import cards
from hardiness.benchmarks.options import describe, parse, registry
from hardiness.benchmarks.suites import Suite, suite
from hardiness.core.benchmark import Benchmark
from hardiness.data.root import locate

BENCHMARKS = registry.names()


@pytest.mark.parametrize("name", BENCHMARKS)
class TestBenchmark:
    def test_is_a_final_frozen_dataclass_that_says_what_it_is(self, name: str) -> None:
        benchmark = registry.get(name)
        assert issubclass(benchmark, Benchmark)
        assert dataclasses.is_dataclass(benchmark)
        assert benchmark.__dataclass_params__.frozen
        assert getattr(benchmark, "__final__", False)
        assert benchmark.name == name
        assert "Source:" in (benchmark.__doc__ or "")
        assert benchmark.question.endswith("?")
        assert benchmark.paper
        assert benchmark.protocol
        assert benchmark.needs
        assert benchmark.card in cards

    def test_every_option_has_a_default_and_a_help_text(self, name: str) -> None:
        for option, default, text in describe(registry.get(name)):
            assert default is not None, option
            assert text, option

    def test_another_process_can_have_it(self, name: str) -> None:
        benchmark = parse(name)
        assert pickle.loads(pickle.dumps(benchmark)) == benchmark

    def test_conditions_are_distinct_and_the_request_is_among_them(self, name: str) -> None:
        benchmark = parse(name)
        assert len(set(benchmark.conditions())) == len(benchmark.conditions())
        assert set(benchmark.requested()) <= set(benchmark.conditions())

    def test_decides_row_by_row(self, name: str) -> None:
        generator = np.random.default_rng(0)
        logits = generator.normal(size=(7, 1000)).astype(np.float32)
        labels = generator.integers(0, 1000, 7).astype(np.int32)
        together = parse(name).decide(logits, labels)
        for row in range(7):
            alone = parse(name).decide(logits[row : row + 1], labels[row : row + 1])
            for column, values in together.items():
                np.testing.assert_array_equal(values[row], alone[column][0], err_msg=column)


@pytest.mark.parametrize("name", Suite.names())
def test_suites_name_benchmarks_that_exist(name: str) -> None:
    for row in suite(name).rows:
        assert parse(row.benchmark).name == row.benchmark.partition(":")[0]


def test_every_benchmark_is_in_the_paper_suite_or_in_the_modern_one_and_the_demo_shows_two_of_the_paper() -> None:
    held = {name: {row.benchmark.partition(":")[0] for row in suite(name).rows} for name in Suite.names()}
    own = {name for name in BENCHMARKS if name == "own" or name.startswith("own-")}
    assert held["own"] == {"own", "own-c", "shift-consistency", "whitebox"}, "the others are asked for by name"
    by_name = {"apgd-fab-square", "cifar10.1-v4"}  # for few classes, and another draw of a set of the suite
    assert held["paper"] | held["modern"] | held["cifar"] | own | by_name == set(BENCHMARKS)
    assert held["demo"] == {"imagenet-val", "imagenet-c"} <= held["paper"]
    root = locate(suite("demo").data)
    assert not any(parse(row.benchmark).lacks(root) for row in suite("demo").rows), "nothing of it is skipped"
