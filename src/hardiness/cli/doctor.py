"""``hardiness doctor``."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from hardiness import models
from hardiness.cli.options import command, json_flag
from hardiness.cli.output import print_json, wide
from hardiness.core.errors import ArgumentError, HardinessError
from hardiness.core.model import View
from hardiness.core.options import option
from hardiness.core.request import Request
from hardiness.data.embedded_photographs import embedded
from hardiness.data.inventory import inventory
from hardiness.distortions.frost_pictures import locate_frost
from hardiness.imaging.codecs import decode
from hardiness.imaging.compiled import TEMPORARY, has_machine_code, kernel_folder
from hardiness.imaging.resizing import on_canvas
from hardiness.models.classifier import Classifier
from hardiness.models.frameworks import INSTALLATION, has_torch
from hardiness.models.options import split as options_of
from hardiness.models.preprocessing import to_pixels
from hardiness.models.processors import compare_with_view
from hardiness.models.whole_pictures import TAKES
from hardiness.sources.packages import cache_folder


def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


def cpu_flags() -> frozenset[str]:
    """The instructions of the processor, as Linux names them; none elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line for line in lines if line.startswith("flags")), "").split())


def memory() -> str:
    """How much memory the machine has."""
    try:
        return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1e9:.0f} GB"
    except (ValueError, OSError, AttributeError):
        return "unknown"


def writable(folder: Path) -> str:
    """Whether a folder, or the first of its parents that exists, can be written."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return "can be written" if os.access(there, os.W_OK) else "cannot be written"


def free(folder: Path) -> str:
    """Free space of the disk that a folder is on."""
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    return f"{shutil.disk_usage(there).free / 1e9:.0f} GB"


PACKAGES = (
    *("hardiness", "numpy", "torch", "torchvision", "timm", "openvino", "onnxruntime", "transformers", "pillow"),
    *("simplejpeg", "opencv-python-headless", "av", "scipy", "numba", "pyarrow"),
)

KNOWN_RIGHT = {"efficientnet_lite0": 96, "squeezenet1_1": 86}
"""How many of the 99 embedded photographs each model answers rightly, by plain fp32 torch on torchvision's crops."""

PHOTOGRAPHS = 99
GOOD, BAD, PLAIN = "ok", "wrong", ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was found: what, its value, and whether that is good, wrong, or neither."""

    what: str
    value: str
    verdict: str = PLAIN


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """Further checks beside those of the installation."""

    names: tuple[str, ...] = option("Also compare its view with its library's.", (), name="-m --model", metavar="MODEL")
    root: str | None = option(
        "Also what data sets are there; $HARDINESS_DATA if not given.", None, name="--data", metavar="ROOT"
    )
    no_test: bool = option("Leave out the self-test, which takes a minute or two.", False)
    as_json: bool = json_flag("Print it as JSON.")


@command
def doctor(options: DoctorOptions) -> int:
    """What is installed, what would run fast and what would fall back, and whether answers are right.

    Paste what it prints into a bug report. Exit status 1 where something is wrong.
    """
    sections = {
        "versions": list(_versions()),
        "machine": list(_machine()),
        "speed": list(_speed()),
        "folders": list(_folders(options.root or os.environ.get("HARDINESS_DATA"))),
    }
    if has_torch():
        names = (*KNOWN_RIGHT, "resnext101_32x8d", *options.names)
        sections["views"] = [line for name in names for line in _views(name)]
        tested = {} if options.no_test else KNOWN_RIGHT
        sections["self-test"] = [line for name, right in tested.items() for line in _test(name, right)]
    if options.as_json:
        print_json({section: {line.what: line.value for line in lines} for section, lines in sections.items()})
    else:
        _print(wide(), sections)
    return 1 if any(line.verdict == BAD for lines in sections.values() for line in lines) else 0


def _print(console: Console, sections: Mapping[str, list[Diagnosis]]) -> None:
    table = Table(show_header=False, box=None)
    for section, lines in sections.items():
        for line in lines:
            colour = {GOOD: "green", BAD: "red"}.get(line.verdict, "dim")
            table.add_row(section, escape(line.what), escape(line.value), f"[{colour}]{line.verdict}[/{colour}]")
            section = ""
    console.print(table)


def _versions() -> Iterator[Diagnosis]:
    yield Diagnosis("Python", f"{platform.python_version()} {platform.python_implementation()}")
    for name in PACKAGES:
        try:
            yield Diagnosis(name, version(name))
        except PackageNotFoundError:
            yield Diagnosis(name, "not installed")


def _machine() -> Iterator[Diagnosis]:
    yield Diagnosis("system", f"{platform.system()} {platform.release()} {platform.machine()}")
    yield Diagnosis("processor", processor())
    yield Diagnosis("cores", f"{os.cpu_count()} in all, {Request().workers} for this process")
    yield Diagnosis("memory", memory())
    if has_torch():
        yield from _torchs_devices()


def _torchs_devices() -> Iterator[Diagnosis]:
    """The threads and GPUs that torch sees."""
    import torch

    yield Diagnosis(
        "threads", f"torch {torch.get_num_threads()}, OMP_NUM_THREADS {os.environ.get('OMP_NUM_THREADS', 'unset')}"
    )
    if not torch.cuda.is_available():
        yield Diagnosis("GPU", "none that torch sees" + (" (torch without CUDA)" if torch.version.cuda is None else ""))
        return
    for index in range(torch.cuda.device_count()):
        found = torch.cuda.get_device_properties(index)
        yield Diagnosis(f"GPU {index}", f"{found.name}, {found.total_memory / 1e9:.0f} GB, CUDA {torch.version.cuda}")


def _speed() -> Iterator[Diagnosis]:
    """Parts that run fast, and parts that fall back."""
    if has_torch():
        yield from _forward_pass()
    else:
        yield Diagnosis("models", f"none can be evaluated, as torch is not installed: {INSTALLATION}")
    yield Diagnosis("JPEG", "simplejpeg" if importlib.util.find_spec("simplejpeg") else "Pillow (half as fast)")
    yield Diagnosis("kernels", _kernels())
    try:
        locate_frost(0)
        yield Diagnosis("frost pictures", "there")
    except HardinessError:
        yield Diagnosis("frost pictures", "not there: hardiness data get frost")


def _forward_pass() -> Iterator[Diagnosis]:
    """The runtimes of networks, and whether bf16 is fast."""
    import torch

    on_gpu = torch.cuda.is_available()
    openvino = importlib.util.find_spec("openvino") is not None
    yield Diagnosis("forward pass", "torch on the GPU" if on_gpu else "OpenVINO" if openvino else "plain torch (slow)")
    flags = cpu_flags()
    bf16 = "amx_bf16" in flags or "avx512_bf16" in flags
    yield Diagnosis(
        "bf16", "fast on the GPU" if on_gpu else "in hardware" if bf16 else "not in hardware: slower than fp32 by far"
    )
    yield Diagnosis("onnx: models", _onnx())


def _kernels() -> str:
    """The folder of compiled kernels, and whether a start compiles any."""
    folder = kernel_folder()
    if folder.name.startswith(TEMPORARY):
        return "compiled at each start, as no cache folder can be written to: set NUMBA_CACHE_DIR"
    return f"compiled once, and kept in {folder}" + ("" if has_machine_code() else "; none is there yet")


def _folders(root: str | None) -> Iterator[Diagnosis]:
    cache = cache_folder()
    yield Diagnosis("cache", f"{cache} ({writable(cache)}, {free(cache)} free)")
    yield Diagnosis("here", f"{Path.cwd()} ({writable(Path.cwd())}, {free(Path.cwd())} free)")
    if root is None:
        yield Diagnosis("data", "no --data given")
        return
    try:
        there = [each.published.name for each in inventory(Path(root)) if each.place is not None]
        yield Diagnosis("data", f"{root}: {', '.join(there) or 'no data set that is known'}")
    except HardinessError as error:
        yield Diagnosis("data", str(error), BAD)


def _views(name: str) -> Iterator[Diagnosis]:
    """The view of a model, and where its library says otherwise."""
    try:
        spec = models.resolve(name)
    except HardinessError as error:
        yield Diagnosis(name, str(error), BAD)
        return
    if form := dict(spec.options).get(TAKES):
        yield Diagnosis(
            name, f"has no view: it takes pictures at their own size ({TAKES}={form}) and resizes them itself"
        )
        return
    stated_here = options_of(name)[1]
    view = _plain(spec.view)
    yours = [f"{key} {view[key]}" for key, field in _FIELDS.items() if field in stated_here]
    text = f"{view['crop mode']} crop {view['crop']} of {view['resize']}, {view['filter']}"
    text += f", mean {view['mean']}, std {view['std']}"
    text += f"; you say {', '.join(yours)}" if yours else ""
    # Weights in a package are not the library's.
    of_library = None if spec.source.package else models.library_view(spec)
    if of_library is None:
        yield Diagnosis(name, f"{text}; no library states it for these weights")
        return
    library, stated = of_library.library, _plain(of_library.view)
    other = [f"{key} {stated[key]}" for key in view if stated[key] != view[key] and _FIELDS[key] not in stated_here]
    if other:
        yield Diagnosis(name, f"{text}; {library} says {', '.join(other)}", BAD)
    elif yours or of_library.apply is None:
        yield Diagnosis(name, f"{text}, {'the rest ' if yours else ''}as {library} says", GOOD)
    else:
        try:
            compare_with_view(of_library.apply, spec.view)
        except ArgumentError as error:
            yield Diagnosis(name, f"{text}, as {library} says, and not as it does: {error}", BAD)
        else:
            yield Diagnosis(name, f"{text}, as {library} says, and does with four pictures", GOOD)


_FIELDS = {
    "crop mode": "crop_mode",
    "crop": "crop_px",
    "resize": "resize_px",
    "filter": "interpolation",
    "mean": "mean",
    "std": "std",
}


def _plain(view: View) -> dict[str, Any]:
    """The part of a view that is compared."""
    fields = {key: getattr(view, field) for key, field in _FIELDS.items()}
    return {**fields, **{key: tuple(round(value, 4) for value in fields[key]) for key in ("mean", "std")}}


def _test(name: str, expected: int) -> Iterator[Diagnosis]:
    """Whether a model answers the embedded photographs as it must, and how fast."""
    try:
        photographs = embedded()
        classifier = models.load(name)
        began = time.perf_counter()
        right = sum(_answer(classifier, item.file.read(), item.file.name) == item.label for item in photographs.items)
        seconds = time.perf_counter() - began
    except HardinessError as error:
        yield Diagnosis(name, str(error))
        return
    where = f"{classifier.runtimes.name} on {classifier.device}, {seconds:.1f} s"
    text = f"{right} of {PHOTOGRAPHS} right, must be {expected}; {where}"
    yield Diagnosis(name, text, GOOD if right == expected and len(photographs) == PHOTOGRAPHS else BAD)


def _answer(classifier: Classifier, content: bytes, name: str) -> int:
    image = on_canvas(decode(content, name), classifier.spec.view.canvas)
    return int(np.argmax(classifier.logits(to_pixels([image]))[0]))


def _onnx() -> str:
    if importlib.util.find_spec("onnxruntime") is None:
        return "need onnxruntime: pip install 'hardiness[onnx]'"
    import onnxruntime

    return ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
