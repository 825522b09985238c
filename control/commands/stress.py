"""`chaos` and `fuzz`. Both start what they test and do not touch the suite in use."""

import argparse
import subprocess

from control.context import Context


def chaos(context: Context, options: argparse.Namespace) -> int:
    amounts = {name: getattr(options, name) for name in ("minutes", "messages", "chats")}
    return _run_module(context, "tests.chaos.storm.run", amounts | {"seed": options.seed})


def fuzz(context: Context, options: argparse.Namespace) -> int:
    amounts = {"cases": options.cases, "seed": options.seed}
    return _run_module(context, "rest_service.tests.fuzz", amounts)


def _run_module(context: Context, module: str, amounts: dict[str, int | None]) -> int:
    command = [str(context.ensure_python(develop=True)), "-m", module]
    for name, amount in amounts.items():
        if amount is not None:
            command += [f"--{name}", str(amount)]
    return subprocess.run(command, cwd=context.root, env=context.environ_without_suite).returncode
