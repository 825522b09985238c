"""A virtual environment with mutmut and the packages of the tests."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from control import environment, requirements
from control.context import Context
from control.file_lock import FileLock
from control.installer import Installer

_PATHS_SCRIPT = """\
import json, sys, sysconfig
base = getattr(sys, "_base_executable", "") or sys.executable
print(json.dumps([base, sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]))
"""


@dataclass(frozen=True)
class MutmutVirtualenv:
    """A separate environment, so that mutmut does not change the one of the tests.

    constraints.txt gives packages of requirements-mutate.txt the same versions in both.
    """

    context: Context
    folder: Path
    lock: FileLock

    def ensure(self) -> Path:
        """Create it if it is outdated. Return its interpreter."""
        file = self.context.root / "requirements-mutate.txt"
        develop = self.context.ensure_python(develop=True)
        base, *seen = json.loads(_run_python(develop, _PATHS_SCRIPT))
        wanted = json.dumps([requirements.compute_fingerprint([file]), base, *seen])
        stamp = self.folder / "fingerprint"
        if not stamp.exists() or stamp.read_text("utf-8") != wanted:
            with self.context.terminal.step("environment of mutmut", "(once)"):
                self._create(base, file, seen)
            stamp.write_text(wanted, "utf-8")
        return self._python

    @property
    def _python(self) -> Path:
        return self.folder / "bin" / "python"

    def _create(self, base: str, file: Path, seen: list[str]) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        log = self.context.state_dir / "logs" / "install.log"
        environment.make_log_dir(log.parent)
        installer = Installer(log, self.context.environ, self.context.terminal, self.lock)
        installer.create_environment(self.folder, base, "making an environment for mutmut")
        installer.install([file], self._python, "installing mutmut")
        packages = Path(json.loads(_run_python(self._python, _PATHS_SCRIPT))[1])
        (packages / "tests.pth").write_text("".join(f"{path}\n" for path in dict.fromkeys(seen)))


def _run_python(python: Path, script: str) -> str:
    command = (python, "-c", script)
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
