"""OpenVINO without its telemetry."""

from __future__ import annotations

import sys
from typing import Any

_REPORTER = "openvino_telemetry"


def silent_openvino() -> Any:
    """The module ``openvino``, which in this process reports nothing to anybody and writes no identifier.

    Its converter posts a model's operators, with an identifier that it keeps in the user's home, through the package
    ``openvino_telemetry``, and does without where that package cannot be imported; so here it cannot. Nothing outside
    the process is changed. Where somebody has imported it before, its reporter is replaced by one that does nothing.
    """
    loaded = sys.modules.get(_REPORTER)
    if loaded is None:
        sys.modules[_REPORTER] = None  # type: ignore[assignment]  # Python's own mark for what cannot be imported
    else:
        for name in ("send_event", "send_error", "send_stack_trace", "start_session", "end_session", "force_shutdown"):
            setattr(loaded.Telemetry, name, _nothing)
    import openvino

    return openvino


def _nothing(*_: Any, **__: Any) -> None:
    return None
