"""Ports for tests: no two test processes get the same one."""

import pytest

from smart_kit.testing.ports import free_port, free_ports

REPLICAS = (0, *range(50, 1000, 100))


def test_unused_port_is_not_returned_twice() -> None:
    ports = [free_port() for _ in range(300)] + free_ports(8)
    assert len(set(ports)) == len(ports)


def test_replica_ports_of_two_suites_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    """Although no server listens yet. With four workers, each has the fewest ports."""
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "4")
    suites = [[port + above for port in free_ports(8) for above in REPLICAS] for _ in range(5)]
    ports = [port for suite in suites for port in suite]
    assert len(set(ports)) == len(ports)
    assert set(ports).isdisjoint(free_port() for _ in range(300))


def test_workers_choose_different_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    ranges = list[range]()
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        ports = [free_port() for _ in range(200)] + [free_ports(8)[-1] + 950]
        ranges.append(range(min(ports), max(ports) + 1))
    assert ranges[0].stop <= ranges[1].start < ranges[1].stop <= ranges[2].start
