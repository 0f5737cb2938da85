"""Which of the eight musts Ray meets by its own means: what `docs/decisions/ray.md` says of them.

Where one of these fails with a newer Ray, code of our own in `hardiness.engine` may go.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

UNITS = tuple(f"unit-{number}" for number in range(6))
POISON = "unit-2"
"""The unit with the picture that kills its process."""

RETRIES = 2
"""After as many more tries as that a unit is given up."""


def evaluate(folder: Path, unit: str) -> str:
    """What a worker does: it says who is at the unit, and dies of one picture."""
    with (folder / unit).open("a") as stream:
        stream.write(f"{os.getpid()}\n")
    if unit == POISON:
        os._exit(1)
    return unit


def tries(folder: Path, unit: str) -> list[str]:
    """The processes that were at a unit, in turn."""
    return (folder / unit).read_text().split() if (folder / unit).exists() else []


def hold(folder: Path, name: str) -> None:
    """Work for a minute; where it is interrupted, what is finished is stored."""
    file = folder / name
    try:
        file.write_text("begun\n")
        for _ in range(1200):
            time.sleep(0.05)
    except KeyboardInterrupt:
        file.write_text("begun\nstored\n")


def wait_until(is_true: Callable[[], object], seconds: float = 240) -> None:
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end
        time.sleep(0.1)


class Actor:
    """A model that is loaded once, and evaluates units."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def evaluate(self, unit: str) -> tuple[str, int]:
        return evaluate(self.folder, unit), os.getpid()

    def hold(self, name: str) -> None:
        hold(self.folder, name)

    def pid(self) -> int:
        return os.getpid()

    def gpus(self) -> list[Any]:
        return list(ray.get_gpu_ids())


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Two cores, and a GPU as Ray counts them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_DEDUP_LOGS", "0")
        patch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
        ray.init(num_cpus=2, num_gpus=1, log_to_driver=False, include_dashboard=False)
        ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
        yield
        ray.shutdown()


def outcomes(calls: dict[Any, str], timeout: float = 120) -> dict[str, str]:
    """By unit the name of the error that it ended with; empty where it was evaluated."""
    ends = {}
    for call, unit in calls.items():
        try:
            ray.get(call, timeout=timeout)
            ends[unit] = ""
        except ray.exceptions.RayError as error:
            ends[unit] = type(error).__name__
    return ends


def test_tasks_do_units_of_killed_processes_and_name_the_one_that_kills(cluster: None, tmp_path: Path) -> None:
    task = ray.remote(evaluate).options(max_retries=RETRIES)
    ends = outcomes({task.remote(tmp_path, unit): unit for unit in UNITS})
    assert ends == {**dict.fromkeys(UNITS, ""), POISON: "WorkerCrashedError"}
    assert len(set(tries(tmp_path, POISON))) == 1 + RETRIES, "each try in another process"
    assert {len(tries(tmp_path, unit)) for unit in UNITS if unit != POISON} == {1}


@pytest.mark.parametrize(("options", "processes"), [({}, 3), ({"max_calls": 0}, 1)], ids=["as usual", "asked for"])
def test_tasks_on_a_gpu_have_a_process_each_unless_they_are_asked_to_share_it(
    cluster: None, tmp_path: Path, options: dict[str, int], processes: int
) -> None:
    """A model that a process keeps is loaded anew for each unit, or once; no option says so of the model itself."""
    task = ray.remote(num_gpus=1, **options)(evaluate)
    units = UNITS[3:]
    outcomes({task.remote(tmp_path, unit): unit for unit in units})
    assert len({process for unit in units for process in tries(tmp_path, unit)}) == processes


def test_an_actor_loads_its_model_once_and_several_share_a_gpu(cluster: None, tmp_path: Path) -> None:
    kind = ray.remote(Actor).options(num_cpus=0.5, num_gpus=0.5)
    actors = [kind.remote(tmp_path) for _ in range(2)]
    processes = {ray.get(actor.evaluate.remote(unit), timeout=120)[1] for actor in actors for unit in UNITS[:2]}
    assert len(processes) == 2
    assert ray.get([actor.gpus.remote() for actor in actors]) == [[0], [0]]
    for actor in actors:
        ray.kill(actor)


def test_the_units_of_an_actor_wait_until_it_is_restarted_while_others_are_idle(cluster: None, tmp_path: Path) -> None:
    """Now and then Ray blames others of its units for the one that kills it: of those nothing is asserted."""
    kind = ray.remote(Actor).options(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)
    busy, idle = kind.remote(tmp_path), kind.remote(tmp_path)
    other = str(ray.get(idle.pid.remote(), timeout=120))
    ends = outcomes({busy.evaluate.remote(unit): unit for unit in ("unit-0", POISON, "unit-1", *UNITS[3:])})
    assert ends[POISON]
    assert len(set(tries(tmp_path, POISON))) == 1 + RETRIES
    assert not any(other in tries(tmp_path, unit) for unit in UNITS)
    for actor in (busy, idle):
        ray.kill(actor)


def test_a_pool_of_actors_gives_a_unit_to_the_same_actor_again_and_its_error_names_no_unit(
    cluster: None, tmp_path: Path
) -> None:
    from ray.util import ActorPool

    kind = ray.remote(Actor).options(num_cpus=1, max_restarts=-1, max_task_retries=RETRIES)
    actors = [kind.remote(tmp_path) for _ in range(2)]
    processes = [str(pid) for pid in ray.get([actor.pid.remote() for actor in actors], timeout=120)]
    pool, done = ActorPool(actors), []
    for unit in (POISON, "unit-0", "unit-1"):
        pool.submit(lambda actor, name: actor.evaluate.remote(name), unit)

    def take_all() -> None:
        while pool.has_next():
            done.append(pool.get_next_unordered(timeout=120)[0])

    with pytest.raises(ray.exceptions.RayError) as error:
        take_all()
    assert POISON not in str(error.value)
    assert len(set(tries(tmp_path, POISON))) == 1 + RETRIES
    assert len(set(tries(tmp_path, POISON)) & set(processes)) == 1, "the actor that was idle meanwhile has not tried it"
    take_all()
    assert sorted(done) == ["unit-0", "unit-1"]
    for actor in actors:
        ray.kill(actor)


def test_a_task_that_is_cancelled_can_store_what_is_finished_and_a_thread_of_an_actor_is_not_told(
    cluster: None, tmp_path: Path
) -> None:
    task = ray.remote(hold).remote(tmp_path, "task")
    actor = ray.remote(Actor).options(num_cpus=1, max_concurrency=2).remote(tmp_path)
    method = actor.hold.remote("actor")
    wait_until(lambda: tries(tmp_path, "task") and tries(tmp_path, "actor"))
    for call in (task, method):
        ray.cancel(call)
    wait_until(lambda: "stored" in tries(tmp_path, "task"))
    time.sleep(2)
    assert "stored" not in tries(tmp_path, "actor")
    ray.kill(actor)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_picture_that_kills_is_tried_without_end_by_ray_data_and_rows_behind_it_wait(
    cluster: None, tmp_path: Path
) -> None:
    import ray.data

    class Batches:
        def __call__(self, batch: Any) -> Any:
            evaluate(tmp_path, str(batch["item"][0]))
            return batch

    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = ray.data.from_items(list(UNITS), override_num_blocks=len(UNITS))
    pool = rows.map_batches(Batches, batch_size=1, compute=ray.data.ActorPoolStrategy(size=1), num_cpus=1)
    done: list[str] = []

    def consume() -> None:
        with contextlib.suppress(Exception):
            done.extend(row["item"] for row in pool.iter_rows())

    threading.Thread(target=consume, daemon=True).start()
    wait_until(lambda: len(tries(tmp_path, POISON)) >= 3 + RETRIES)
    assert POISON not in done
    assert len(done) < len(UNITS) - 1
