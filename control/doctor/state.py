"""What the commands keep in STATE_DIR."""

from collections.abc import Iterable

from control import modes, replicas
from control.context import Context
from control.doctor.finding import Finding, doubtful, wrong
from control.local.run_directory import RunDirectory


def check(context: Context) -> Iterable[Finding]:
    if fault := replicas.fault(context.state_dir, context.services):
        yield wrong("replicas", fault, replicas.ADVICE)
    if fault := modes.fault(context.state_dir):
        yield wrong("mode", fault, modes.ADVICE)
    for file in RunDirectory(context.state_dir).damaged():
        yield doubtful("state", f"{file} is damaged", "./manage.py restart makes it anew")
