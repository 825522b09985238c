"""Nothing survives a test run, or the next run if it was killed; other runs are not touched."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_kit.testing import docker_resources, run_cleanup, servers

ROOT = Path(__file__).resolve().parents[2]
WAIT_FOR_INPUT = "input()"
START_SLEEP = """
import subprocess
sleep = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL, close_fds=False)
print(sleep.pid, flush=True)
input()
"""
START_VALKEY = """
from smart_kit.testing.durable_valkey import DurableValkey
server = DurableValkey()
server.start()
print(server._process.pid, flush=True)
input()
"""


class RunProcess:
    """Start a process with a run folder that then runs `script`."""

    def __init__(self, temporary: Path, script: str, **environment: str) -> None:
        made = "from smart_kit.testing.run_folder import temporary_run_folder\n"
        made += "with temporary_run_folder() as folder:\n"
        made += " print(folder.path, flush=True)\n exec(" + repr(script) + ")"
        self.process = subprocess.Popen(
            [sys.executable, "-c", made],
            env=os.environ | {"TMPDIR": str(temporary)} | environment,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.folder = Path(self.read_line())

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> None:
        self.process.communicate("\n", timeout=60)
        assert self.process.returncode == 0

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=60)


@pytest.fixture
def temp_dir(tmp_path: Path) -> Path:
    """The folder for temporary files of these runs."""
    return tmp_path


@pytest.fixture
def running_process(temp_dir: Path) -> Iterator[RunProcess]:
    run = RunProcess(temp_dir, WAIT_FOR_INPUT)
    yield run
    run.end()


def run_to_completion(temporary: Path) -> None:
    RunProcess(temporary, "pass").end()


def has_exited(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/environ").exists(), reason="there is no other way to see whose it is"
)


def test_run_removes_its_folder_and_the_empty_parent(temp_dir: Path) -> None:
    run_to_completion(temp_dir)

    assert list(temp_dir.iterdir()) == []


def test_next_run_removes_the_folder_of_a_killed_run(temp_dir: Path) -> None:
    killed = RunProcess(temp_dir, WAIT_FOR_INPUT)
    (killed.folder / "data").mkdir(mode=0o000)
    killed.kill()
    assert killed.folder.exists()
    run_to_completion(temp_dir)

    assert list(temp_dir.iterdir()) == []


def test_live_run_is_not_touched(temp_dir: Path) -> None:
    living = RunProcess(temp_dir, START_SLEEP)
    sleep = int(living.read_line())
    run_to_completion(temp_dir)

    assert living.folder.exists()
    assert not has_exited(sleep)
    os.kill(sleep, signal.SIGKILL)
    living.end()


@needs_proc
@pytest.mark.parametrize("script", [START_SLEEP, START_VALKEY], ids=["program", "server"])
def test_next_run_ends_processes_of_a_killed_run(temp_dir: Path, script: str) -> None:
    killed = RunProcess(temp_dir, script)
    left = int(killed.read_line())
    killed.kill()
    assert not has_exited(left)
    run_to_completion(temp_dir)

    assert has_exited(left)
    assert list(temp_dir.iterdir()) == []


def test_shell_in_the_folder_of_a_killed_run_survives(temp_dir: Path) -> None:
    killed = RunProcess(temp_dir, WAIT_FOR_INPUT)
    with subprocess.Popen(["sleep", "60"], cwd=killed.folder) as sleep:
        killed.kill()
        run_to_completion(temp_dir)
        try:
            assert sleep.poll() is None
        finally:
            sleep.kill()


def test_folder_is_retained_on_request_until_removed(temp_dir: Path) -> None:
    run = RunProcess(temp_dir, WAIT_FOR_INPUT, KEEP_TEST_FILES="1")
    (run.folder / "evidence").touch()
    run.end()
    run_to_completion(temp_dir)

    assert (run.folder / "evidence").exists()


def test_killed_run_is_removed_despite_the_retain_variable(temp_dir: Path) -> None:
    killed = RunProcess(temp_dir, WAIT_FOR_INPUT, KEEP_TEST_FILES="1")
    killed.kill()
    run_to_completion(temp_dir)

    assert not killed.folder.exists()


def test_child_process_does_not_inherit_the_lock(temp_dir: Path) -> None:
    """A child that inherited the lock would hold it after the death of the run."""
    killed = RunProcess(temp_dir, START_SLEEP)
    sleep = int(killed.read_line())
    killed.kill()
    run_to_completion(temp_dir)
    is_left = killed.folder.exists()
    if not has_exited(sleep):
        os.kill(sleep, signal.SIGKILL)

    assert not is_left


def test_link_in_place_of_the_parent_folder_is_refused(
    temp_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (temp_dir / f"smart-assistant-tests-{os.geteuid()}").symlink_to(elsewhere)
    tried = subprocess.run(
        [
            sys.executable,
            "-c",
            "from smart_kit.testing.run_folder import RunFolder as R; R.create()",
        ],
        env=os.environ | {"TMPDIR": str(temp_dir)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "is not a folder of this user" in tried.stderr
    assert list(elsewhere.iterdir()) == []


def test_other_users_can_traverse_but_not_list_the_folder(
    temp_dir: Path, running_process: RunProcess
) -> None:
    for folder in (running_process.folder, running_process.folder.parent):
        assert folder.stat().st_mode & 0o777 == 0o711


TESTS = """
import tempfile
from pathlib import Path

def note(name, folder):
    Path(__file__).with_name(name).write_text(str(folder))

def test_one(tmp_path):
    note("one", tempfile.mkdtemp())

def test_two(tmp_path):
    note("two", tmp_path)
    raise AssertionError
"""


def test_pytest_and_its_workers_share_one_removed_folder(
    temp_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = tmp_path_factory.mktemp("project")
    (project / "test_it.py").write_text(TESTS)
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "smart_kit.testing.plugin"),
            *("-p", "xdist.plugin", "-n1"),
            *(f"--rootdir={project}", "-c", os.devnull, project),
        ],
        env=os.environ
        | {"TMPDIR": str(temp_dir), "PYTHONPATH": str(ROOT)}
        | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # the others cost seconds and no file
        cwd=project,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert "1 failed, 1 passed" in ran.stdout, ran.stdout
    noted = [Path((project / name).read_text()) for name in ("one", "two")]
    (_, run, _), (_, of_tmp_path, folder, *_) = (path.relative_to(temp_dir).parts for path in noted)
    assert (of_tmp_path, folder) == (run, "pytest")
    assert list(temp_dir.iterdir()) == []


def test_sigterm_cleans_up_as_ctrl_c_does(
    temp_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    project = tmp_path_factory.mktemp("project")
    wait = "import signal\n\ndef test_it():\n    print('started', flush=True)\n    signal.pause()\n"
    (project / "test_it.py").write_text(wait)
    command = (
        *(sys.executable, "-m", "pytest", "-s", "-p", "smart_kit.testing.plugin"),
        *(f"--rootdir={project}", "-c", os.devnull, project),
    )
    environ = os.environ | {"TMPDIR": str(temp_dir), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as run:
        assert run.stdout is not None
        assert any("started" in line for line in run.stdout)
        run.terminate()
        output = run.stdout.read()

    assert run.returncode == pytest.ExitCode.INTERRUPTED, output
    assert list(temp_dir.iterdir()) == []


def test_copied_programs_are_executable_despite_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "programs" / "bin"
    folder.mkdir(parents=True, mode=0o700)
    for name, mode in (("postgres", 0o700), ("share", 0o600)):
        (folder / name).touch()
        (folder / name).chmod(mode)
    servers.make_world_readable(folder.parent)

    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.parent.rglob("*")}
    assert modes == {"bin": 0o755, "postgres": 0o755, "share": 0o644}


FAKE_DOCKER = """\
#!{python}
import sys
with open({calls!r}, "a") as calls:
    print(*sys.argv[1:], file=calls)
if "ls" in sys.argv:
    print("id-of-" + sys.argv[1])
"""


def test_docker_resources_of_a_killed_run_are_removed(temp_dir: Path) -> None:
    program, calls = temp_dir / "programs" / "docker", temp_dir / "calls"
    program.parent.mkdir()
    program.write_text(FAKE_DOCKER.format(python=sys.executable, calls=str(calls)))
    program.chmod(0o755)
    killed = RunProcess(temp_dir, WAIT_FOR_INPUT)
    docker_resources.mark_docker_used(killed.folder)
    killed.kill()
    RunProcess(temp_dir, "pass", PATH=f"{program.parent}:{os.environ['PATH']}").end()

    commands = calls.read_text().splitlines()
    beginning = f"sa-test-{killed.folder.name}-"
    assert f"container ls --all --quiet --filter name=^{beginning}" in commands
    named = "--format {{.Repository}}:{{.Tag}} --filter reference="
    assert f"image ls {named}{beginning}*" in commands
    assert "container rm --force -v id-of-container" in commands
    assert "volume rm id-of-volume" in commands
    assert "image rm id-of-image" in commands  # not by force: that takes its other names away too
    assert not killed.folder.exists()


def test_run_folder_stays_while_docker_fails(temp_dir: Path) -> None:
    program = temp_dir / "programs" / "docker"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)
    killed = RunProcess(temp_dir, WAIT_FOR_INPUT)
    docker_resources.mark_docker_used(killed.folder)
    killed.kill()
    RunProcess(temp_dir, "pass", PATH=f"{program.parent}:{os.environ['PATH']}").end()
    assert killed.folder.exists()


def test_file_among_the_run_folders_is_ignored(temp_dir: Path, running_process: RunProcess) -> None:
    (running_process.folder.parent / ".DS_Store").touch()
    run_to_completion(temp_dir)
    assert running_process.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_folder_of_another_user_is_not_a_suite(tmp_path: Path) -> None:
    """PostgreSQL's user could place a link there to another user's files."""
    for name in ("ours", "theirs"):
        (tmp_path / name / "run").mkdir(parents=True)
        (tmp_path / name / "run" / "supervisor.lock").touch()
        (tmp_path / name / "postgres").symlink_to(tmp_path)
    os.chown(tmp_path / "theirs", 1234, 1234)
    assert run_cleanup.find_leftover_suites(tmp_path) == [tmp_path / "ours"]
