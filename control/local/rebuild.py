"""Making the virtual environment anew."""

import argparse

from control import replicas, start_messages
from control.context import Context
from control.errors import ControlError
from control.local import start
from control.local.run_directory import RunDirectory
from control.local.shutdown import shut_down


def run(context: Context, options: argparse.Namespace) -> int:
    """Removes `.venv` and makes it again; a suite that runs is stopped for it and started after."""
    if options.service:
        raise ControlError("in local mode all services share one environment: leave --service out")
    replicas.read(context.state_dir, context.services)  # a fault must not cost what runs
    was_running = shut_down(RunDirectory(context.state_dir), context.terminal)
    context.virtualenv.rebuild()
    if not was_running:
        return 0
    start_messages.prepare_environment(context, "local")
    return start.bring_up(context)
