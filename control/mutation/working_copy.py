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


_PROVEN_FILE = "proven"
"""The file with the names of the mutants killed in a successful run."""


@dataclass(frozen=True)
class WorkingCopy:
    """The folder itself contains only the files of the module, for mutmut to mutate; all others are
    in the folder in which the tests run."""

    folder: Path
    module: KeyModule

    def prepare(self, root: Path, *, only_survivors: bool = False) -> None:
        """Update the copy and delete the results of the last run.

        With `only_survivors`, killed mutants are not tested again; tests that were weakened since
        go unnoticed.
        """
        settings = _SETUP_CFG.format(
            files=_indent_lines(self.module.files), tests=_indent_lines(self.module.tests)
        )
        self._reset_if_changed(
            requirements.compute_fingerprint([_requirements_file(root)]) + settings
        )
        (self.folder / "setup.cfg").write_text(settings, "utf-8")
        if self._sync(root, list_tracked_files(root)):
            # mutmut only notices tests with new names, but any change can affect what tests run
            (self.folder / MUTANTS / "mutmut-stats.json").unlink(missing_ok=True)
        proved = self._read_proven() if only_survivors else {}
        for path in self.module.files:
            results.reset_results(self.folder, path, proved.get(str(path), ()))
            # a run that was killed may have left half a file: mutmut rewrites the files that are
            # older than their source, and keeps the results of functions that are the same
            (self.folder / path).touch()

    def collect_results(self) -> list[Mutant]:
        """Return the results of a successful run. Other results prove nothing: a mutant may have
        damaged the servers."""
        killed = {
            str(path): results.read_killed_names(self.folder, path) for path in self.module.files
        }
        (self.folder / _PROVEN_FILE).write_text(json.dumps(killed), "utf-8")
        return [
            mutant
            for path in self.module.files
            for mutant in results.read_mutants(self.folder, path)
        ]

    def _read_proven(self) -> dict[str, list[str]]:
        try:
            found: dict[str, list[str]] = json.loads(
                (self.folder / _PROVEN_FILE).read_text("utf-8")
            )
        except FileNotFoundError:
            return {}
        return found

    def _reset_if_changed(self, made_with: str) -> None:
        stamp = self.folder / "fingerprint"
        if stamp.exists() and stamp.read_text("utf-8") == made_with:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        stamp.write_text(made_with, "utf-8")

    def _sync(self, root: Path, wanted: list[Path]) -> bool:
        """Return whether anything has changed."""
        manifest = self.folder / "copied"
        before = set(json.loads(manifest.read_text("utf-8"))) if manifest.exists() else set()
        manifest.write_text(json.dumps(sorted({*before, *map(str, wanted)})), "utf-8")
        gone = before - set(map(str, wanted))
        for name in gone:
            self._target_path(Path(name)).unlink(missing_ok=True)
        copied = [self._sync_file(root, path) for path in wanted]
        manifest.write_text(json.dumps(sorted(map(str, wanted))), "utf-8")
        return any((*copied, *gone))

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


def _requirements_file(root: Path) -> Path:
    return root / "requirements-mutate.txt"


def _indent_lines(lines: Iterable[object]) -> str:
    return "\n".join(f"    {word}" for word in lines)
