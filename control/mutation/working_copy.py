"""The folder in which mutmut works on a key module: a copy of the repository, and results."""

import json
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from control import requirements
from control.errors import ControlError
from control.mutation import results
from control.mutation.results import MUTANTS, Mutant
from control.testing.key_modules import KeyModule

_SETUP_CFG = """\
[mutmut]
source_paths =
{files}
pytest_add_cli_args_test_selection =
{tests}
pytest_add_cli_args =
    -m
    not slow
process_isolation = forkserver
timeout_constant = 2
timeout_multiplier = 5
track_dependencies = false
use_git_change_detection = false
on_dependency_change = ignore
"""
"""The fork server has run no test, so no test finds the leftovers of others in a module. The
timeout of a function is 10 seconds plus five times the duration of its tests without a mutant."""


@dataclass(frozen=True)
class WorkingCopy:
    """Holds the files of the module, and in the folder in which tests run all other files."""

    folder: Path
    module: KeyModule

    def prepare(self, root: Path, *, only_survivors: bool = False) -> None:
        """Update the copy. Delete old results, with `only_survivors` except of killed mutants."""
        files, tests = map(_indent_lines, (self.module.files, self.module.tests))
        settings = _SETUP_CFG.format(files=files, tests=tests)
        pins = requirements.compute_fingerprint([root / "requirements-mutate.txt"])
        self._reset_if_changed(pins + settings)
        (self.folder / "setup.cfg").write_text(settings, "utf-8")
        if self._sync(root, list_tracked_files(root)):
            # mutmut only notices tests with new names, but any change can affect what tests run
            (self.folder / MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
        has_proven = only_survivors and self._proven_file.exists()
        proven = json.loads(self._proven_file.read_text("utf-8")) if has_proven else {}
        for path in self.module.files:
            results.reset_results(self.folder, path, proven.get(str(path), ()))
            # a run that was killed may have left half a file: mutmut rewrites the files that are
            # older than their source, and keeps the results of functions that are the same
            (self.folder / path).touch()

    def collect_results(self) -> list[Mutant]:
        """Return the results of a successful run. In others a mutant may have damaged servers."""
        files = self.module.files
        killed = {str(path): results.read_killed_names(self.folder, path) for path in files}
        self._proven_file.write_text(json.dumps(killed), "utf-8")
        return [mutant for path in files for mutant in results.read_mutants(self.folder, path)]

    @property
    def _proven_file(self) -> Path:
        """The names of the mutants killed in a successful run."""
        return self.folder / "proven"

    def _reset_if_changed(self, made_with: str) -> None:
        stamp = self.folder / "fingerprint"
        if stamp.exists() and stamp.read_text("utf-8") == made_with:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        stamp.write_text(made_with, "utf-8")

    def _sync(self, root: Path, wanted: list[Path]) -> bool:
        """Return whether anything has changed."""
        manifest, names = self.folder / "copied", set(map(str, wanted))
        before = set(json.loads(manifest.read_text("utf-8"))) if manifest.exists() else set()
        manifest.write_text(json.dumps(sorted(before | names)), "utf-8")
        for name in before - names:
            self._target_path(Path(name)).unlink(missing_ok=True)
        copied = [self._sync_file(root, path) for path in wanted]
        manifest.write_text(json.dumps(sorted(names)), "utf-8")
        return any(copied) or bool(before - names)

    def _sync_file(self, root: Path, path: Path) -> bool:
        source, target = root / path, self._target_path(path)
        if target.exists() and target.read_bytes() == source.read_bytes():
            return False
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)  # with the current time, by which mutmut detects changes
        shutil.copymode(source, target)
        return True

    def _target_path(self, path: Path) -> Path:
        return self.folder / path if path in self.module.files else self.folder / MUTANTS / path


def list_tracked_files(root: Path) -> list[Path]:
    """Return the files of the repository, including new ones that are not ignored."""
    command = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    try:
        listed = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True, text=True)
    except FileNotFoundError as error:
        raise ControlError("mutate needs git, which lists the files to copy") from error
    except subprocess.CalledProcessError as error:
        raise ControlError(f"mutate needs a clone of the repository; git said {error}") from error
    names = sorted(set(filter(None, listed.stdout.split("\0"))))
    return [Path(name) for name in names if (root / name).is_file()]


def _indent_lines(lines: Iterable[object]) -> str:
    return "\n".join(f"    {word}" for word in lines)
