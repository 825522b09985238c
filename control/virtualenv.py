"""The Python environment of the services: `.venv`, installed once and then only checked.

Stamps mark a complete environment: they are removed before anything is changed and written at the
end. An environment without stamps was left by a killed command and is created again, because
packages may be listed whose files are missing.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from control import disk, environment, machine, package_index, requirements
from control.file_lock import FileLock
from control.finding import Finding
from control.installer import Installer
from control.machine import Machine
from control.terminal import Terminal


@dataclass(frozen=True)
class InstallStamps:
    """The stamps in an environment, one for each kind of requirements. They record what is
    installed."""

    folder: Path

    def __bool__(self) -> bool:
        return any(self._list_files())

    def matches(self, files: tuple[Path, ...]) -> bool:
        """Return whether the current pins of these files are installed."""
        try:
            return self._file_for(files).read_text() == requirements.compute_fingerprint(files)
        except FileNotFoundError:
            return False

    def write(self, files: tuple[Path, ...]) -> None:
        """Write a stamp atomically."""
        stamp = self._file_for(files)
        fresh = stamp.with_name(f".{stamp.name}")
        fresh.write_text(requirements.compute_fingerprint(files))
        fresh.replace(stamp)

    def remove(self) -> None:
        for stamp in self._list_files():
            stamp.unlink()

    def _list_files(self) -> Iterable[Path]:
        return list(self.folder.glob("stamp-*"))

    def _file_for(self, files: tuple[Path, ...]) -> Path:
        return self.folder / f"stamp-{files[-1].stem}"


@dataclass(frozen=True)
class Virtualenv:
    """`.venv` of a repository."""

    root: Path
    log: Path
    """The log of the installer."""
    environ: Mapping[str, str]
    terminal: Terminal
    find_machine: Callable[[Path], Machine] = Machine.inspect

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
        found = self.find_machine(self.root)
        machine.raise_first(machine.check_loopback(found))
        if (
            not self._has_installed(files)
            and not self._is_active
            and requirements.are_installed(files)
        ):
            return Path(sys.executable)
        machine.raise_first(machine.check_execution(found))
        if not self._has_installed(files):
            with self._exclusive_lock() as lock:
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
        if not self._stamps:
            return False
        ask = "import sys; sys.exit(sys.version_info < (3, 11))" + (
            "" if self._uv else "; import pip"
        )
        try:
            return subprocess.run((self.python, "-c", ask), capture_output=True).returncode == 0
        except OSError:
            return False

    def rebuild(self) -> None:
        """Create it again, with the requirements of the suite."""
        machine.raise_first(machine.check_execution(self.find_machine(self.root)))
        with self._exclusive_lock() as lock:
            self._install_packages(requirements.runtime_files(self.root), lock, from_scratch=True)

    def find_unmet_requirements(self) -> Iterator[Finding]:
        """Yield what prevents creating it again. The space that it takes now counts as free."""
        found = self.find_machine(self.root)
        free_after_removal = found.free_disk + disk.get_disk_usage(self.path)
        return machine.check_installation(
            replace(found, free_disk=free_after_removal), has_uv=bool(self._uv)
        )

    @property
    def _stamps(self) -> InstallStamps:
        return InstallStamps(self.path)

    def _has_installed(self, files: tuple[Path, ...]) -> bool:
        return self.python.exists() and self._stamps.matches(files)

    @property
    def _is_active(self) -> bool:
        """Whether its interpreter runs this program: then its list of packages may be
        incomplete."""
        return Path(sys.prefix).resolve() == self.path.resolve()

    @property
    def _uv(self) -> str | None:
        return shutil.which("uv", path=self.environ.get("PATH"))

    @contextmanager
    def _exclusive_lock(self) -> Iterator[FileLock]:
        """Prevent two commands from installing at the same time. The lock is the repository's own
        folder."""
        while (lock := FileLock.try_acquire(self.root)) is None:
            self.terminal.show_progress(
                "… another ./manage.py is preparing the virtual environment"
            )
            time.sleep(0.1)
        try:
            yield lock
        finally:
            lock.release()

    def _remove(self) -> None:
        self._stamps.remove()
        if self.path.exists():
            shutil.rmtree(self.path)

    def _install_packages(
        self, files: tuple[Path, ...], lock: FileLock, *, from_scratch: bool
    ) -> None:
        if from_scratch:
            machine.raise_first(self.find_unmet_requirements())
        environment.make_log_dir(self.log.parent)
        installer = Installer(self.log, self.environ, self.terminal, lock)
        total = len(requirements.parse_names(files))
        with self.terminal.step("virtual environment", f"({total} packages, once)"):
            if from_scratch:
                self._remove()
                installer.run(self._build_create_command(), "making .venv")
            self._stamps.remove()
            installer.run(self._build_install_command(files), f"installing {total} packages", total)
            # the development requirements include the runtime ones
            for kind in {
                files,
                requirements.runtime_files(self.root),
            }:
                self._stamps.write(kind)

    def _build_create_command(self) -> tuple[str, ...]:
        # the base interpreter, because the current one may be in the folder that is removed
        base: str = getattr(sys, "_base_executable", "") or sys.executable
        make = (self._uv, "venv", "--python", base) if self._uv else (base, "-m", "venv")
        return (*make, str(self.path))

    def _build_install_command(self, files: Iterable[Path]) -> tuple[str, ...]:
        sources = tuple(part for file in files for part in ("-r", str(file)))
        pip = ("pip", "install", "--require-hashes", *sources)
        if self._uv:
            # otherwise each service compiles them at its first start
            options = ("--compile-bytecode", *package_index.build_uv_options(self.environ))
            return (self._uv, *pip, "--python", str(self.python), *options)
        return (str(self.python), "-m", *pip, "--progress-bar", "off")
