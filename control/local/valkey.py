"""Valkey, a server compatible with Redis, as a private server of one STATE_DIR."""

import socket
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
# 8 items in each node of a list: growing nodes of the default size, 8 kB, fragment the memory
list-max-listpack-size 8
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
            with connection.makefile("rb") as responses:
                replies = [responses.readline().decode(errors="replace").strip() for _ in commands]
    except OSError as error:
        return unreachable_status(port, error)
    errors = [reply for reply in replies if reply.startswith("-")]
    return HealthStatus(replies[-1] == "+PONG", errors[0] if errors else "")


def prepare_launch(state_dir: Path, program: Path, port: int, password: str) -> LaunchSpec:
    """Write the configuration, which keeps the password out of the process list."""
    folder = state_dir / "redis"
    folder.mkdir(mode=0o700, exist_ok=True)
    text = _CONFIGURATION.format(port=port, folder=_quote(str(folder)), password=_quote(password))
    write_private_file(folder / "valkey.conf", text)
    command = (str(program), str(folder / "valkey.conf"))
    return LaunchSpec(command, build_database_environment(state_dir), folder)


def _encode_command(*parts: str) -> bytes:
    encoded = [part.encode() for part in parts]
    bulk = b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in encoded)
    return b"*%d\r\n%s" % (len(encoded), bulk)


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
