"""docker-compose.yml runs the same suite as local mode, with the same processes and variables."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from control import replicas
from control.local.postgres import MAX_CONNECTIONS, MEMORY_ENVIRONMENT, MEMORY_OPTIONS
from control.services import SERVICES, Service
from rest_service.app.database import MAX_OVERFLOW, POOL_SIZE

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SET_BY_IMAGE = {"PORT", "STATE_DIR"}
PUBLISHED_PORTS = {service.port for service in SERVICES} - {"SANDBOX_PORT"}
"""Port variables that containers do not need, because each listens at its default port. Only the
sandbox needs its published port, for links to its chat page."""

REPLICA = "rest_service_replica"
"""The compose service for further rest_service containers: only one can publish the port."""


def test_compose_has_exactly_the_services_of_the_table() -> None:
    names = {service.name for service in SERVICES}
    assert set(COMPOSE["services"]) == {"postgres", "redis", REPLICA, *names}


def test_a_rest_service_replica_differs_only_in_its_published_port() -> None:
    first, replica = COMPOSE["services"]["rest_service"], dict(COMPOSE["services"][REPLICA])

    assert (replica.pop("scale"), replica.pop("ports")) == (0, [])
    networks = replica.pop("networks")
    assert set(networks) == set(first["networks"])
    for network in ("queues", "outside"):
        assert networks[network] == {"aliases": ["rest_service"]}
    assert replica == {name: first[name] for name in replica}
    assert set(first) - set(replica) == {"networks", "ports"}


def test_replicable_services_except_rest_service_publish_no_port() -> None:
    for service in SERVICES:
        if service.is_replicable and service.name != "rest_service":
            assert "ports" not in COMPOSE["services"][service.name]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_container_gets_the_variables_of_its_local_process(service: Service) -> None:
    in_container = set(COMPOSE["services"][service.name]["environment"])
    in_process = set(service.variables)

    assert in_container - SET_BY_IMAGE == in_process - SET_BY_IMAGE - PUBLISHED_PORTS


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_container_runs_the_command_of_its_local_process(service: Service) -> None:
    definition = COMPOSE["services"][service.name]
    command = definition["command"]
    arguments = [command] if isinstance(command, str) else command

    assert ("-m", *arguments) == service.arguments
    assert definition["build"]["args"]["SERVICE"] == (
        "rest_service" if service.name == "migrate" else service.name
    )


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_unprivileged_and_has_time_to_stop(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_postgres_accepts_the_connections_of_all_rest_service_replicas() -> None:
    max_connections = POOL_SIZE + MAX_OVERFLOW
    reserve = 30  # for migrations and operators

    assert int(MAX_CONNECTIONS) >= replicas.MAX_REPLICAS * max_connections + reserve
    command = COMPOSE["services"]["postgres"]["command"]
    assert f"max_connections={MAX_CONNECTIONS}" in command


def test_postgres_has_the_memory_options_of_local_mode() -> None:
    command = COMPOSE["services"]["postgres"]["command"]

    assert all(f"-c {name}={value}" in command for name, value in MEMORY_OPTIONS.items())
    environment = COMPOSE["services"]["postgres"]["environment"]
    assert {name: str(environment.get(name)) for name in MEMORY_ENVIRONMENT} == MEMORY_ENVIRONMENT


@pytest.mark.parametrize(
    "setting",
    [
        *("appendonly yes", "appendfsync always", "maxmemory-policy noeviction"),
        "list-max-listpack-size 8",
    ],
)
def test_redis_has_the_settings_of_local_mode(setting: str) -> None:
    assert f"--{setting}" in " ".join(COMPOSE["services"]["redis"]["command"])
