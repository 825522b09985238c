"""Mutation testing of the key modules, beside whatever is in use."""

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from control import arguments, environment
from control.context import Context
from control.errors import ControlError
from control.lock import Lock
from control.mutation import processes, report, survivors
from control.mutation.interpreter import Interpreter
from control.mutation.report import Score
from control.mutation.survivors import Listed
from control.mutation.working_copy import WorkingCopy
from control.testing import key_modules
from control.testing.key_modules import KeyModule


def run(context: Context, options: argparse.Namespace) -> int:
    """All modules that were asked for; 1 where the tests of one notice too little."""
    every = list(key_modules.read(context.root))
    modules = chosen(every, options.module)
    listed = survivors.read(context.root, [module.name for module in every])
    home = context.state_dir / "mutation"
    environment.make_state_dir(context.state_dir)
    with _alone(home) as lock:
        python = Interpreter(context, home / "environment", lock).ensure()
        develop = context.python(develop=True)
        own = context.foreign_environ | {"PYTHONHASHSEED": "0"}  # the same order of tests each time
        # one more than jobs: what ends and what begins may overlap
        with processes.servers(develop, context.root, own, options.jobs + 1) as environ:
            measurement = _Measurement(context, home, python, environ, options, listed)
            report.head(context.terminal)
            scores = [measurement.of(module) for module in modules]
    report.details(context.terminal, scores)
    return 0 if all(score.is_enough for score in scores) else 1


def chosen(every: Sequence[KeyModule], names: Sequence[str]) -> list[KeyModule]:
    """Those with these names, or all; raises ControlError for a name that none has."""
    check = arguments.one_of("key module", [module.name for module in every])
    wanted = {check(name) for name in names}
    return [module for module in every if not wanted or module.name in wanted]


@contextmanager
def _alone(home: Path) -> Iterator[Lock]:
    home.mkdir(exist_ok=True)
    (home / ".gitignore").write_text("*\n")  # or the copies would be copied, in a folder of git's
    lock = Lock.take(home)
    if lock is None:
        raise ControlError("another ./manage.py mutate is running")
    try:
        yield lock
    finally:
        lock.release()


@dataclass(frozen=True)
class _Measurement:
    """Where and with what the modules are tested."""

    context: Context
    home: Path
    python: Path
    environ: Mapping[str, str]
    options: argparse.Namespace
    listed: Listed

    def of(self, module: KeyModule) -> Score:
        terminal = self.context.terminal
        begun = time.monotonic()
        terminal.busy(f"… {module.name}")
        copy = WorkingCopy(self.home / module.name, module)
        copy.prepare(self.context.root, only_survivors=self.options.survivors)

        def progress(done: int, total: int) -> None:
            terminal.waiting(f"… {module.name}: {done} of {total} mutants")

        processes.mutmut(self.python, copy.folder, self.environ, self.options.jobs, progress)
        duration = time.monotonic() - begun
        score = Score.of(module.name, copy.results(), self.listed, duration)
        report.line(terminal, score)
        return score
