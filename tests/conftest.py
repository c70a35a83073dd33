"""Shared by all tests: quiet, deterministic backends, and the place of the real data."""

import inspect
import os
import signal
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from helpers.tiny_data import make_prepared
from hypothesis import settings

import emorec
from emorec import interrupts

# Before any test module imports keras, tensorflow or matplotlib.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["MPLBACKEND"] = "Agg"

# A shell that starts the tests in the background makes them and their children ignore Ctrl-C, which
# some tests send.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A busy machine is no reason for a property to fail.
settings.register_profile("emorec", deadline=None)
settings.load_profile("emorec")


MISSING_TOOL = ("not installed", "could not import", "apt-get install")
"""Words of the reason for which a test without a program or package is skipped."""

POSIX_ONLY = ("os.mkfifo", "os.fork", "signal.SIGKILL", "import resource", "setrlimit", '"sh", ')
"""What tests may use that Windows lacks; they are skipped there."""

TINY_SETTINGS = {
    "arch": "compact",
    "image_size": 24,
    "epochs": 6,
    "batch_size": 12,
    "learning_rate": 0.05,
    "schedule": "cosine",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip tests on Windows whose code uses what it lacks."""
    if sys.platform != "win32":
        return
    for item in items:
        source = inspect.getsource(item.function) if isinstance(item, pytest.Function) else ""
        if found := next((name for name in POSIX_ONLY if name in source), None):
            item.add_marker(pytest.mark.skip(reason=f"Windows has no {found}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a test in CI that is skipped because a program or package is missing."""
    report = yield
    if report.skipped and os.environ.get("CI") and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if any(words in reason for words in MISSING_TOOL):
            report.outcome = "failed"
            report.longrepr = f"{reason}; in CI nothing may be missing"
    return report


# As in an active environment: advice names the pip that the shell finds. Tests ask for it while
# they are imported, too.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the tests' own, in child processes too."""
    folder = tmp_path_factory.mktemp("cache")
    os.environ["EMOREC_CACHE"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; its README describes it."""
    path = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"the real data sets are not in {path}")
    return path


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small prepared data set with votes, seven classes."""
    return make_prepared(tmp_path_factory.mktemp("tiny") / "data")


@pytest.fixture(scope="module")
def quick_network() -> Iterator[None]:
    """Few layers in the architecture `compact`, for tests of whatever is around the network."""
    from helpers.everything import quick_compact

    with quick_compact():
        yield


@pytest.fixture(scope="session")
def tiny_run(tiny_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of a small net really trained on `tiny_data`."""
    from helpers.everything import quick_compact

    from emorec.training.config import validated
    from emorec.training.config_groups import NO_AUGMENTATION

    settings = {**TINY_SETTINGS, "augmentation": NO_AUGMENTATION, "default_prior": 0.25}
    config = validated(settings, "the test")
    with quick_compact():
        return emorec.train(config, data=tiny_data, out=tmp_path_factory.mktemp("runs")).folder


@pytest.fixture
def own_signals(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Default handlers of the signals before a test, and those of the test runner after it."""
    monkeypatch.setattr(interrupts, "_last", None)
    before = {number: signal.getsignal(number) for number in interrupts.SIGNALS}
    for number in interrupts.SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
