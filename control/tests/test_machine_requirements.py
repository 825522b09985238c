"""The requirements of a machine. Each unmet one is a sentence with advice."""

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

from control import machine_requirements, memory
from control.context import Context
from control.errors import ControlError
from control.machine_requirements import GIGABYTE, REQUIRED_DISK, REQUIRED_MEMORY, MachineFacts
from control.start_messages import prepare_environment
from control.terminal import Terminal
from control.tests.conftest import ROOT
from control.tests.fake_machine import SUITABLE_MACHINE


@pytest.mark.parametrize(
    "found",
    [
        SUITABLE_MACHINE,
        replace(SUITABLE_MACHINE, python=(3, 11)),
        replace(SUITABLE_MACHINE, python=(3, 14)),
        replace(SUITABLE_MACHINE, architecture="aarch64"),
        replace(SUITABLE_MACHINE, system="Darwin", architecture="arm64", glibc=None, memory=None),
        replace(SUITABLE_MACHINE, free_disk=REQUIRED_DISK),
    ],
)
def test_requirements_of_the_readme_are_sufficient(found: MachineFacts) -> None:
    assert not list(machine_requirements.check_can_install(found, has_uv=False))
    assert not list(machine_requirements.check_can_execute(found))
    assert not list(machine_requirements.check_loopback(found))
    assert not list(machine_requirements.check_memory(found))


@pytest.mark.parametrize(
    ("found", "cause", "advice"),
    [
        (
            replace(SUITABLE_MACHINE, python=(3, 15)),
            "no wheel for Python 3.15 yet",
            "python3.14 manage.py",
        ),
        (replace(SUITABLE_MACHINE, implementation="PyPy"), "this is PyPy", "Python 3.11 to 3.14"),
        (
            replace(SUITABLE_MACHINE, implementation="free-threaded CPython"),
            "free-threaded",
            "3.11 to 3.14",
        ),
        (replace(SUITABLE_MACHINE, is_musl=True, glibc=None), "is musl", "--docker"),
        (
            replace(SUITABLE_MACHINE, glibc=(2, 17)),
            "has glibc 2.17, and some wheels need 2.28",
            "newer system",
        ),
        (
            replace(SUITABLE_MACHINE, system="Darwin", architecture="x86_64"),
            "Intel Macs",
            "--docker",
        ),
        (
            replace(SUITABLE_MACHINE, architecture="32-bit aarch64"),
            "not run on Linux 32-bit",
            "--docker",
        ),
        (replace(SUITABLE_MACHINE, system="FreeBSD"), "not run on FreeBSD x86_64", "--docker"),
        (
            replace(SUITABLE_MACHINE, has_venv=False),
            "cannot make virtual env",
            "apt install python3.13-venv",
        ),
        (
            replace(SUITABLE_MACHINE, free_disk=REQUIRED_DISK - GIGABYTE // 2),
            "1 GB free for /srv",
            "make room",
        ),
    ],
)
def test_unmet_requirement_is_reported_in_one_sentence(
    found: MachineFacts, cause: str, advice: str
) -> None:
    with pytest.raises(ControlError) as caught:
        machine_requirements.raise_first_unmet(
            machine_requirements.check_can_install(found, has_uv=False)
        )
    sentence = str(caught.value)
    assert cause in sentence
    assert advice in sentence
    assert "\n" not in sentence


def test_uv_makes_environments_without_venv_and_ensurepip() -> None:
    assert not list(
        machine_requirements.check_can_install(
            replace(SUITABLE_MACHINE, has_venv=False), has_uv=True
        )
    )


def test_noexec_folder_is_reported() -> None:
    with pytest.raises(ControlError, match="has no entry in the system's list, which PostgreSQL"):
        machine_requirements.raise_first_unmet(
            machine_requirements.check_can_execute(replace(SUITABLE_MACHINE, user=""))
        )
    with pytest.raises(ControlError, match=r"^/srv/assistant is on a file system mounted noexec.*"):
        machine_requirements.raise_first_unmet(
            machine_requirements.check_can_execute(replace(SUITABLE_MACHINE, is_noexec=True))
        )


def test_broken_loopback_is_reported_with_the_systems_reason() -> None:
    found = replace(SUITABLE_MACHINE, loopback_error="Network is unreachable")
    with pytest.raises(
        ControlError, match=r"127\.0\.0\.1 fail here \(Network is.*ip link set lo up"
    ):
        machine_requirements.raise_first_unmet(machine_requirements.check_loopback(found))


def test_too_little_memory_is_a_warning_at_the_start(
    home: Path, terminal: Terminal, output: io.StringIO
) -> None:
    small = replace(SUITABLE_MACHINE, memory=GIGABYTE // 2)
    context = Context(
        home, home / "manage.py", {"STATE_DIR": "state"}, terminal, inspect_machine=lambda _: small
    )
    prepare_environment(context, "local")
    assert "! 0.5 GB of memory and swap together: add" in output.getvalue()


def test_server_sold_with_1_gb_has_enough_memory() -> None:
    assert not list(
        machine_requirements.check_memory(replace(SUITABLE_MACHINE, memory=920 * 1024**2))
    )


def test_facts_of_this_machine_can_be_found(tmp_path: Path) -> None:
    found = MachineFacts.inspect(tmp_path)
    assert found.free_disk > 0
    assert found.folder == tmp_path


def test_readme_has_the_same_numbers() -> None:
    text = " ".join((ROOT / "README.md").read_text("utf-8").split())
    requirements = text[text.index("**Requirements.**") :]
    oldest, newest = (
        machine_requirements.format_version(machine_requirements.MIN_PYTHON),
        machine_requirements.format_version(machine_requirements.MAX_PYTHON),
    )
    assert f"Python {oldest} to {newest}" in requirements
    assert (
        f"glibc {machine_requirements.format_version(machine_requirements.MIN_GLIBC)}"
        in requirements
    )
    assert f"{machine_requirements.format_gigabytes(REQUIRED_MEMORY)} of memory" in requirements
    assert f"{machine_requirements.format_gigabytes(REQUIRED_DISK)} of disk" in requirements


def test_manage_py_requires_the_same_python() -> None:
    required = re.search(r"sys\.version_info < \((\d+), (\d+)\)", (ROOT / "manage.py").read_text())
    assert required
    assert tuple(map(int, required.groups())) == machine_requirements.MIN_PYTHON


@pytest.fixture
def memory_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the files of the kernel."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "cgroup")
    return tmp_path


def measure_memory(folder: Path, membership: str, **limits: str) -> int | None:
    """Return the memory with 4 GB of RAM, 2 GB of swap and these limits; `__` in a name is a
    slash."""
    (folder / "proc" / "self").mkdir(parents=True)
    (folder / "proc" / "meminfo").write_text(
        f"MemTotal: {4 * 1024**2} kB\nSwapTotal: {2 * 1024**2} kB\n"
    )
    (folder / "proc" / "self" / "cgroup").write_text(membership)
    for name, value in limits.items():
        file = folder / "cgroup" / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{value}\n")
    return memory.get_total_bytes()


@pytest.mark.parametrize(
    ("membership", "limits", "gigabytes"),
    [
        ("0::/\n", {}, 6),
        ("0::/a/b\n", {"a__b__memory.max": "max", "a__memory.max": str(GIGABYTE)}, 3),
        ("0::/a\n", {"a__memory.max": str(GIGABYTE), "a__memory.swap.max": "0"}, 1),
        ("0::/../elsewhere\n", {"memory.max": str(GIGABYTE), "memory.swap.max": "0"}, 1),
        ("4:memory:/docker/x\n", {"memory__memory.limit_in_bytes": str(GIGABYTE)}, 3),
        (
            "4:memory:/docker/x\n0::/\n",
            {
                "memory__docker__x__memory.limit_in_bytes": str(GIGABYTE),
                "memory__docker__x__memory.memsw.limit_in_bytes": str(2 * GIGABYTE),
            },
            2,
        ),
        ("4:memory:/\n", {"memory__memory.limit_in_bytes": "9223372036854771712"}, 6),
    ],
)
def test_memory_is_ram_and_swap_within_cgroup_limits(
    memory_files: Path, membership: str, limits: dict[str, str], gigabytes: int
) -> None:
    assert measure_memory(memory_files, membership, **limits) == gigabytes * GIGABYTE


@pytest.mark.usefixtures("memory_files")
def test_unknown_memory_gives_no_warning() -> None:
    assert memory.get_total_bytes() is None
    assert not list(machine_requirements.check_memory(replace(SUITABLE_MACHINE, memory=None)))
