"""A virtual environment of mutmut, which sees the packages of the tests and changes none of them.

constraints.txt gives packages of requirements-mutate.txt the same versions in both.
"""

import json
import shutil
import subprocess
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


def ensure(context: Context, folder: Path, lock: FileLock) -> Path:
    """Create the environment if it is missing or outdated. Return its interpreter."""
    file, python = context.root / "requirements-mutate.txt", folder / "bin" / "python"
    base, *test_packages = _find_paths(context.ensure_python(develop=True))
    wanted = json.dumps([requirements.compute_fingerprint([file]), base, *test_packages])
    stamp = folder / "fingerprint"
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return python
    with context.terminal.step("environment of mutmut", "(once)"):
        shutil.rmtree(folder, ignore_errors=True)
        log = context.state_dir / "logs" / "install.log"
        environment.make_log_dir(log.parent)
        installer = Installer(log, context.environ, context.terminal, lock)
        installer.create_environment(folder, base, "making an environment for mutmut")
        installer.install([file], python, "installing mutmut")
        lines = (f"{path}\n" for path in dict.fromkeys(test_packages))
        Path(_find_paths(python)[1], "tests.pth").write_text("".join(lines))
    stamp.write_text(wanted, "utf-8")
    return python


def _find_paths(python: Path) -> list[str]:
    command = (python, "-c", _PATHS_SCRIPT)
    result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    paths: list[str] = json.loads(result.stdout)
    return paths
