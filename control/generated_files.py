"""Writes the files that follow from the settings classes and the table of services.

    python -m control.generated_files [--fix]

A setting is a field with a description on the settings class of its service. These fields determine
`.env.example`, the environment of each container in docker-compose.yml, and service_variables.json,
which manage.py reads where no packages are installed. The table of services determines the list of
services in docker-compose.override.yml.

Runs in the virtual environment, because the settings classes need their packages. Without --fix it
names outdated files and exits with 1.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from control import env_example
from control.env_example import SettingsField
from control.services import DATABASES, SERVICES, Service

_PER_PROCESS_VARIABLES = re.compile(r"BIND_HOST|\w+_OWN_PORT")
"""Set for a single process by an image or by manage.py, never by the operator."""
_COMPOSE_VALUES = {
    "LOG_FORMAT": "${LOG_FORMAT:-json}",
    "REDIS_HOST": "${REDIS_HOST:-redis}",
    "REDIS_PORT": "${REDIS_HOST:+${REDIS_PORT:-}} # only of the operator's own server",
    "SANDBOX_PORT": "${SANDBOX_PORT:-8080} # the chat page must know the published port",
}
"""Values that differ from `${NAME:-}`."""
_EXTRA_COMPOSE_VALUES = {"sandbox": {"PORT": "${SANDBOX_PORT:-8080}"}}
_COMPOSE_ENVIRONMENT = re.compile(
    r"(?m)^  (?P<service>\w+):.*\n(?: {4}.*\n)*?"
    r" {4}environment: # generated.*\n(?P<body>(?: {6}.*\n)*)"
)
_MARKED_BLOCK = re.compile(r"(?m)^( *)# generated: (\w+)\n(?:.*\n)*?\1# end of generated lines\n")


def render_all(root: Path) -> dict[Path, str]:
    """Return the expected text of each generated file."""
    compose, override = root / "docker-compose.yml", root / "docker-compose.override.yml"
    fields = [field for service in SERVICES for field in read_fields(service)]
    return {
        root / ".env.example": env_example.render(fields),
        root / "control" / "service_variables.json": _render_variables(),
        compose: _COMPOSE_ENVIRONMENT.sub(_replace_environment, compose.read_text("utf-8")),
        override: _MARKED_BLOCK.sub(_replace_block, override.read_text("utf-8")),
    }


def read_fields(service: Service) -> tuple[SettingsField, ...]:
    """Return the fields of a settings class, those of its base classes first."""
    module, _, name = service.settings.partition(":")
    return tuple(_iter_fields(getattr(import_module(module), name)))


def _iter_fields(settings: Any) -> Iterator[SettingsField]:
    # a pydantic class: control, which needs no packages, has no type for it
    seen: set[str] = set()
    for owner in reversed(settings.__mro__):
        for name, field in getattr(owner, "model_fields", {}).items():
            if name in seen or _PER_PROCESS_VARIABLES.fullmatch(name.upper()):
                continue
            seen.add(name)
            if not field.description:
                raise SystemExit(f"{owner.__module__}.{owner.__name__}.{name} has no description")
            yield SettingsField(
                name=name.upper(),
                description=" ".join(field.description.split()),
                default=_format_default(field.default),
                class_name=owner.__name__,
                package=owner.__module__.partition(".")[0],
            )


def _format_default(value: object) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return str(value) if type(value) in (str, int) else ""


def _render_variables() -> str:
    fields = {service: read_fields(service) for service in SERVICES}
    ports = {it.name: it.default for of in fields for it in fields[of] if it.name == of.port}
    names = {service.name: [it.name for it in fields[service]] for service in SERVICES}
    return json.dumps({"default_ports": ports, "variables": names}, indent=1) + "\n"


def _replace_environment(match: re.Match[str]) -> str:
    (service,) = (it for it in SERVICES if it.name == match["service"])
    own = [field.name for field in read_fields(service)]
    values = {
        name: _COMPOSE_VALUES.get(name) or _format_compose_value(name, source)
        for name, source in service.map_variables(own).items()
        # the image sets STATE_DIR, and each container has its usual port to itself
        if name != "STATE_DIR" and (name != service.port or name in _COMPOSE_VALUES)
    }
    values |= _EXTRA_COMPOSE_VALUES.get(service.name, {})
    start, end = match.start("body") - match.start(), match.end("body") - match.start()
    body = "".join(f"      {name}: {value}\n" for name, value in values.items())
    return match[0][:start] + body + match[0][end:]


def _format_compose_value(name: str, source: str) -> str:
    default = ""
    for service in SERVICES:
        if name == f"{service.name.upper()}_URL" and service.port:
            port = next(it.default for it in read_fields(service) if it.name == service.port)
            default = f"http://{service.name}:{port}"
    return f"${{{source}:-{default}}}"


def _replace_block(match: re.Match[str]) -> str:
    indent, name = match[1], match[2]
    body = "".join(f"{indent}{line}\n" for line in _BLOCKS[name])
    return f"{indent}# generated: {name}\n{body}{indent}# end of generated lines\n"


def _render_override_services() -> Iterator[str]:
    for service in SERVICES:
        owner = service.name if service.port else "rest_service"
        for suffix in ("", "_replica") if service.has_shared_port else ("",):
            yield f"{service.name}{suffix}:"
            yield "  <<: *generated_secrets"
            if service.name == "sandbox":
                yield "  profiles: !reset []"
            yield f'  volumes: ["made_{owner}:/made:ro"]'


_VOLUME_OWNERS = (*DATABASES, *(service.name for service in SERVICES if service.port))
_BLOCKS: dict[str, Iterable[str]] = {
    "mounts": ("- made:/made", *(f"- made_{name}:/made/{name}" for name in _VOLUME_OWNERS)),
    "services": tuple(_render_override_services()),
    "volumes": ("made:", *(f"made_{name}:" for name in _VOLUME_OWNERS)),
}


def main(root: Path, *, fix: bool) -> int:
    """Write outdated files with `fix`, else name them and return 1 if there are any."""
    stale = [item for item in render_all(root).items() if item[0].read_text("utf-8") != item[1]]
    for path, text in stale:
        if fix:
            path.write_text(text, "utf-8")
        state = "written" if fix else "is out of date: run ./manage.py check --fix"
        print(f"{path.relative_to(root)} {state}")
    return 1 if stale and not fix else 0


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent.parent, fix="--fix" in sys.argv[1:]))
