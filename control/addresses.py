"""Under which names the parts of a suite find each other, and the machine around them."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from control import variables

LOCALHOST = "127.0.0.1"
_ABROAD = ("OPENAI_BASE_URL", "TELEGRAM_API_URL", "WEATHER_API_URL", "GOOGLE_API_URL")
_DATABASES = ("DATABASE_URL", "ASYNC_DATABASE_URL")
_THIS_MACHINE = re.compile(r"(?<=[/@])(localhost|127\.0\.0\.1|\[::1\])(?=[:/]|$)")


@dataclass(frozen=True)
class Addresses:
    """One way to run."""

    of: Callable[[str, Mapping[str, str]], str]
    """`host:port` of a part, for the other parts."""
    machine: str | None
    """What a process of ours has to say for the operator's own machine; None: just that."""

    def translate(self, values: dict[str, str]) -> None:
        """Let addresses that the operator wrote from their point of view mean the same in ours."""
        if self.machine is None:
            return
        for name in (*_ABROAD, *_DATABASES):
            if name in values:
                values[name] = _THIS_MACHINE.sub(self.machine, values[name], count=1)
        if values.get("REDIS_HOST") in ("localhost", LOCALHOST):
            values["REDIS_HOST"] = self.machine


def _local(part: str, values: Mapping[str, str]) -> str:
    if part == "redis":
        return f"{LOCALHOST}:{values.get('REDIS_PORT', variables.LOCAL_REDIS_PORT)}"
    return f"{LOCALHOST}:{values[f'{part.upper()}_PORT']}"


def _compose(part: str, values: Mapping[str, str]) -> str:
    """Each container has its usual port to itself; the sandbox's page has to know its outer one."""
    usual = {"redis": variables.USUAL_REDIS_PORT, "postgres": variables.USUAL_POSTGRES_PORT}
    own = {"sandbox": values["SANDBOX_PORT"]}
    return (
        f"{part}:{own.get(part) or usual.get(part) or variables.DEFAULTS[f'{part.upper()}_PORT']}"
    )


LOCAL = Addresses(_local, machine=None)
COMPOSE = Addresses(_compose, machine="host.docker.internal")
