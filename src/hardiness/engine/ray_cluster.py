"""A cluster of Ray, found or begun here, and how many actors it has room for."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hardiness.core.errors import ModelError, show_traceback

KNOCK_S = 10.0
"""How long a cluster may take to accept a connection."""


@dataclass(frozen=True)
class Cluster:
    """The cluster on which actors run.

    Attributes:
        address: of an existing cluster; empty for ``RAY_ADDRESS`` or, without that, a local one.
        actors: how many; ``None`` for as many as the cluster has room for.
        resources: of each actor, as Ray names them, e.g. ``{"CPU": 4, "GPU": 1}``; ``None`` for a GPU with its share of
            the cores where the cluster has GPUs, else one core.
    """

    address: str = ""
    actors: int | None = None
    resources: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Connection:
    """A cluster that answers.

    Attributes:
        ray: the module.
        slots: how many actors are started.
        resources: of each actor.
        dashboard: address of its web page; empty where it has none.
    """

    ray: Any
    slots: int
    resources: Mapping[str, float]
    dashboard: str = ""


def connect(cluster: Cluster, on_gpus: bool = True) -> Connection:
    """The cluster, begun here where there is none.

    Args:
        cluster: which, and what of it.
        on_gpus: whether its GPUs are used where nothing is said of resources.

    Raises:
        ModelError: Ray is not installed, the cluster is not there or cannot be started, or a local one lacks what an
            actor needs.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ModelError("--engine ray needs Ray; pip install 'hardiness[ray]'") from None
    address = cluster.address or os.environ.get("RAY_ADDRESS") or None
    dashboard = ""
    if not ray.is_initialized():
        try:
            _knock(address)
            context = ray.init(address=address, log_to_driver=False, include_dashboard=None if address else False)
        except Exception as error:  # noqa: BLE001  # Ray raises plain exceptions where a start times out
            show_traceback(error)
            if address:
                raise ModelError(
                    f"there is no Ray cluster at {address}: {error_line(error)}; start one with 'ray start --head', or "
                    "leave RAY_ADDRESS unset for a local one"
                ) from None
            raise ModelError(
                f"Ray cannot start on this machine: {error_line(error)}; give the same command again when the machine "
                "is less busy, end what an earlier start left with 'ray stop', or leave out --engine ray"
            ) from None
        dashboard = getattr(context, "dashboard_url", None) or ""
    there = ray.cluster_resources()
    resources = cluster.resources or _share(there, on_gpus)
    room = _room(there, resources)
    if room < 1 and not address:
        need, stock = (
            ", ".join(f"{name}={amounts.get(name, 0):g}" for name in resources) for amounts in (resources, there)
        )
        raise ModelError(f"--ray-resources {need} must fit this machine, and it has {stock}")
    return Connection(ray, cluster.actors or max(1, room), resources, dashboard)


def _knock(address: str | None) -> None:
    """Raise an error of the operating system unless somebody listens there: Ray itself would ask for minutes."""
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def error_line(error: BaseException) -> str:
    """The first line of an error of Ray."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _room(there: Mapping[str, float], resources: Mapping[str, float]) -> int:
    """How many actors a cluster has room for."""
    return min((int(there.get(name, 0) // amount) for name, amount in resources.items() if amount > 0), default=1)


def _share(there: Mapping[str, float], on_gpus: bool) -> Mapping[str, float]:
    """The usual resources of an actor: a GPU and its share of the cores, or a core where there is no GPU."""
    gpus = int(there.get("GPU", 0)) if on_gpus else 0
    return {"CPU": float(max(1, there.get("CPU", 1) // gpus)), "GPU": 1.0} if gpus else {"CPU": 1.0}
