"""The table of what each benchmark asks for: pictures, passes, gigabytes and time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hardiness import benchmarks
from hardiness.api.progress import in_unit
from hardiness.benchmarks.sizes import benchmark_size
from hardiness.core.result import TextTable
from hardiness.reference.rates import machine_rates

_NOTES = (
    "pictures: blank where they are your own, or nobody says how many there are",
    "passes: pictures that one model is shown, as run --plan counts them; those of an attack, which ends where it "
    "succeeds, depend on the model, and the plan tries some",
    "data: GB of the download, where somebody states it; unpacked, a set takes about as much once more",
)


def size_table(names: Sequence[str] = ()) -> TextTable:
    """A row for each benchmark, all of them where none are named: its size, and the time it takes on two machines.

    Raises:
        UnknownNameError: no benchmark has that name.
        ArgumentError: an option of a benchmark is unknown or has an impossible value.
    """
    machines = machine_rates()
    rows = []
    for size in map(benchmark_size, names or benchmarks.registry.names()):
        counts = (f"{count:,}" if count else "" for count in (size.pictures, size.conditions, size.passes))
        data = " or ".join(_with_gb(size.needed)) + "".join(f" and {each}" for each in _with_gb(size.beside))
        is_timed = size.passes and not size.side_px
        times = (
            " · ".join(in_unit(size.passes / rate) for rate in machine.rates.values()) if is_timed else ""
            for machine in machines
        )
        rows.append((size.name, *counts, data, *times))
    networks = f"times: {' · '.join(machines[0].rates)}, from passes and a rate only"
    return TextTable(
        "sizes of whole benchmarks",
        ("benchmark", "pictures", "conditions", "passes", "data, GB", *(machine.title for machine in machines)),
        tuple(rows),
        notes=(*_NOTES, networks, *(f"{machine.title}: {machine.what}" for machine in machines)),
    )


def _with_gb(sets: Mapping[str, float | None]) -> list[str]:
    return [f"{name} {gb:.2g}" if gb else name for name, gb in sets.items()]
