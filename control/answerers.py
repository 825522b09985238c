"""Who has to be there for a message to be answered, in either mode."""

import argparse
from collections.abc import Iterable

from control import health, modes, replicas
from control.context import Context
from control.errors import ControlError

_SERVICES = ("tg_bot", "assistant")
"""Their health also says whether they have what they need themselves."""


def missing(context: Context, options: argparse.Namespace) -> dict[str, str]:
    """What is wrong with each of which no process is well; empty also where nobody can tell."""
    try:
        is_docker = modes.choose(context, options) == "docker"
        found = [*(_containers(context) if is_docker else _processes(context))]
    except ControlError:
        return {}
    well = {service for service, wrong in found if not wrong}
    wrongs = {service: wrong for service, wrong in found if service not in well}
    return {name: wrongs.get(name, "is not running") for name in _SERVICES if name not in well}


def _processes(context: Context) -> Iterable[tuple[str, str]]:
    """The service of each process, and what is wrong with it; empty where it is well."""
    counts = replicas.read(context.state_dir, context.services)
    for service in context.services:
        if service.name not in _SERVICES:
            continue
        for number in range(1, counts.get(service.name, 1) + 1):
            answer = health.of_service(context.settings.own_port(service, number))
            is_away = answer.detail.startswith("does not listen")
            wrong = "is not running" if is_away else f"is not well ({answer.detail})"
            yield service.name, "" if answer.ok else wrong


def _containers(context: Context) -> Iterable[tuple[str, str]]:
    from control.docker.compose import Compose

    compose = Compose.of(context)
    for container in compose.containers():
        if container.service not in _SERVICES:
            continue
        runs = container.state == "running"
        wrong = f"is not well ({compose.why_unwell(container)})" if runs else "is not running"
        yield container.service, "" if container.is_well else wrong
