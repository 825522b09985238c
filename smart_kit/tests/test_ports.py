"""Ports for tests: each is asked for once, whoever asks at the same time."""

import pytest

from smart_kit.testing.ports import free_port, free_ports


def test_a_port_is_given_once_though_nobody_has_taken_it_yet() -> None:
    given = [free_port() for _ in range(300)] + free_ports(8)
    assert len(set(given)) == len(given)


def test_two_workers_never_choose_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_XDIST_WORKER_COUNT", "3")
    ranges = list[range]()
    for worker in ("gw0", "gw1", "gw2"):
        monkeypatch.setenv("PYTEST_XDIST_WORKER", worker)
        given = [free_port() for _ in range(200)] + [free_ports(8)[-1] + 950]
        ranges.append(range(min(given), max(given) + 1))
    assert ranges[0].stop <= ranges[1].start < ranges[1].stop <= ranges[2].start
