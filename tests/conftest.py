"""Fixtures that every test may use; which tests ``make test`` leaves out, what may be skipped, how much was asserted.

Without ``HARDINESS_DATA`` the photographs are those inside installed packages, laid out as ImageNet is. Only tests that
need golden pictures or cue-conflict stimuli are skipped then; under ``CI`` they fail instead.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import no_compiling_line  # noqa: F401  # in this process too
import pytest
from _pytest.assertion import rewrite
from hypothesis import settings

from hardiness.core.errors import DataError
from hardiness.core.process import usable_cores
from hardiness.data.root import locate
from hardiness.distortions.frost_pictures import locate_frost
from hardiness.imaging.compiled import kernel_folder

BESIDE = {
    *("golden_corruptions", "golden_small_pictures", "golden_c_bar", "golden_perturbations"),
    *("small_pictures_data", "stimuli", "latex"),
}
"""Fixtures that give what lies beside a clone, and nothing where it does not."""

PHOTOGRAPHS, ANY_PHOTOGRAPH_WILL_DO = {"data_root", "photographs"}, ("e2e", "faults")
"""Fixtures that give photographs beside a clone, or else those of packages; and the folders whose tests have nothing to
gain from other ones."""

THOROUGH, NOT_THOROUGH = ("browser", "e2e", "scale"), ("test_every_benchmark.py", "test_resume.py")
"""Folders of which every test is marked ``thorough``, but for those of these files: one run of every benchmark, and
runs that are killed and continued; faults that are marked ``slow`` are thorough too, as they wait."""

MAY_BE_SKIPPED = {
    "golden pictures of other people's code": r"HARDINESS_DATA must name a data root with golden/",
    "stimuli": r"HARDINESS_DATA must name a data root with cue-conflict",
    "answers of published networks": r"HARDINESS_DATA must name a data root with cifar10",
    "a GPU": r"no GPU here",
    "LaTeX": r"no LaTeX",
}
"""What a clone may lack, and how the reason begins that a test gives which is skipped for want of it."""

ASSERTIONS, WRONG = pytest.StashKey[int](), pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option by which ``make test`` holds skips down."""
    parser.addoption(
        "--most-skips",
        type=int,
        metavar="N",
        help="fail where more than N tests are skipped, or one for want of something else than "
        + ", ".join(MAY_BE_SKIPPED),
    )


def pytest_configure(config: pytest.Config) -> None:
    """Draws the number that random moments start from, which the workers of pytest-xdist inherit."""
    config.stash[ASSERTIONS] = 0
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # `make test &` in a script; processes of tests inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.pop("COLUMNS", None)  # pytest-xdist gives its workers a terminal of 80 columns
    if count := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
        # Before torch is loaded: threads of several processes on one core spend their time waiting for each other.
        os.environ.setdefault("OMP_NUM_THREADS", str(max(1, usable_cores() // int(count))))
    kernel_folder()  # it is named in the environment, so that processes with another home compile nothing again
    os.environ.setdefault("HARDINESS_KILL_SEED", str(secrets.randbits(32)))
    settings.register_profile("usual", deadline=None)  # no test depends on how busy the machine is
    settings.register_profile("soak", max_examples=1000, deadline=None, print_blob=True)
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "usual"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what draws something anew each time (moments of kills, hypothesis' examples), and the halves of CI."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if "moments" in fixtures or hasattr(getattr(item, "obj", None), "hypothesis"):
            item.add_marker("soak")
        folder = item.path.relative_to(Path(__file__).parent).parts[0]
        if fixtures & BESIDE or (fixtures & PHOTOGRAPHS and folder not in ANY_PHOTOGRAPH_WILL_DO):
            item.add_marker("beside")
        waits = folder == "faults" and item.get_closest_marker("slow")
        if waits or (folder in THOROUGH and item.path.name not in NOT_THOROUGH):
            item.add_marker("thorough")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Counts the assertions of a test and its fixtures that hold."""

    def held() -> bool:
        item.config.stash[ASSERTIONS] += 1
        return False

    with pytest.MonkeyPatch.context() as patch:
        # pytest asks this after each assertion that held. Its public hook is called only once an explanation is
        # written, which takes a quarter of a second for the bytes of a file.
        patch.setattr(rewrite, "_check_if_assertion_pass_impl", held)
        return (yield)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Adds what a worker of pytest-xdist has counted."""
    node.config.stash[ASSERTIONS] += getattr(node, "workeroutput", {}).get("assertions", 0)


def too_many_skips(most: int, reasons: list[str]) -> list[str]:
    """What is wrong with these reasons of tests that were skipped, a line each; none where there are few and good."""
    found = [
        f"a test was skipped, and not for want of {', '.join(MAY_BE_SKIPPED)}: {reason.removeprefix('Skipped: ')}"
        for reason in sorted(set(reasons))
        if not any(re.search(known, reason) for known in MAY_BE_SKIPPED.values())
    ]
    if len(reasons) > most:
        found.append(f"{len(reasons)} tests were skipped, and at most {most} may be")
    return found


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Hands on how much was asserted, and fails a session that skipped too much."""
    config = session.config
    if hasattr(config, "workeroutput"):
        config.workeroutput["assertions"] = config.stash[ASSERTIONS]
        return
    terminal, most = config.pluginmanager.get_plugin("terminalreporter"), config.getoption("--most-skips")
    if terminal is None or most is None:
        return
    reasons = [str(report.longrepr[-1]) for report in terminal.stats.get("skipped", ())]
    wrong = too_many_skips(most, reasons)
    config.stash[WRONG] = wrong
    if wrong and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says how much was asserted, and which skips were too many."""
    terminalreporter.write_line(f"{config.stash[ASSERTIONS]:,} assertions held")
    for line in config.stash.get(WRONG, []):
        terminalreporter.write_line(line, red=True)


def pytest_report_header() -> str:
    """Says it, so that a failure can be repeated."""
    return f"HARDINESS_KILL_SEED={os.environ['HARDINESS_KILL_SEED']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    """Turns a skip into a failure where ``CI`` is set; what the platform decides (``skipif``) may be left out."""
    report = yield
    left_out = report.skipped and not hasattr(report, "wasxfail") and not item.get_closest_marker("skipif")
    if left_out and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which is a failure under CI: {report.longrepr[-1]}"
    return report


def given_root() -> Path | None:
    """The data root that HARDINESS_DATA names, or ``None`` where it is not set; a wrong one fails the test."""
    given = os.environ.get("HARDINESS_DATA", "")
    if not given:
        return None
    if not Path(given, "imagenet", "val").is_dir():
        pytest.fail(f"HARDINESS_DATA must name a data root with imagenet/val, was {given!r}", pytrace=False)
    return Path(given)


@pytest.fixture(scope="session")
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with ``imagenet/val``: HARDINESS_DATA, or the photographs of installed packages laid out that way."""
    given = given_root()
    if given is not None:
        return given
    try:
        dataset = locate(["embedded"]).dataset("imagenet")
    except DataError as error:
        pytest.skip(str(error))
    root = tmp_path_factory.mktemp("embedded")
    for item in dataset.items:
        wnid, _, stem = item.id.partition("/")
        folder = root / "imagenet" / "val" / wnid
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{stem}.JPEG").symlink_to(item.file.path)
    return root


@pytest.fixture(scope="session")
def photographs(data_root: Path) -> list[Path]:
    """The JPEGs below ``imagenet/val``, sorted."""
    return sorted((data_root / "imagenet" / "val").rglob("*.JPEG"))


def _folder_of_data(name: str) -> Path:
    root = given_root()
    if root is None or not (root / name).is_dir():
        pytest.skip(f"HARDINESS_DATA must name a data root with {name}, was {os.environ.get('HARDINESS_DATA', '')!r}")
    return root / name


@pytest.fixture(scope="session")
def golden_corruptions() -> Path:
    """Pictures that the published ImageNet-C generator made."""
    return _folder_of_data("golden/imagenet-c")


@pytest.fixture(scope="session")
def golden_small_pictures() -> list[Path]:
    """Archives of pictures that the published CIFAR-10-C generator made."""
    return sorted(_folder_of_data("golden/cifar10-c").glob("*.npz"))


@pytest.fixture(scope="session")
def small_pictures_data() -> Path:
    """Test pictures of CIFAR-10, networks, and answers of published ones."""
    return _folder_of_data("cifar10")


@pytest.fixture(scope="session")
def resnet_cifar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of networks for CIFAR-10 that a page of the documentation has."""
    page = (Path(__file__).parents[1] / "docs" / "small_pictures.md").read_text("utf-8")
    (code,) = re.findall(r'^```python title="resnet_cifar.py"\n(.*?)^```$', page, re.MULTILINE | re.DOTALL)
    file = tmp_path_factory.mktemp("networks") / "resnet_cifar.py"
    file.write_text(code, "utf-8")
    return file


@pytest.fixture(scope="session")
def golden_c_bar() -> Path:
    """Pictures that the published ImageNet-C-bar generator made."""
    return _folder_of_data("golden/imagenet-c-bar")


@pytest.fixture(scope="session")
def golden_perturbations() -> Path:
    """Frames that the published ImageNet-P rules made."""
    return _folder_of_data("golden/imagenet-p")


@pytest.fixture(scope="session")
def stimuli() -> Path:
    """The folder of the published cue-conflict stimuli."""
    return _folder_of_data("cue-conflict")


@pytest.fixture(scope="session")
def latex() -> str:
    """A program that compiles LaTeX; either one will do."""
    found = next(filter(None, map(shutil.which, ("pdflatex", "latex"))), None)
    if found is None:
        pytest.skip("no LaTeX: apt-get install texlive-latex-recommended")
    return found


@pytest.fixture(scope="session")
def frost_pictures() -> Path:
    """The folder of the frost pictures; without a package that carries them the test is skipped."""
    try:
        return locate_frost(0).parent
    except DataError as error:
        pytest.skip(str(error))


PRELOADED = [
    "no_compiling_line",
    "pytest",
    "numba",
    "matplotlib.figure",
    "fontTools.subset",
    "torch.fx.experimental.symbolic_shapes",
    "timm",
]
"""What nearly every process of a test imports, for eight seconds; and the whole of the command line."""

IN_A_FORK = """
import os, runpy, sys
os.chdir(folder)
os.environ.clear()
os.environ.update(environment)
for number, file in ((1, out), (2, err)):
    os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), number)
is_module = arguments[0] == "-m"
beside = folder if is_module else os.path.dirname(os.path.abspath(arguments[0]))
sys.path[:0] = [beside, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
sys.argv = arguments[is_module:]
if is_module:
    runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
else:
    runpy.run_path(arguments[0], run_name="__main__")
"""


@dataclass(frozen=True)
class WarmProcess:
    """As much of `subprocess.Popen` as tests ask for, of a process whose imports are made already."""

    process: Any
    files: tuple[Path, Path]

    @property
    def pid(self) -> int:
        return int(self.process.pid)

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode  # type: ignore[no-any-return]

    def poll(self) -> int | None:
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def wait(self, timeout: float | None = None) -> int:
        self.process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.process.name, timeout or 0)
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it wrote to standard output and standard error, once it has ended."""
        self.wait(timeout)
        out, err = (file.read_text("utf-8", "surrogateescape") for file in self.files)
        return out, err


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., WarmProcess]:
    """Starts ``python ARGUMENTS`` in a process of its own, forked from one that has imported the command line.

    A process that starts from nothing imports for eight seconds. The arguments are a script, or ``-m`` and a module.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*PRELOADED, "hardiness.api", "hardiness.cli.run"])

    def start(*arguments: Any, cwd: Any = None, env: Mapping[str, str] | None = None) -> WarmProcess:
        folder = tmp_path_factory.mktemp("process")
        files = (folder / "out", folder / "err")
        given = {
            "arguments": [os.fspath(each) for each in arguments],
            "folder": os.fspath(cwd or Path.cwd()),
            "environment": dict(os.environ if env is None else env),
            "out": str(files[0]),
            "err": str(files[1]),
        }
        process = context.Process(target=exec, args=(IN_A_FORK, given), name=" ".join(map(str, arguments)))
        process.start()
        return WarmProcess(process, files)

    return start
