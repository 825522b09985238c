"""The Python environment of the services: `.venv`, made and filled once, then only looked at."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import requirements
from control.installer import Installer
from control.lock import Lock
from control.terminal import Terminal


@dataclass(frozen=True)
class Virtualenv:
    """`.venv` of a repository."""

    root: Path
    log: Path
    """Where the installer's own words go."""
    environ: Mapping[str, str]
    terminal: Terminal

    @property
    def path(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    def ensure(self, *, develop: bool = False) -> Path:
        """The interpreter that has everything, after making sure of it; at once where it has.

        An interpreter that runs this very program and has exactly the pinned packages (somebody's
        own environment, an image with everything inside) is used as it is.
        """
        wanted = requirements.to_develop if develop else requirements.to_run
        files = wanted(self.root)
        if self._is_stamped(files):
            return self.python
        if requirements.are_here(files):
            return Path(sys.executable)
        with self._turn():
            if not self._is_stamped(files):
                self._fill(files)
        return self.python

    @property
    def is_complete(self) -> bool:
        """Whether it has what the suite needs."""
        return self._is_stamped(requirements.to_run(self.root))

    def rebuild(self) -> None:
        """Make it anew, for the suite."""
        with self._turn():
            self._remove()
            self._fill(requirements.to_run(self.root))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Two commands at once must not fill it; the lock is the repository's own folder."""
        while (lock := Lock.take(self.root)) is None:
            self.terminal.busy("… another ./manage.py is preparing the virtual environment")
            time.sleep(0.5)
        try:
            yield
        finally:
            lock.release()

    def _remove(self) -> None:
        if self.path.exists():
            shutil.rmtree(self.path)

    def _fill(self, files: tuple[Path, ...]) -> None:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        installer = Installer(self.log, self.environ, self.terminal)
        uv = shutil.which("uv", path=self.environ.get("PATH"))
        total = len(requirements.names(files))
        with self.terminal.step("virtual environment", f"({total} packages, once)"):
            if not self._works(uv):
                self._remove()
                base = sys.executable
                make = (uv, "venv", "--python", base) if uv else (base, "-m", "venv")
                installer.run((*make, str(self.path)), "making .venv")
            installer.run(self._install(uv, files), f"installing {total} packages", total)
            self._put_stamp(files)

    def _works(self, uv: str | None) -> bool:
        """Whether there is an environment that packages can be added to."""
        ask = "import sys; sys.exit(sys.version_info < (3, 11))" + ("" if uv else "; import pip")
        try:
            return subprocess.run((self.python, "-c", ask), capture_output=True).returncode == 0
        except OSError:
            return False

    def _install(self, uv: str | None, files: Iterable[Path]) -> tuple[str, ...]:
        sources = tuple(part for file in files for part in ("-r", str(file)))
        if uv:
            # compiled now, or each service would do so at its first start
            install = (uv, "pip", "install", "--python", str(self.python), "--compile-bytecode")
        else:
            install = (str(self.python), "-m", "pip", "install", "--progress-bar", "off")
        return (*install, "--require-hashes", *sources)

    def _stamp(self, files: tuple[Path, ...]) -> Path:
        return self.path / f"stamp-{files[-1].stem}"

    def _is_stamped(self, files: tuple[Path, ...]) -> bool:
        try:
            stamp = self._stamp(files).read_text()
        except FileNotFoundError:
            return False
        return self.python.exists() and stamp == requirements.fingerprint(files)

    def _put_stamp(self, files: tuple[Path, ...]) -> None:
        """The development's packages include those to run with."""
        kinds = {files, requirements.to_run(self.root)}
        for kind in kinds:
            self._stamp(kind).write_text(requirements.fingerprint(kind))
