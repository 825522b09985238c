"""A Valkey server that can be killed and restarted, and keeps acknowledged writes."""

import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from smart_kit.settings import RedisSettings
from smart_kit.testing.ports import free_port, is_listening
from smart_kit.testing.servers import (
    PASSWORD,
    build_valkey_command,
    start_process,
    wait_until_ready,
)


class DurableValkey:
    """Runs with `appendfsync always`, as the suite does. `start` starts it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._data_dir = Path(tempfile.mkdtemp(prefix="sa-vk-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> RedisSettings:
        return RedisSettings(redis_port=self.port, redis_password=SecretStr(PASSWORD))

    def start(self) -> None:
        """Start on the same port, with the stored data."""
        command = build_valkey_command(self.port, "--appendonly yes --appendfsync always")
        self._process = start_process(command, self._data_dir)
        wait_until_ready(self._process, partial(is_listening, self.port), self._data_dir)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        shutil.rmtree(self._data_dir, ignore_errors=True)
