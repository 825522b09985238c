"""Replicas as Compose knows them.

One container can have a port of this machine: so the first of a service with such a port is what
docker-compose.yml calls by the service's name, and the others are a service of their own there,
found by the others' name on the inner networks.
"""

from collections.abc import Container, Iterable, Iterator, Mapping

_FURTHER = {"rest_service": "rest_service_replica"}
_SERVICES = {further: service for service, further in _FURTHER.items()}


def options(counts: Mapping[str, int], meant: Container[str]) -> Iterator[str]:
    """What `docker compose up` is told of what it looks at; without a word it makes one of each."""
    for service, count in counts.items():
        if service not in meant:
            continue
        further = _FURTHER.get(service)
        yield from ("--scale", f"{further}={count - 1}" if further else f"{service}={count}")


def expanded(services: Iterable[str]) -> tuple[str, ...]:
    """Compose's names of these services, with all their replicas."""
    names = [(service, _FURTHER.get(service)) for service in services]
    return tuple(name for pair in names for name in pair if name)


def replica(compose_service: str, number: int) -> tuple[str, int]:
    """Whose a container is, and which of them."""
    service = _SERVICES.get(compose_service)
    return (service, number + 1) if service else (compose_service, number)
