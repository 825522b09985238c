"""What the commands keep in STATE_DIR."""

from collections.abc import Iterable

from control import modes, replicas
from control.context import Context
from control.doctor.finding import Finding, make_error, make_warning
from control.local.run_directory import RunDirectory


def check(context: Context) -> Iterable[Finding]:
    if error := replicas.replicas_file_error(context.state_dir, context.services):
        yield make_error("replicas", error, replicas.REPAIR_ADVICE)
    if error := modes.mode_file_error(context.state_dir):
        yield make_error("mode", error, modes.REPAIR_ADVICE)
    for file in RunDirectory(context.state_dir).find_damaged_files():
        yield make_warning("state", f"{file} is damaged", "./manage.py restart makes it anew")
