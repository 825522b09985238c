"""The stamps of the virtual environment: files in it that say which packages it has in full."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from control import requirements


@dataclass(frozen=True)
class Stamps:
    """One for each kind of requirements; without any, nobody knows what the environment has."""

    folder: Path

    def __bool__(self) -> bool:
        return any(self._all())

    def has(self, files: tuple[Path, ...]) -> bool:
        """Whether what these files pin now is what was installed."""
        try:
            return self._of(files).read_text() == requirements.fingerprint(files)
        except FileNotFoundError:
            return False

    def put(self, files: tuple[Path, ...]) -> None:
        """In one step: a stamp is there with all it says, or it is not there."""
        stamp = self._of(files)
        fresh = stamp.with_name(f".{stamp.name}")
        fresh.write_text(requirements.fingerprint(files))
        fresh.replace(stamp)

    def remove(self) -> None:
        for stamp in self._all():
            stamp.unlink()

    def _all(self) -> Iterable[Path]:
        return list(self.folder.glob("stamp-*"))

    def _of(self, files: tuple[Path, ...]) -> Path:
        return self.folder / f"stamp-{files[-1].stem}"
