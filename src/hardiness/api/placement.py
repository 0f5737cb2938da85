"""Where and how precisely models are computed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and how precisely models are computed; each field as the option of the same name.

    Attributes:
        device: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:N``.
        precision: ``fp32``; ``bf16`` and ``fp16`` (GPU only) are faster and less exact.
        runtime: ``auto``, ``torch`` or ``openvino``.
    """

    device: str = "auto"
    precision: str = "fp32"
    runtime: str = "auto"
