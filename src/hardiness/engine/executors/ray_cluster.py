"""A Ray cluster: an existing one or a local one, and how many actors it has room for."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hardiness.core import ModelError

KNOCK_S = 10.0
"""How long a cluster may take to accept a connection."""


@dataclass(frozen=True)
class Cluster:
    """Where actors run.

    Attributes:
        address: of an existing cluster; empty for ``RAY_ADDRESS`` or, without that, a local one.
        actors: how many; ``None`` for as many as the cluster has room for.
        resources: of each actor, as Ray names them, e.g. ``{"CPU": 4, "GPU": 1}``.
    """

    address: str = ""
    actors: int | None = None
    resources: Mapping[str, float] = field(default_factory=lambda: {"CPU": 1.0})


@dataclass(frozen=True)
class Connection:
    """A cluster that answers.

    Attributes:
        ray: the module.
        slots: how many actors are started.
        dashboard: address of its web page; empty where it has none.
    """

    ray: Any
    slots: int
    dashboard: str = ""


def connect(cluster: Cluster) -> Connection:
    """The cluster, begun here where there is none.

    Raises:
        ModelError: Ray is not installed, the cluster is not there, or a local one lacks what an actor needs.
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
        except (ConnectionError, RuntimeError, ValueError, TimeoutError, OSError) as error:
            raise ModelError(
                f"there is no Ray cluster at {address or 'this machine'}: {told(error)}; start one with 'ray start "
                "--head', or leave RAY_ADDRESS unset for a local one"
            ) from None
        dashboard = getattr(context, "dashboard_url", None) or ""
    room = _room(ray.cluster_resources(), cluster.resources)
    if room < 1 and not address:
        wanted = ", ".join(f"{name}={amount:g}" for name, amount in cluster.resources.items())
        raise ModelError(f"--ray-resources {wanted} must fit this machine, and it has {_told_of(ray, cluster)}")
    return Connection(ray, cluster.actors or max(1, room), dashboard)


def _knock(address: str | None) -> None:
    """Raise an error of the operating system unless somebody listens there: Ray itself would ask for minutes."""
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def told(error: BaseException) -> str:
    """The first line of an error of Ray."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _room(there: Mapping[str, float], resources: Mapping[str, float]) -> int:
    """How many actors a cluster has room for."""
    return min((int(there.get(name, 0) // amount) for name, amount in resources.items() if amount > 0), default=1)


def _told_of(ray: Any, cluster: Cluster) -> str:
    there = ray.cluster_resources()
    return ", ".join(f"{name}={there.get(name, 0):g}" for name in cluster.resources)
