"""docker-compose.yml runs the same suite as local mode: the same processes and variables."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from control import replicas
from control.local.postgres import MAX_CONNECTIONS
from control.services import ALEMBIC, SERVICES, Service
from rest_service.app.database import POOL_SIZE

ROOT = Path(__file__).resolve().parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
SET_BY_IMAGE = {"PORT", "STATE_DIR"}
PUBLISHED_PORTS = {service.port for service in SERVICES} - {"SANDBOX_PORT"}
"""A container has its usual port to itself; only the sandbox's page has to know its outer one."""


REPLICA = "rest_service_replica"
"""More of rest_service: one container only can have the port of this machine."""


def test_each_service_of_ours_is_there_and_no_other() -> None:
    ours = {one.name for one in SERVICES}
    assert set(COMPOSE["services"]) == {"postgres", "redis", REPLICA, *ours}


def test_a_replica_is_the_same_service_at_the_same_name_without_a_port_of_this_machine() -> None:
    first, replica = COMPOSE["services"]["rest_service"], dict(COMPOSE["services"][REPLICA])

    assert (replica.pop("scale"), replica.pop("ports")) == (0, [])
    networks = replica.pop("networks")
    assert set(networks) == set(first["networks"])
    for inner in ("queues", "outside"):
        assert networks[inner] == {"aliases": ["rest_service"]}
    assert replica == {name: first[name] for name in replica}
    assert set(first) - set(replica) == {"networks", "ports"}


def test_what_may_have_replicas_has_no_port_of_this_machine_but_its_first() -> None:
    for service in SERVICES:
        if service.is_replicable and service.name != "rest_service":
            assert "ports" not in COMPOSE["services"][service.name]


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_container_is_given_what_its_process_is_given_in_local_mode(service: Service) -> None:
    given = set(COMPOSE["services"][service.name]["environment"])
    local = set(service.variables)

    assert given - SET_BY_IMAGE == local - SET_BY_IMAGE - PUBLISHED_PORTS


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: service.name)
def test_a_container_runs_what_local_mode_runs(service: Service) -> None:
    described = COMPOSE["services"][service.name]
    command = described["command"]
    words = [command] if isinstance(command, str) else command

    assert ("-m", *words) == service.arguments
    assert described["build"]["args"]["SERVICE"] == (
        "rest_service" if service.arguments[:2] == ALEMBIC[:2] else service.name
    )


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_every_container_is_confined_and_ends_in_order(name: str) -> None:
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["stop_grace_period"].removesuffix("s")) >= 20
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))


def test_postgres_takes_the_connections_of_as_many_rest_services_as_there_may_be() -> None:
    most_of_one = 2 * POOL_SIZE  # in a rush, see rest_service/app/database.py

    assert int(MAX_CONNECTIONS) >= replicas.MAX_REPLICAS * most_of_one + 30, "some for the operator"
    command = COMPOSE["services"]["postgres"]["command"]
    assert f"max_connections={MAX_CONNECTIONS}" in command


@pytest.mark.parametrize(
    "setting", ["appendonly yes", "appendfsync always", "maxmemory-policy noeviction"]
)
def test_what_redis_has_acknowledged_is_on_the_disk(setting: str) -> None:
    assert f"--{setting}" in " ".join(COMPOSE["services"]["redis"]["command"])
