"""The Python environment of the services: `.venv`, installed once and then only checked.

Stamps mark a complete environment: they are removed before anything is changed and written at the
end. An environment without stamps was left by a killed command and is created again, because
packages may be listed whose files are missing.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from control import disk, environment, machine_requirements, requirements
from control.file_lock import FileLock
from control.finding import Finding
from control.installer import Installer, find_uv
from control.machine_requirements import MachineFacts
from control.terminal import Terminal


@dataclass(frozen=True)
class Virtualenv:
    """`.venv` of a repository."""

    root: Path
    log: Path
    environ: Mapping[str, str]
    terminal: Terminal
    inspect_machine: Callable[[Path], MachineFacts] = MachineFacts.inspect

    @property
    def path(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def ensure(self, *, develop: bool = False) -> Path:
        """Return the interpreter with all packages; installs them if necessary.

        The current interpreter is used if it has exactly the pinned packages, as in an image.
        Raises ControlError if this machine cannot install or run the environment.
        """
        list_files = requirements.development_files if develop else requirements.runtime_files
        files = list_files(self.root)
        found = self.inspect_machine(self.root)
        machine_requirements.raise_first_unmet(machine_requirements.check_loopback(found))
        # the list of packages of `.venv` itself may be incomplete
        is_active = Path(sys.prefix).resolve() == self.path.resolve()
        has_installed = self._has_installed(files)
        if not has_installed and not is_active and requirements.are_installed(files):
            return Path(sys.executable)
        machine_requirements.raise_first_unmet(machine_requirements.check_can_execute(found))
        if not has_installed:
            with self._acquire_lock() as lock:
                if not self._has_installed(files):
                    self._install_packages(files, lock, from_scratch=not self.is_usable)
        return self.python

    @property
    def has_runtime_packages(self) -> bool:
        """Whether it has the requirements of the suite."""
        return self._has_installed(requirements.runtime_files(self.root))

    @property
    def is_usable(self) -> bool:
        """Whether packages can be added to it."""
        if not self._list_stamps():
            return False
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        if not find_uv(self.environ):
            check += "; import pip"
        try:
            return subprocess.run((self.python, "-c", check), capture_output=True).returncode == 0
        except OSError:
            return False

    def rebuild(self) -> None:
        """Create it again, with the requirements of the suite."""
        machine_requirements.raise_first_unmet(
            machine_requirements.check_can_execute(self.inspect_machine(self.root))
        )
        with self._acquire_lock() as lock:
            self._install_packages(requirements.runtime_files(self.root), lock, from_scratch=True)

    def find_rebuild_obstacles(self) -> Iterator[Finding]:
        """Yield what prevents creating it again. The space that it takes now counts as free."""
        found = self.inspect_machine(self.root)
        free_after_removal = found.free_disk + disk.get_disk_usage(self.path)
        rebuilt, has_uv = replace(found, free_disk=free_after_removal), bool(find_uv(self.environ))
        return machine_requirements.check_can_install(rebuilt, has_uv=has_uv)

    def _list_stamps(self) -> list[Path]:
        return list(self.path.glob("stamp-*"))

    def _stamp_for(self, files: tuple[Path, ...]) -> Path:
        return self.path / f"stamp-{files[-1].stem}"

    def _has_installed(self, files: tuple[Path, ...]) -> bool:
        try:
            installed = self._stamp_for(files).read_text()
        except FileNotFoundError:
            return False
        return self.python.exists() and installed == requirements.compute_fingerprint(files)

    def _acquire_lock(self) -> FileLock:
        """Prevent two commands from installing at once, by a lock on the repository's folder."""
        while (lock := FileLock.try_acquire(self.root)) is None:
            action = "preparing the virtual environment"
            self.terminal.show_progress(f"… another ./manage.py is {action}")
            time.sleep(0.1)
        return lock

    def _install_packages(
        self, files: tuple[Path, ...], lock: FileLock, *, from_scratch: bool
    ) -> None:
        if from_scratch:
            machine_requirements.raise_first_unmet(self.find_rebuild_obstacles())
        environment.make_log_dir(self.log.parent)
        installer = Installer(self.log, self.environ, self.terminal, lock)
        total = len(requirements.parse_names(files))
        with self.terminal.step("virtual environment", f"({total} packages, once)"):
            for stamp in self._list_stamps():
                stamp.unlink()
            if from_scratch:
                if self.path.exists():
                    shutil.rmtree(self.path)
                # the base interpreter, because the current one may be in the removed folder
                base: str = getattr(sys, "_base_executable", "") or sys.executable
                installer.create_environment(self.path, base, "making .venv")
            action = f"installing {total} packages"
            # otherwise each service compiles them at its first start
            installer.install(files, self.python, action, total, "--compile-bytecode")
            # the development requirements include the runtime ones
            for kind in {files, requirements.runtime_files(self.root)}:
                fresh = self.path / ".stamp"
                fresh.write_text(requirements.compute_fingerprint(kind))
                fresh.replace(self._stamp_for(kind))
