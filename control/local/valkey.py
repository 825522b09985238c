"""Valkey, which speaks Redis, as a private server of one state folder."""

import socket
from dataclasses import dataclass
from pathlib import Path

from control.credentials import write_private
from control.health import Health, unanswered
from control.local.process import Launch, database_environment

_PATIENCE = 1.0
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {folder}
requirepass {password}
appendonly yes
# every acknowledged write is on the disk: 'everysec' loses some at a kill -9
appendfsync always
maxmemory-policy noeviction
save ""
daemonize no
log-timestamp-format iso8601
"""


def health(port: int, password: str) -> Health:
    """Say PING as a client would."""
    words = (("AUTH", password), ("PING",))
    try:
        with socket.create_connection(("127.0.0.1", port), _PATIENCE) as connection:
            connection.sendall(b"".join(_command(*parts) for parts in words))
            with connection.makefile("rb") as answers:
                replies = [answers.readline().decode(errors="replace").strip() for _ in words]
    except OSError as error:
        return unanswered(port, error)
    return Health(ok=replies[-1] == "+PONG", detail=next(filter(_is_error, replies), ""))


@dataclass(frozen=True)
class Valkey:
    """A data folder and the server on it."""

    state_dir: Path
    program: Path
    port: int
    password: str

    def launch(self) -> Launch:
        """Write its configuration: a password has no place in a list of processes."""
        folder = self.state_dir / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        configuration = folder / "valkey.conf"
        write_private(
            configuration,
            _CONFIGURATION.format(
                port=self.port, folder=_quoted(str(folder)), password=_quoted(self.password)
            ),
        )
        command = (str(self.program), str(configuration))
        return Launch(command, database_environment(self.state_dir), folder)


def _command(*parts: str) -> bytes:
    encoded = [part.encode() for part in parts]
    bulk = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in encoded)
    return b"*%d\r\n%s" % (len(encoded), bulk)


def _is_error(reply: str) -> bool:
    return reply.startswith("-")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
