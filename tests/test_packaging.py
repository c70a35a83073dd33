"""The scripts of the README and the replacement of OpenCV, with fakes of Python and pip."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import emorec

ROOT = Path(__file__).resolve().parents[1]

FAKE_PYTHON = """\
#!/bin/sh
echo "python $*" >>"$LOG"
"""

FAKE_EMOREC = """\
#!/bin/sh
echo "emorec $*"
"""

FAKE_CV2 = """\
from pathlib import Path
if not (Path(__file__).parent / "repaired").exists():
    raise ImportError({error!r})
"""

FAKE_PIP = """\
import sys
from pathlib import Path
here = Path(__file__).parents[1]
with (here / "log").open("a") as log:
    print(*sys.argv[1:], file=log)
if "install" in sys.argv and {repairs}:
    (here / "repaired").touch()
"""

NO_LIBRARY = "libGL.so.1: cannot open shared object file: No such file or directory"


def executable(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout that has only the scripts and a fake environment."""
    path = tmp_path / "check out"
    shutil.copytree(ROOT / "scripts", path / "scripts")
    (path / "pyproject.toml").write_text("")
    executable(path / ".venv" / "bin" / "python", FAKE_PYTHON)
    executable(path / ".venv" / "bin" / "emorec", FAKE_EMOREC)
    executable(tmp_path / "bin" / "python3", FAKE_PYTHON)
    return path


def run_script(
    checkout: Path, name: str, *arguments: str, path: str = "", **environment: str
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run a script from another folder; return its result and its calls of Python."""
    scratch = checkout.parent
    log = scratch / "log"
    log.unlink(missing_ok=True)
    done = subprocess.run(
        [checkout / "scripts" / name, *arguments],
        cwd=scratch,
        env={"PATH": path or f"{scratch / 'bin'}:/usr/bin:/bin", "LOG": str(log), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    calls = log.read_text().splitlines() if log.exists() else []
    return done, [call for call in calls if not call.startswith("python -c")]


def test_demo_installs_once_and_runs_detect_on_the_photo(checkout: Path):
    done, calls = run_script(checkout, "demo", "--quick")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"emorec detect {checkout}/examples/astronaut.jpg --quick\n"
    assert calls == [
        f"python -m venv {checkout}/.venv",
        "python -m pip --version",
        f"python {checkout}/scripts/_install.py base",
        f"python {checkout}/scripts/_opencv.py",
    ]
    again, calls = run_script(checkout, "demo")
    assert again.stdout == f"emorec detect {checkout}/examples/astronaut.jpg\n"
    assert again.stderr == ""
    assert calls == []


def test_test_installs_the_dev_extra_once_and_passes_arguments_on(checkout: Path):
    _, calls = run_script(checkout, "test", "-k", "a b")
    assert calls[-3:] == [
        f"python {checkout}/scripts/_install.py dev",
        f"python {checkout}/scripts/_opencv.py",
        "python -m pytest -n 2 --dist worksteal -k a b",
    ]
    assert run_script(checkout, "test")[1] == ["python -m pytest -n 2 --dist worksteal"]
    # dev includes all that demo needs
    assert run_script(checkout, "demo")[1] == []


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        ((), "python -m mkdocs build --strict"),
        (("--quiet",), "python -m mkdocs build --strict --quiet"),
        (("serve", "-o"), "python -m mkdocs serve --strict -o"),
    ],
)
def test_docs_builds_or_serves_the_site(checkout: Path, arguments: tuple[str, ...], call: str):
    assert run_script(checkout, "docs", *arguments)[1][-1] == call


STEPS = [
    *("installation", "jax", "torch", "format", "lint", "types", "CLI docs", "site", "tests"),
    *("OpenCV 5", "OpenVINO", "wheel"),
]


@pytest.fixture
def check_checkout(checkout: Path) -> Path:
    """A checkout whose step of OpenVINO, which makes an environment, does nothing."""
    executable(checkout / "scripts" / "check_openvino", "#!/bin/sh\n")
    return checkout


def durations(stdout: str) -> list[str]:
    """Return the steps in the table at the end of scripts/check."""
    table = stdout.partition("== durations\n")[2].removesuffix("== all passed\n")
    rows = [re.fullmatch(r" *\d+ s  (.+)", line) for line in table.splitlines()]
    return [row[1] for row in rows if row]


def test_check_prints_how_long_each_step_takes(check_checkout: Path):
    done, calls = run_script(check_checkout, "check")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "== all passed"), done.stderr
    assert durations(done.stdout) == STEPS
    assert "python -m pytest -n 2 --dist worksteal -m not long --durations=25" in calls


def test_check_goes_on_after_a_failed_step_and_names_it(check_checkout: Path):
    failing = FAKE_PYTHON + 'case "$*" in "-m mypy"* | "-m pytest"*) exit 1 ;; esac\n'
    executable(check_checkout / ".venv" / "bin" / "python", failing)
    done, _ = run_script(check_checkout, "check")
    assert (done.returncode, done.stderr.splitlines()[-1]) == (
        1,
        "scripts/check: failed: types, tests",
    )
    assert durations(done.stdout) == STEPS


def test_another_pyproject_or_place_installs_again(checkout: Path):
    run_script(checkout, "demo")
    (checkout / "pyproject.toml").write_text("[project]\n")
    assert f"python {checkout}/scripts/_install.py base" in run_script(checkout, "demo")[1]
    assert run_script(checkout, "demo")[1] == []
    moved = checkout.rename(checkout.with_name("moved"))
    assert f"python {moved}/scripts/_install.py base" in run_script(moved, "demo")[1]


def test_a_failed_install_is_repeated(checkout: Path):
    failing = FAKE_PYTHON + 'case "$*" in *_install.py*) exit 1 ;; esac\n'
    executable(checkout / ".venv" / "bin" / "python", failing)
    done, _ = run_script(checkout, "demo")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "scripts/demo: pip could not install emorec" in done.stderr
    executable(checkout / ".venv" / "bin" / "python", FAKE_PYTHON)
    assert f"python {checkout}/scripts/_install.py base" in run_script(checkout, "demo")[1]


def test_an_active_environment_gets_packages_and_nothing_else(checkout: Path):
    active = checkout.parent / "active"
    executable(active / "bin" / "python", FAKE_PYTHON)
    executable(active / "bin" / "emorec", FAKE_EMOREC)
    before = sorted(active.rglob("*"))
    for _ in range(2):
        done, calls = run_script(checkout, "demo", VIRTUAL_ENV=str(active))
        assert done.stdout.startswith("emorec detect")
        assert calls == [
            f"python {checkout}/scripts/_install.py base",
            f"python {checkout}/scripts/_opencv.py --check",
        ]
    assert sorted(active.rglob("*")) == before


@pytest.mark.parametrize(
    ("script", "versions"), [("demo", "3.11 or later"), ("test", "3.11 to 3.13")]
)
def test_without_a_supported_python_there_is_one_clear_line(
    checkout: Path, script: str, versions: str
):
    tools = checkout.parent / "tools"
    tools.mkdir()
    for name in ("sh", "dirname", "basename", "cat", "cksum"):
        found = shutil.which(name)
        assert found
        (tools / name).symlink_to(found)
    executable(tools / "python3", "#!/bin/sh\nexit 1\n")
    shutil.rmtree(checkout / ".venv")
    done, _ = run_script(checkout, script, path=str(tools))
    assert done.returncode == 1
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"scripts/{script}: no Python {versions} on PATH")


def run_opencv(
    tmp_path: Path, *arguments: str, error: str = NO_LIBRARY, repairs: bool = True
) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run _opencv.py where `import cv2` fails; return its result and its calls of pip."""
    (tmp_path / "cv2.py").write_text(FAKE_CV2.format(error=error))
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__init__.py").touch()
    (tmp_path / "pip" / "__main__.py").write_text(FAKE_PIP.format(repairs=repairs))
    described = tmp_path / "opencv_python-4.99.1.dist-info"
    described.mkdir()
    (described / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: opencv-python\nVersion: 4.99.1\n"
    )
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "_opencv.py", *arguments],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    log = tmp_path / "log"
    return done, log.read_text().splitlines() if log.exists() else []


def test_a_working_opencv_is_kept(tmp_path: Path):
    (tmp_path / "repaired").touch()
    done, calls = run_opencv(tmp_path)
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", [])


@pytest.mark.parametrize(
    "error",
    [NO_LIBRARY, "Error loading shared library libGL.so.1: No such file or directory"],
)
def test_opencv_without_its_libraries_is_replaced(tmp_path: Path, error: str):
    done, calls = run_opencv(tmp_path, error=error)
    assert done.returncode == 0, done.stderr
    pip = f"--python {sys.executable} -qq --disable-pip-version-check"
    assert calls == [
        f"{pip} uninstall --yes opencv-python opencv-python-headless",
        f"{pip} install --no-deps opencv-python-headless==4.99.1",
    ]
    assert f"{error}: using opencv-python-headless 4.99.1 instead" in done.stderr


def test_check_prints_both_fixes_and_changes_nothing(tmp_path: Path):
    done, calls = run_opencv(tmp_path, "--check")
    assert done.returncode == 1
    assert calls == []
    (line,) = done.stderr.splitlines()
    assert NO_LIBRARY in line
    assert "apt-get install libgl1" in line
    assert "-m pip install opencv-python-headless==4.99.1" in line


def test_other_errors_of_opencv_are_only_reported(tmp_path: Path):
    done, calls = run_opencv(tmp_path, error="numpy is broken")
    assert (done.returncode, calls) == (1, [])
    assert done.stderr.splitlines() == [
        f"import cv2 fails in {sys.executable}: ImportError: numpy is broken"
    ]


def test_a_replacement_that_does_not_help_is_reported(tmp_path: Path):
    done, calls = run_opencv(tmp_path, repairs=False)
    assert done.returncode == 1
    assert len(calls) == 2
    assert "with opencv-python-headless too" in done.stderr


def test_the_base_install_stays_small():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {line.split(">")[0].split("<")[0] for line in project["dependencies"]}
    assert names == {
        *("click", "filelock", "numpy", "onnxruntime", "opencv-python", "packaging", "rich"),
        "pympi-ling",  # pure Python, without requirements
    }
    assert project["requires-python"] == ">=3.11"
    assert {"emorec[ray]", "emorec[train]"} <= set(project["optional-dependencies"]["dev"])


def test_changelog_and_citation_name_this_version_and_its_date():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    heading = f"## {emorec.__version__} ({citation['date-released']})"
    assert heading in (ROOT / "CHANGELOG.md").read_text("utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert citation["version"] == emorec.__version__
    assert citation["license"] == project["license"]
    assert citation["keywords"] == project["keywords"]
    assert [author["name"] for author in citation["authors"]] == [
        author["name"] for author in project["authors"]
    ]


@pytest.mark.parametrize(
    ("installed", "packages"),
    [
        ((), "chromium ffmpeg"),
        (("chromium",), "ffmpeg"),
        (("ffmpeg",), "chromium"),
        (("chromium", "ffmpeg"), None),
    ],
)
def test_ci_installs_the_programs_that_tests_need(
    tmp_path: Path, installed: tuple[str, ...], packages: str | None
):
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("bash", "dirname", "mktemp", "rm"):
        (programs / name).symlink_to(str(shutil.which(name)))
    for name in installed:
        executable(programs / name, "#!/bin/sh\n")
    executable(programs / "apt-get", f'#!/bin/sh\necho "$@" >>{tmp_path}/apt.log\n')
    (tmp_path / "scripts").mkdir()
    executable(tmp_path / "scripts" / "check", '#!/bin/sh\necho "CI is $CI"\n')
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    done = subprocess.run(
        [tmp_path / ".ci" / "run"],
        env={"PATH": str(programs), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "CI is true\n", "")
    log = tmp_path / "apt.log"
    expected = f"update -q\ninstall -q -y --no-install-recommends {packages}\n"
    assert (log.read_text() if log.exists() else None) == (packages and expected)


@pytest.mark.parametrize(
    "name", ["scripts/demo", "scripts/test", "scripts/check", "scripts/docs", ".ci/run"]
)
def test_scripts_can_be_run(name: str):
    assert os.access(ROOT / name, os.X_OK)


def test_every_bundled_image_has_a_credit():
    credits_text = (ROOT / "examples" / "CREDITS.md").read_text()
    images = [path.name for path in (ROOT / "examples").glob("*.jpg")]
    images = [name for name in images if "-emotions" not in name]
    assert "astronaut.jpg" in images
    for name in images:
        assert f"| {name} |" in credits_text
