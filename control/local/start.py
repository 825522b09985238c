"""Starting the suite, or what is missing of it."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping

from control import modes, replicas, welcome
from control.context import Context
from control.errors import ControlError
from control.local import postgres, preflight, scaling, shared_folder, takeover
from control.local.process import Process
from control.local.progress import START_TIMEOUT, Progress
from control.local.run_directory import IsSupervised, Wish
from control.local.status import show
from control.local.suite import Suite
from control.lock import Lock
from control.problem import Problem


def run(context: Context, options: argparse.Namespace) -> int:
    welcome.begin(context, "local")
    _check_paths(context)
    _name_orphans(context)
    asked = replicas.asked(options)
    names = dict.fromkeys((*options.service, *asked)) if options.service else ()
    return bring_up(context, names, asked)


def bring_up(
    context: Context, names: Iterable[str] = (), asked: Mapping[str, int] | None = None
) -> int:
    """Start these, or all, or what is missing of them; the settings are complete."""
    suite = Suite.of(context, context.python(), asked)
    if suite.run.supervisor():
        return _complete(context, suite, names)
    try:
        problems = start(context, suite, names)
    except IsSupervised:
        return _complete(context, suite, names)
    if problems:
        welcome.report(context, problems)
        return 1
    _say_where(context)
    return 0


def start(context: Context, suite: Suite, names: Iterable[str]) -> tuple[Problem, ...]:
    """Start a suite that does not run, wait, and return what is not well, and why."""
    suite.wanted(names)  # what is wrong with the names is told before anything is made
    suite.run.make()
    lock = suite.run.lock()
    try:
        suite.run.make()  # a `stop --remove` that had the lock before us may have deleted it
        takeover.end_strays(suite.run, context.terminal)
        with suite.run.commanding():
            suite = suite.anew()
            wanted = suite.wanted(names)
            _begin(context, suite, wanted, lock)
    finally:
        lock.release()
    try:
        return Progress(suite, wanted, context.terminal).wait()
    except KeyboardInterrupt:
        context.terminal.line("The suite goes on starting; ./manage.py stop ends it.")
        raise


def _begin(context: Context, suite: Suite, wanted: frozenset[str], lock: Lock) -> None:
    try:
        preflight.check_ports(part for part in suite.parts if part.name in wanted)
    except ControlError as error:
        raise preflight.beside_docker(context, error) from None
    preflight.check_space(suite.settings.state_dir)
    modes.remember(suite.settings.state_dir, "local")
    suite.keep_replicas()
    suite.run.forget_status()
    suite.run.write_environment(context.suite_environ)  # so that no other is taken for it
    suite.run.write_wishes({part.name: Wish(part.name in wanted) for part in suite.parts})
    _spawn_supervisor(context, suite, lock)


def _spawn_supervisor(context: Context, suite: Suite, lock: Lock) -> None:
    """The supervisor inherits the lock: there is no instant in which a second one could start."""
    options = ("--lock", str(lock.descriptor), "--python", str(suite.python))
    # told of new wishes before it can listen, it must not die of it: it reads them anyway
    hearing = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suite.run.log("supervisor").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, str(context.entry), "supervise", *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=context.root,
            env=dict(context.environ),
            pass_fds=(lock.descriptor,),
            start_new_session=True,
        )
    signal.signal(signal.SIGHUP, hearing)
    process.returncode = 0  # it is to outlive us: nobody waits for it
    if supervisor := Process.of(process.pid):
        suite.run.write_supervisor(supervisor)


def _complete(context: Context, suite: Suite, names: Iterable[str]) -> int:
    """Start what is missing of a suite that runs, or is just being started."""
    context.terminal.line("It runs already.")
    suite, missing = scaling.fit(context, suite, names)
    awaited = suite.wanted(names) if suite.run.age < START_TIMEOUT else missing
    welcome.report(context, Progress(suite, awaited, context.terminal).wait())
    is_well = show(context, suite)
    _say_where(context)
    return 0 if is_well else 1


def _check_paths(context: Context) -> None:
    """Raises ControlError before minutes are spent; root may keep programs and data elsewhere."""
    if os.geteuid() != 0 and not context.settings.own_postgres:
        for path in (context.virtualenv.path, context.state_dir):
            postgres.check_path(path)


def _name_orphans(context: Context) -> None:
    """Databases in folders of the system that nobody would find again."""
    if os.geteuid() != 0:
        return
    shared_folder.keep_database(context.state_dir)  # this one's folder may have been moved
    for database in shared_folder.databases():
        if database.is_orphan:
            context.terminal.warn(": ".join(shared_folder.orphan(database)))


def _say_where(context: Context) -> None:
    welcome.say_where(context)
    logs = context.shown_state_dir / "logs"
    context.terminal.line(f"  Logs:  {logs}   (./manage.py logs -f)")
