"""Replicas in Compose.

Only one container can publish a port. The first replica of a service with a published port is
therefore a Compose service of its own; the others form a second one, which has the same alias in
the internal networks.
"""

from collections.abc import Container, Iterable, Iterator, Mapping

_REPLICA_SERVICES = {"rest_service": "rest_service_replica"}
_BASE_SERVICES = {further: service for service, further in _REPLICA_SERVICES.items()}


def build_scale_options(counts: Mapping[str, int], selected: Container[str]) -> Iterator[str]:
    """Yield the options of `docker compose up`, which starts one of each without them."""
    for service, count in counts.items():
        if service in selected:
            yield "--scale"
            replica_service = _REPLICA_SERVICES.get(service)
            yield f"{replica_service}={count - 1}" if replica_service else f"{service}={count}"


def with_replica_services(services: Iterable[str]) -> tuple[str, ...]:
    """Return Compose's names of these services, including their replicas."""
    names = [(service, _REPLICA_SERVICES.get(service)) for service in services]
    return tuple(name for pair in names for name in pair if name)


def parse_replica(compose_service: str, number: int) -> tuple[str, int]:
    """Return the service and the number of the replica."""
    service = _BASE_SERVICES.get(compose_service)
    return (service, number + 1) if service else (compose_service, number)
