"""What is wrong with the suite's containers, for `./manage.py doctor`."""

from collections.abc import Iterable

from control import modes
from control.context import Context
from control.docker import engine
from control.docker.compose import Compose
from control.docker.container import Container
from control.doctor.finding import Finding, doubtful, wrong
from control.errors import ControlError

_AGAIN = "./manage.py status tells when it is well"
_MEND = "mend the cause, then ./manage.py restart"


def findings(context: Context) -> Iterable[Finding]:
    """One for each container that is not well, or one for all; none where there is no suite."""
    if problem := engine.problem(context.environ):
        if modes.remembered(context.state_dir) == "docker":
            yield wrong("suite", f"was started in Docker, and {problem}", "start Docker again")
        return
    compose = Compose.of(context)
    try:
        containers = compose.containers()
    except ControlError as error:
        yield wrong("suite", str(error), "docker compose ps may say more")
        return
    unwell = [one for one in containers if not one.is_well]
    for one in unwell:
        yield _finding(one, compose.why_unwell(one, containers))
    if containers and not unwell:
        yield Finding("suite", f"runs in Docker, all {len(containers)} containers are well")


def _finding(one: Container, why: str) -> Finding:
    if one.was_stopped:
        return doubtful(one.name, "is stopped", f"./manage.py start --service {one.service}")
    if one.state == "removing":
        return doubtful(one.name, "is being removed", _AGAIN)
    if one.is_starting and not one.restarts:
        return doubtful(one.name, f"is still starting ({why})", _AGAIN)
    return wrong(one.name, why, _MEND)
