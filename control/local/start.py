"""Starting processes."""

import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping

from control import mode_selection, start_messages
from control.context import Context
from control.errors import ControlError
from control.file_lock import FileLock
from control.local import preflight, shutdown, status, suite_changes
from control.local.process import Process
from control.local.readiness import START_TIMEOUT_SECONDS, ReadinessWaiter
from control.local.run_directory import AlreadyRunning, DesiredState
from control.local.suite import Suite
from control.start_messages import ComponentFailure


def bring_up(
    context: Context, names: Iterable[str] = (), requested: Mapping[str, int] | None = None
) -> bool:
    """Start what does not run of these services, or of all. Return whether they are healthy."""
    suite = Suite.from_context(context, context.ensure_python(), requested)
    if suite.run_directory.find_supervisor():
        return _start_missing(context, suite, names)
    try:
        failures = start(context, suite, names)
    except AlreadyRunning:
        return _start_missing(context, suite, names)
    if failures:
        start_messages.report_failures(context, failures)
        return False
    _print_addresses(context)
    return True


def start(context: Context, suite: Suite, names: Iterable[str]) -> tuple[ComponentFailure, ...]:
    """Start a suite that does not run, and wait. Return the components that are not healthy."""
    suite.required_component_names_for(names)  # raises errors before anything is created
    suite.run_directory.create()
    with suite.run_directory.acquire_supervisor_lock() as lock:
        # a `stop --remove` that held the lock before may have deleted it
        suite.run_directory.create()
        shutdown.terminate_orphans(suite.run_directory, context.terminal)
        with suite.run_directory.acquire_command_lock():
            suite = suite.with_current_replicas()
            wanted = suite.required_component_names_for(names)
            _launch(context, suite, wanted, lock)
    try:
        return ReadinessWaiter(suite, wanted, context.terminal).wait()
    except KeyboardInterrupt:
        context.terminal.print_line("The suite continues to start; ./manage.py stop ends it.")
        raise


def _launch(context: Context, suite: Suite, wanted: frozenset[str], lock: FileLock) -> None:
    try:
        preflight.check_ports(part for part in suite.components if part.name in wanted)
    except ControlError as error:
        raise preflight.explain_port_conflict(context, error) from None
    preflight.check_disk_space(suite.settings.state_dir)
    mode_selection.save_last_mode(suite.settings.state_dir, "local")
    suite.save_replicas()
    suite.run_directory.remove_status()
    # before the supervisor could read an older one
    suite.run_directory.write_environment(context.suite_environ)
    states = {part.name: DesiredState(part.name in wanted) for part in suite.components}
    suite.run_directory.write_desired_states(states)
    _spawn_supervisor(context, suite, lock)


def _spawn_supervisor(context: Context, suite: Suite, lock: FileLock) -> None:
    """Start the supervisor. It inherits the lock, so no second one can start."""
    options = ("--lock", str(lock.descriptor), "--python", str(suite.python))
    # SIGHUP must not kill the supervisor before it has a handler; it then reads the state anyway
    previous_handler = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with suite.run_directory.log_file("supervisor").open("ab") as log:
        process = subprocess.Popen(
            (sys.executable, str(context.manage_script), "supervise", *options),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=context.root,
            env=dict(context.environ),
            pass_fds=(lock.descriptor,),
            start_new_session=True,
        )
    signal.signal(signal.SIGHUP, previous_handler)
    process.returncode = 0  # it outlives this process: suppresses the warning of Popen
    if supervisor := Process.from_pid(process.pid):
        suite.run_directory.write_supervisor(supervisor)


def _start_missing(context: Context, suite: Suite, names: Iterable[str]) -> bool:
    context.terminal.print_line("The suite is already running.")
    suite, awaited = suite_changes.reconcile(context, suite, names)
    if suite.run_directory.supervisor_uptime < START_TIMEOUT_SECONDS:
        awaited = suite.required_component_names_for(names)
    failures = ReadinessWaiter(suite, awaited, context.terminal).wait()
    start_messages.report_failures(context, failures)
    is_healthy = status.show_table(context, suite)
    _print_addresses(context)
    return is_healthy


def _print_addresses(context: Context) -> None:
    start_messages.print_addresses(context)
    logs = context.shorten_path(context.state_dir / "logs")
    context.terminal.print_line(f"  Logs:  {logs}   (./manage.py logs -f)")
