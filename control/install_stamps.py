"""The stamps of the virtual environment: files in it that say which packages it has in full."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from control import requirements


@dataclass(frozen=True)
class InstallStamps:
    """One for each kind of requirements; without any, nobody knows what the environment has."""

    folder: Path

    def __bool__(self) -> bool:
        return any(self._list_files())

    def matches(self, files: tuple[Path, ...]) -> bool:
        """Whether what these files pin now is what was installed."""
        try:
            return self._file_for(files).read_text() == requirements.compute_fingerprint(files)
        except FileNotFoundError:
            return False

    def write(self, files: tuple[Path, ...]) -> None:
        """In one step: a stamp is there with all it says, or it is not there."""
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
