"""SafeHttpClient against a private server on this machine and hostile DNS."""

from ipaddress import ip_network

import pytest

from smart_kit.errors import UpstreamUnavailable
from smart_kit.safe_http.client import ConnectionFailed, SafeHttpClient
from smart_kit.safe_http.public_url import AddressBlocked, CanonicalUrl
from smart_kit.testing.hostile_urls import HOSTILE_URLS, PRIVATE_ADDRESSES
from smart_kit.tests.safe_http_harness import (
    PUBLIC_ADDRESS,
    CanaryServer,
    FakeResolver,
    FakeSocketFactory,
    is_address_blocked,
    make_get_request,
    make_safe_http_client,
)

PRIVATE_NAMES = (
    *("localhost", "localdomain", "local", "internal", "intranet", "lan", "home", "corp"),
    *("private", "test", "invalid", "onion", "alt", "arpa", "metadata.tencentyun.com"),
    *("metadata.azure.com", "metadata.platformequinix.com", "metadata.packet.net"),
)
_PRIVATE_NETWORK_SAMPLES = """\
0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 168.63.129.16/32 169.254.0.0/16 172.16.0.0/12
192.0.0.0/24 192.0.2.0/24 192.31.196.0/24 192.52.193.0/24 192.88.99.0/24 192.168.0.0/16
192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20
::/128 ::1/128 ::ffff:0:0/96 ::/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 5f00::/16 fc00::/7
fe80::/10 fec0::/10 ff00::/8 4000::/2 8000::/1"""
PRIVATE_NETWORKS = tuple(_PRIVATE_NETWORK_SAMPLES.split())
"""Repeated here, so that removing one from the code fails a test."""


async def test_canary_server_records_connections(canary_server: CanaryServer) -> None:
    async with make_safe_http_client(private_hosts=[f"127.0.0.1:{canary_server.port}"]) as http:
        with pytest.raises(UpstreamUnavailable):
            await http.send(make_get_request(f"http://127.0.0.1:{canary_server.port}/"))

    assert canary_server.connection_count == 1


def test_hostile_urls_are_many_and_distinct() -> None:
    assert len(set(HOSTILE_URLS)) == len(HOSTILE_URLS) >= 150


@pytest.mark.parametrize("address", ["127.0.0.1", PUBLIC_ADDRESS])
async def test_hostile_url_is_refused_before_lookup_and_connection(
    canary_server: CanaryServer, address: str
) -> None:
    dns, sockets = FakeResolver((address,)), FakeSocketFactory()
    async with make_safe_http_client(lookup=dns, socket_factory=sockets) as http:
        for hostile in HOSTILE_URLS:
            url = hostile.replace("{port}", str(canary_server.port))
            assert await is_address_blocked(http, url), url

    assert (canary_server.connection_count, dns.lookups, sockets.dialed) == (0, [], [])


async def test_hostile_urls_reach_no_canary_with_the_system_resolver(
    canary_server: CanaryServer,
) -> None:
    async with make_safe_http_client() as http:
        for hostile in HOSTILE_URLS:
            url = hostile.replace("{port}", str(canary_server.port))
            assert await is_address_blocked(http, url), url

    assert canary_server.connection_count == 0


@pytest.mark.parametrize("place", ["alone", "first", "last"])
async def test_name_with_a_private_address_is_refused(
    canary_server: CanaryServer, place: str
) -> None:
    sockets = FakeSocketFactory()
    for private in PRIVATE_ADDRESSES:
        answers = {
            "alone": (private,),
            "first": (private, PUBLIC_ADDRESS),
            "last": (PUBLIC_ADDRESS, private),
        }
        async with make_safe_http_client(
            lookup=FakeResolver(answers[place]), socket_factory=sockets
        ) as http:
            url = f"http://rebind.example.com:{canary_server.port}/"
            assert await is_address_blocked(http, url), private

    assert (canary_server.connection_count, sockets.dialed) == (0, [])


async def test_dns_rebinding_connects_to_the_checked_address(
    canary_server: CanaryServer,
) -> None:
    dns, sockets = FakeResolver((PUBLIC_ADDRESS,), ("127.0.0.1",)), FakeSocketFactory()
    async with make_safe_http_client(lookup=dns, socket_factory=sockets) as http:
        url = f"http://rebind.example.com:{canary_server.port}/"
        with pytest.raises(ConnectionFailed):
            await http.send(make_get_request(url))
        assert (sockets.dialed, len(dns.lookups)) == ([PUBLIC_ADDRESS], 1)
        with pytest.raises(AddressBlocked):
            await http.send(make_get_request(url))

    assert (canary_server.connection_count, sockets.dialed, len(dns.lookups)) == (
        0,
        [PUBLIC_ADDRESS],
        2,
    )


async def test_each_public_address_of_a_name_is_tried() -> None:
    answers = (PUBLIC_ADDRESS, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC_ADDRESS)
    dns, sockets = FakeResolver(answers), FakeSocketFactory()
    async with make_safe_http_client(lookup=dns, socket_factory=sockets) as http:
        with pytest.raises(ConnectionFailed) as failure:
            await http.send(make_get_request("https://example.com/"))

    assert failure.value.message == "The server cannot be reached: ClientConnectorError."
    assert dns.lookups == [("example.com", 443)]
    assert sorted(sockets.dialed) == sorted(set(answers))


@pytest.mark.parametrize(
    "url",
    [
        "http://8.8.8.8/",
        "https://[2606:4700:4700::1111]/",
        "https://[2606:4700:4700:0:0:0:0:1111]:8443/a",
        "http://172.32.0.1/",
        "http://100.128.0.1/",
        "http://Example.COM/",
        "https://xn--e1afmkfd.xn--p1ai:8443/a?b=c",
        "https://example.com?b=c",
        "https://my_bucket.example.com/%2e%2e/",
        "http://127.0.0.1.example.com/",
        "http://example.com/@127.0.0.1",
        "http://localhost.example.com/",
    ],
)
async def test_public_url_is_connected(url: str) -> None:
    sockets = FakeSocketFactory()
    async with make_safe_http_client(
        lookup=FakeResolver((PUBLIC_ADDRESS,)), socket_factory=sockets
    ) as http:
        with pytest.raises(ConnectionFailed):
            await http.send(make_get_request(url))

    assert len(sockets.dialed) == 1


@pytest.mark.parametrize("failure", [OSError("no such name"), UnicodeError("label too long")])
async def test_unresolvable_name_is_refused(failure: Exception) -> None:
    async def lookup(_: str, __: int) -> list[str]:
        raise failure

    async with make_safe_http_client(lookup=lookup) as http:
        with pytest.raises(AddressBlocked) as unknown:
            await http.send(make_get_request("http://example.com/"))
    async with make_safe_http_client(lookup=FakeResolver(())) as http:
        with pytest.raises(AddressBlocked) as empty:
            await http.send(make_get_request("http://example.com/"))
    assert unknown.value.message == empty.value.message == "example.com cannot be resolved."


@pytest.mark.parametrize("half", ["\ud800", "a\udfff", "?b=\ud83d"])
def test_unpaired_surrogate_is_refused(half: str) -> None:
    with pytest.raises(AddressBlocked):
        CanonicalUrl.parse(f"http://a.b.com/{half}")


@pytest.mark.parametrize("network", PRIVATE_NETWORKS)
async def test_private_network_is_not_connected(network: str) -> None:
    sockets = FakeSocketFactory()
    for address in (ip_network(network)[0], ip_network(network)[-1]):
        async with make_safe_http_client(
            lookup=FakeResolver((str(address),)), socket_factory=sockets
        ) as http:
            assert await is_address_blocked(http, "http://rebind.example.com/"), address
            host = f"[{address}]" if address.version == 6 else str(address)
            assert await is_address_blocked(http, f"http://{host}/"), address
    assert sockets.dialed == []


@pytest.mark.parametrize("name", PRIVATE_NAMES)
@pytest.mark.parametrize("below", ["", "a.", "a.b.", "A."])
async def test_private_name_is_not_looked_up(name: str, below: str) -> None:
    dns = FakeResolver((PUBLIC_ADDRESS,))
    async with make_safe_http_client(lookup=dns) as http:
        assert await is_address_blocked(http, f"http://{below}{name}/")
    assert dns.lookups == []


async def test_private_host_is_allowed_at_its_port_only(canary_server: CanaryServer) -> None:
    async with make_safe_http_client(
        private_hosts=["127.0.0.1", "127.0.0.2:81", "nas.lan:81"]
    ) as http:
        for url in ("http://127.0.0.1:{port}/", "http://127.0.0.2/", "http://x.nas.lan:81/"):
            with pytest.raises(AddressBlocked):
                await http.send(make_get_request(url.replace("{port}", str(canary_server.port))))
    assert canary_server.connection_count == 0


async def test_private_host_without_port_has_the_default_ports() -> None:
    sockets = FakeSocketFactory()
    dns = FakeResolver(("10.0.0.7",))
    async with make_safe_http_client(
        private_hosts=["nas.lan"], lookup=dns, socket_factory=sockets
    ) as http:
        for url in ("http://nas.lan/", "https://nas.lan/"):
            with pytest.raises(ConnectionFailed):
                await http.send(make_get_request(url))
    assert sockets.dialed == ["10.0.0.7"] * 2


async def test_invalid_private_host_is_refused() -> None:
    for wrong in ("http://nas.lan", "user@nas.lan", "nas.lan:port", ""):
        with pytest.raises(AddressBlocked):
            SafeHttpClient([wrong])
    with pytest.raises(AddressBlocked) as refused:
        SafeHttpClient(["nas.lan/x"])
    assert refused.value.message == "'nas.lan/x' is not a host with an optional port."
