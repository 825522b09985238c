"""`mutate`: mutation testing of the key modules. Does not touch the suite in use."""

import argparse
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from control import argument_types, environment
from control.context import Context
from control.errors import ControlError
from control.extra_virtualenv import ExtraVirtualenv
from control.file_lock import FileLock
from control.mutation import processes, report, survivors
from control.mutation.report import MutationScore
from control.mutation.working_copy import WorkingCopy
from control.testing import key_modules
from control.testing.key_modules import KeyModule

_VIRTUALENV = ExtraVirtualenv("mutmut", "requirements-mutate.txt", sees_test_packages=True)


def run(context: Context, options: argparse.Namespace) -> int:
    """Test the selected modules. Return 1 if the score of one is too low."""
    all_modules = list(key_modules.read(context.root))
    modules = select_modules(all_modules, options.module)
    listed = survivors.read(context.root, [module.name for module in all_modules])
    home = context.state_dir / "mutation"
    environment.make_state_dir(context.state_dir)
    scores = []
    with _acquire_lock(home) as lock:
        python = _VIRTUALENV.ensure(context, home / "environment", lock)
        develop = context.ensure_python(develop=True)
        # the same order of tests each time
        own = context.environ_without_suite | {"PYTHONHASHSEED": "0"}
        # one more than jobs, because an ending and a starting process may overlap
        with processes.run_servers(develop, context.root, own, options.jobs + 1) as environ:
            test_mutants = partial(processes.run_mutmut, python, environ=environ, jobs=options.jobs)
            report.print_header(context.terminal)
            for module in modules:
                context.terminal.show_progress(f"… {module.name}")
                started_at = time.monotonic()
                copy = WorkingCopy(home / module.name, module)
                copy.prepare(context.root, only_survivors=options.survivors)
                test_mutants(copy.folder, progress=partial(_show_progress, context, module))
                duration = time.monotonic() - started_at
                mutants = copy.collect_results()
                scores.append(MutationScore.from_mutants(module.name, mutants, listed, duration))
                report.print_score(context.terminal, scores[-1])
    report.print_details(context.terminal, scores)
    return 0 if all(score.is_enough for score in scores) else 1


def select_modules(every: Sequence[KeyModule], names: Sequence[str]) -> list[KeyModule]:
    """Return the modules with these names, or all; raises ControlError for an unknown name."""
    check = argument_types.choice_parser("key module", [module.name for module in every])
    wanted = {check(name) for name in names}
    return [module for module in every if not wanted or module.name in wanted]


def _acquire_lock(home: Path) -> FileLock:
    home.mkdir(exist_ok=True)
    # otherwise git lists the copies, which would be copied again
    (home / ".gitignore").write_text("*\n")
    lock = FileLock.try_acquire(home)
    if lock is None:
        raise ControlError("another ./manage.py mutate is running")
    return lock


def _show_progress(context: Context, module: KeyModule, done: int, total: int) -> None:
    context.terminal.show_waiting(f"… {module.name}: {done} of {total} mutants")
