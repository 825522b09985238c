"""Who has to be there for a message to be answered, in either mode."""

import argparse
from collections.abc import Iterable

from control import health, modes, replicas
from control.context import Context
from control.errors import ControlError

_CHAT_SERVICES = ("tg_bot", "assistant")
"""Their health also says whether they have what they need themselves."""


def find_missing_services(context: Context, options: argparse.Namespace) -> dict[str, str]:
    """What is wrong with each of which no process is well; empty also where nobody can tell."""
    try:
        is_docker = modes.choose(context, options) == "docker"
        checked = [*(_check_containers(context) if is_docker else _check_processes(context))]
    except ControlError:
        return {}
    healthy = {service for service, wrong in checked if not wrong}
    problems_by_service = {service: wrong for service, wrong in checked if service not in healthy}
    return {
        name: problems_by_service.get(name, "is not running")
        for name in _CHAT_SERVICES
        if name not in healthy
    }


def _check_processes(context: Context) -> Iterable[tuple[str, str]]:
    """The service of each process, and what is wrong with it; empty where it is well."""
    counts = replicas.read(context.state_dir, context.services)
    for service in context.services:
        if service.name not in _CHAT_SERVICES:
            continue
        for number in range(1, counts.get(service.name, 1) + 1):
            answer = health.check_service(context.settings.process_port(service, number))
            is_away = answer.detail.startswith("does not listen")
            wrong = "is not running" if is_away else f"is not well ({answer.detail})"
            yield service.name, "" if answer.is_healthy else wrong


def _check_containers(context: Context) -> Iterable[tuple[str, str]]:
    from control.docker.compose import Compose

    compose = Compose.from_context(context)
    for container in compose.list_containers():
        if container.service not in _CHAT_SERVICES:
            continue
        runs = container.state == "running"
        wrong = (
            f"is not well ({compose.explain_unhealthy(container)})" if runs else "is not running"
        )
        yield container.service, "" if container.is_healthy else wrong
