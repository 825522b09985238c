"""What `./manage.py doctor` reports about the suite's containers."""

from collections.abc import Iterator

from control import modes
from control.context import Context
from control.docker import engine
from control.docker.compose import Compose
from control.docker.container import Container
from control.errors import ControlError
from control.finding import Finding, make_error, make_warning

_CHECK_AGAIN = "./manage.py status shows when it is healthy"
_FIX_AND_RESTART = "fix the cause, then ./manage.py restart"


def check_containers(context: Context) -> Iterator[Finding]:
    """Yield one finding for each unhealthy container, or one for the whole suite."""
    if problem := engine.find_availability_error(context.environ):
        if modes.read_last_mode(context.state_dir) == "docker":
            yield make_error("suite", f"was started in Docker, and {problem}", "start Docker again")
        return
    compose = Compose.from_context(context)
    try:
        containers = compose.list_containers()
    except ControlError as error:
        yield make_error("suite", str(error), "docker compose ps may say more")
        return
    unhealthy = [one for one in containers if not one.is_healthy]
    for one in unhealthy:
        yield _build_finding(one, compose.explain_unhealthy(one, containers))
    if containers and not unhealthy:
        yield Finding("suite", f"runs in Docker, all {len(containers)} containers are healthy")


def _build_finding(one: Container, why: str) -> Finding:
    if one.is_stopped:
        return make_warning(one.name, "is stopped", f"./manage.py start --service {one.service}")
    if one.state == "removing":
        return make_warning(one.name, "is being removed", _CHECK_AGAIN)
    if one.is_starting and not one.restarts:
        return make_warning(one.name, f"is still starting ({why})", _CHECK_AGAIN)
    return make_error(one.name, why, _FIX_AND_RESTART)
