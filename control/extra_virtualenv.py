"""Virtual environments beside `.venv`, for tools whose packages must not be installed there.

Either the tool would change packages of the tests (mutmut), or it needs other versions of them (the
bare bot of `bench`).
"""

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
class ExtraVirtualenv:
    """A virtual environment that is created once, and again if what it is made from changes."""

    tool: str
    """The tool that needs it, as the operator reads it."""
    requirements_file: str
    """The pinned packages, in the folder of the repository."""
    sees_test_packages: bool = False
    """Whether its programs can import the packages of the tests, too. constraints.txt then gives
    packages that are in both the same version."""

    def ensure(self, context: Context, folder: Path, lock: FileLock) -> Path:
        """Create it in a folder if it is missing or outdated. Return its interpreter."""
        file, python = context.root / self.requirements_file, folder / "bin" / "python"
        base, *packages = _find_paths(context.ensure_python(develop=True))
        test_packages = packages if self.sees_test_packages else []
        wanted = json.dumps([requirements.compute_fingerprint([file]), base, *test_packages])
        stamp = folder / "fingerprint"
        if stamp.exists() and stamp.read_text("utf-8") == wanted:
            return python
        with context.terminal.step(f"environment of {self.tool}", "(once)"):
            shutil.rmtree(folder, ignore_errors=True)
            log = context.state_dir / "logs" / "install.log"
            environment.make_log_dir(log.parent)
            installer = Installer(log, context.environ, context.terminal, lock)
            installer.create_environment(folder, base, f"making an environment for {self.tool}")
            installer.install([file], python, f"installing {self.tool}")
            if test_packages:
                lines = (f"{path}\n" for path in dict.fromkeys(test_packages))
                Path(_find_paths(python)[1], "tests.pth").write_text("".join(lines))
        stamp.write_text(wanted, "utf-8")
        return python


def _find_paths(python: Path) -> list[str]:
    command = (python, "-c", _PATHS_SCRIPT)
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    paths: list[str] = json.loads(result.stdout)
    return paths
