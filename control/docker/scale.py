"""Replicas as Compose knows them.

One container can have a port of this machine: so the first of a service with such a port is what
docker-compose.yml calls by the service's name, and the others are a service of their own there,
found by the others' name on the inner networks.
"""

from collections.abc import Container, Iterable, Iterator, Mapping

_REPLICA_SERVICES = {"rest_service": "rest_service_replica"}
_BASE_SERVICES = {further: service for service, further in _REPLICA_SERVICES.items()}


def build_scale_options(counts: Mapping[str, int], selected: Container[str]) -> Iterator[str]:
    """What `docker compose up` is told of what it looks at; without a word it makes one of each."""
    for service, count in counts.items():
        if service not in selected:
            continue
        replica_service = _REPLICA_SERVICES.get(service)
        yield from (
            "--scale",
            f"{replica_service}={count - 1}" if replica_service else f"{service}={count}",
        )


def with_replica_services(services: Iterable[str]) -> tuple[str, ...]:
    """Compose's names of these services, with all their replicas."""
    names = [(service, _REPLICA_SERVICES.get(service)) for service in services]
    return tuple(name for pair in names for name in pair if name)


def parse_replica(compose_service: str, number: int) -> tuple[str, int]:
    """Whose a container is, and which of them."""
    service = _BASE_SERVICES.get(compose_service)
    return (service, number + 1) if service else (compose_service, number)
