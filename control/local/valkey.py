"""Valkey, a server compatible with Redis, as a private server of one STATE_DIR."""

import socket
from dataclasses import dataclass
from pathlib import Path

from control.credentials import write_private_file
from control.health import HealthStatus, unreachable_status
from control.local.process import LaunchSpec, build_database_environment

_TIMEOUT_SECONDS = 1.0
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


def check_health(port: int, password: str) -> HealthStatus:
    """Send PING as a client does."""
    commands = (("AUTH", password), ("PING",))
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT_SECONDS) as connection:
            connection.sendall(b"".join(_encode_command(*parts) for parts in commands))
            with connection.makefile("rb") as answers:
                replies = [answers.readline().decode(errors="replace").strip() for _ in commands]
    except OSError as error:
        return unreachable_status(port, error)
    return HealthStatus(
        is_healthy=replies[-1] == "+PONG", detail=next(filter(_is_error, replies), "")
    )


@dataclass(frozen=True)
class Valkey:
    """A data folder and the server on it."""

    state_dir: Path
    program: Path
    port: int
    password: str

    def prepare_launch(self) -> LaunchSpec:
        """Write the configuration, which keeps the password out of the process list."""
        folder = self.state_dir / "redis"
        folder.mkdir(mode=0o700, exist_ok=True)
        configuration = folder / "valkey.conf"
        write_private_file(
            configuration,
            _CONFIGURATION.format(
                port=self.port, folder=_quote(str(folder)), password=_quote(self.password)
            ),
        )
        command = (str(self.program), str(configuration))
        return LaunchSpec(command, build_database_environment(self.state_dir), folder)


def _encode_command(*parts: str) -> bytes:
    encoded = [part.encode() for part in parts]
    bulk = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in encoded)
    return b"*%d\r\n%s" % (len(encoded), bulk)


def _is_error(reply: str) -> bool:
    return reply.startswith("-")


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
