"""Listing models must be free."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("torch", "torchvision", "timm", "openvino", "onnxruntime", "transformers", "safetensors")


def test_listing_all_models_loads_no_framework() -> None:
    code = (
        "import sys, hardiness.models as m\n"
        "m.resolve('resnext101_32x48d_wsl:weights=random,crop_px=288')\n"
        "assert len(m.known_names()) > 10\n"
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
