"""A cluster of Ray, found or begun here."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hardiness.core.errors import ModelError, show_traceback

KNOCK_S = 10.0
"""How long a cluster may take to accept a connection."""


@dataclass(frozen=True)
class Cluster:
    """The cluster on which units are evaluated.

    Attributes:
        address: of an existing cluster; empty for ``RAY_ADDRESS`` or, without that, a local one.
        actors: how many processes evaluate at a time; ``None`` for as many as the cluster has room for.
        resources: of each process, as Ray names them, e.g. ``{"CPU": 4, "GPU": 1}``; ``None`` for a GPU with its share
            of the cores where the cluster has GPUs, else one core.
    """

    address: str = ""
    actors: int | None = None
    resources: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Connection:
    """A cluster that answers.

    Attributes:
        ray: the module.
        resources: of each task.
        dashboard: address of its web page; empty where it has none.
    """

    ray: Any
    resources: Mapping[str, float]
    dashboard: str = ""

    @property
    def needs(self) -> str:
        """The resources of a task, as a person types them."""
        return ", ".join(f"{name}={amount:g}" for name, amount in self.resources.items())


def connect(cluster: Cluster, on_gpus: bool = True) -> Connection:
    """The cluster, begun here where there is none.

    Args:
        cluster: which, and what of it.
        on_gpus: whether its GPUs are used where nothing is said of resources.

    Raises:
        ModelError: Ray is not installed, the cluster is not there or cannot be started, or a local one lacks what a
            task needs.
    """
    try:
        import ray
    except ModuleNotFoundError:
        raise ModelError("--engine ray needs Ray; pip install 'hardiness[ray]'") from None
    address = cluster.address or os.environ.get("RAY_ADDRESS") or None
    dashboard = ""
    if not ray.is_initialized():
        on_sigterm = signal.getsignal(signal.SIGTERM)
        try:
            _knock(address)
            context = ray.init(address=address, log_to_driver=False, include_dashboard=None if address else False)
            with suppress(ValueError):  # of another thread than the main one, where Ray leaves it too
                signal.signal(signal.SIGTERM, on_sigterm)  # Ray's own would end us without a word
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
    connection = Connection(ray, cluster.resources or _share(there, on_gpus), dashboard)
    if not address and any(there.get(name, 0) < amount for name, amount in connection.resources.items()):
        stock = ", ".join(f"{name}={there.get(name, 0):g}" for name in connection.resources)
        raise ModelError(f"--ray-resources {connection.needs} must fit this machine, and it has {stock}")
    return connection


def _knock(address: str | None) -> None:
    """Raise an error of the operating system unless somebody listens there: Ray itself would ask for minutes."""
    host, _, port = (address or "").rpartition("/")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK_S).close()


def error_line(error: BaseException) -> str:
    """The first line of an error of Ray."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0] if lines else type(error).__name__


def _share(there: Mapping[str, float], on_gpus: bool) -> Mapping[str, float]:
    """The usual resources of a task: a GPU and its share of the cores, or a core where there is no GPU."""
    gpus = int(there.get("GPU", 0)) if on_gpus else 0
    return {"CPU": float(max(1, there.get("CPU", 1) // gpus)), "GPU": 1.0} if gpus else {"CPU": 1.0}
