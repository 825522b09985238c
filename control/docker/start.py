"""Starting containers."""

from collections import deque
from collections.abc import Iterable

from control import mode_selection, replicas, services, start_messages
from control.context import Context
from control.docker import scale
from control.docker.compose import Compose
from control.docker.readiness import ContainerReadinessWaiter, extract_progress
from control.errors import ControlError
from control.start_messages import ComponentFailure

_TAIL_LINES = 20
_UP_COMMAND = ("up", "--detach", "--no-build")


def bring_up(context: Context, compose: Compose, names: Iterable[str] = ()) -> bool:
    """Build what has changed, start these services, or all. Return whether they are healthy."""
    replicas.read(context.state_dir, context.services)  # raises errors before anything is built
    names = tuple(names)
    with context.terminal.step("images", "(minutes, the first time)"):
        build(context, compose, *names)
    if up(context, compose, names):
        return False
    start_messages.print_addresses(context)
    context.terminal.print_line("  Logs:  ./manage.py logs -f")
    return True


def build(context: Context, compose: Compose, *arguments: str) -> None:
    """Build images. Raises ControlError if that fails or hangs, after printing the last lines."""
    last: deque[str] = deque(maxlen=_TAIL_LINES)

    def on_line(line: str) -> None:
        last.append(line)
        if progress := extract_progress(line):
            context.terminal.show_waiting(f"… {progress}")

    try:
        with compose.start_process("build", *arguments) as process:
            process.follow(on_line)
    except ControlError:
        context.terminal.print_line("   The build ends with:")
        for line in filter(str.strip, last):
            context.terminal.print_line(f"   | {line}")
        raise


def up(
    context: Context, compose: Compose, names: tuple[str, ...], *, recreate: bool = False
) -> tuple[ComponentFailure, ...]:
    """Start containers from existing images; with `recreate` new ones, without dependencies.

    Return the containers that do not become healthy.
    """
    waiter = ContainerReadinessWaiter(compose, context.terminal, with_dependencies=not recreate)
    failures = start_postgres(compose, waiter)
    if not failures:
        options, table = ["--remove-orphans"], context.services
        selected = services.resolve_dependencies(table, names or services.list_selectable(table))
        if recreate:
            options += ["--force-recreate", "--no-deps"]
            selected = frozenset(names)
        with compose.locked_replica_counts(context.terminal) as counts:
            options += scale.build_scale_options(counts, selected)
            waiter.run_up(names, *_UP_COMMAND, *options, *scale.with_replica_services(names))
        failures = waiter.wait()
    mode_selection.save_last_mode(compose.settings.state_dir, "docker")
    start_messages.report_failures(context, failures, outlook="")
    return failures


def start_postgres(
    compose: Compose, waiter: ContainerReadinessWaiter
) -> tuple[ComponentFailure, ...]:
    """Start PostgreSQL, unless the operator has a server, and set the password."""
    if compose.settings.has_external_postgres:
        return ()
    waiter.run_up(("postgres",), *_UP_COMMAND, "--wait", "postgres")
    failures = waiter.wait()
    if not failures:
        compose.set_database_password()
    return failures
