import socket
from pathlib import Path

import pytest

from control.errors import ControlError
from control.local import preflight
from control.local.component import Component, Port
from control.local.process import LaunchSpec
from smart_kit.testing.ports import free_port


def make_component(name: str, variable: str, port: int) -> Component:
    launch = LaunchSpec((), {}, Path())
    return Component(name, "service", launch.return_self, ports=(Port(variable, port),))


def test_busy_port_is_reported_with_component_and_variable() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(ControlError, match=rf"port {port}, where tg_bot .* set TG_BOT_PORT"):
            preflight.check_ports([make_component("tg_bot", "TG_BOT_PORT", port)])


def test_port_on_all_addresses_is_busy_too() -> None:
    with socket.socket() as squatter:
        squatter.bind(("0.0.0.0", 0))
        squatter.listen()
        with pytest.raises(ControlError, match="is in use"):
            preflight.check_ports([make_component("a", "A_PORT", squatter.getsockname()[1])])


def test_free_ports_pass() -> None:
    preflight.check_ports(
        [make_component("a", "A_PORT", free_port()), make_component("b", "B_PORT", free_port())]
    )


def test_same_port_for_two_components_is_refused() -> None:
    port = free_port()
    with pytest.raises(ControlError, match=rf"A_PORT and B_PORT are both {port}"):
        preflight.check_ports(
            [make_component("a", "A_PORT", port), make_component("b", "B_PORT", port)]
        )


def test_derived_port_is_reported_with_its_variable() -> None:
    first, port = free_port(), free_port()
    replica = Component(
        "a.2", "service", LaunchSpec((), {}, Path()).return_self, ports=(Port("A", port, 150),)
    )
    with pytest.raises(ControlError, match=rf"A \+ 150 and B_PORT are both {port}"):
        preflight.check_ports(
            [make_component("a", "A", first), replica, make_component("b", "B_PORT", port)]
        )


def test_almost_full_disk_is_reported_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preflight, "MIN_FREE_BYTES", 1)
    preflight.check_disk_space(tmp_path)
    monkeypatch.setattr(preflight, "MIN_FREE_BYTES", 2**62)
    with pytest.raises(ControlError, match=rf"the disk is full: \d+ MB free for {tmp_path}"):
        preflight.check_disk_space(tmp_path)
