"""Decides which URLs and IP addresses are public. Everything not clearly public is refused.

The networks are those of IANA's registries of special-purpose addresses (RFC 6890 and its updates)
as of 2025-10. `ipaddress.is_global` is not used: it accepts multicast, 6to4 and NAT64, and its
answers depend on the Python release.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self
from urllib.parse import quote, urljoin

from smart_kit.errors import UpstreamRejected

_NON_PUBLIC_NETWORKS = tuple(
    map(
        ip_network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
            "168.63.129.16/32",  # Azure's metadata service
            *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24"),
            *("192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24"),
            *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            "2001::/23",  # Teredo, ORCHID and others
            *("2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"),
        ),
    )
)
_GLOBAL_UNICAST_V6 = ip_network("2000::/3")
"""All assigned public IPv6 addresses.

Loopback, ULA, link-local, multicast, IPv4-mapped, IPv4-compatible and NAT64 addresses are outside.
"""

_PRIVATE_HOST_NAMES = re.compile(
    r"(.*\.)?(localhost|localdomain|local|internal|intranet|lan|home|corp|private|test|invalid"
    r"|onion|alt|arpa|metadata\.(tencentyun\.com|azure\.com|platformequinix\.com|packet\.net))"
)
_URL_PATTERN = re.compile(r"(https?)://([^/?#]*)([/?][^#]*)?", re.IGNORECASE | re.ASCII)
_AUTHORITY_PATTERN = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([1-9][0-9]{0,4}))?")
_DNS_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMERIC_LABEL = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WHITESPACE_OR_CONTROL = re.compile(
    r"[\x00-\x20\x7f-\xa0\u1680\u180e\u2000-\u200f\u2028-\u202f\ufeff]"
)
_PRINTABLE_ASCII = "".join(map(chr, range(0x21, 0x7F)))
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressBlocked(UpstreamRejected):
    """Requests to this address are not allowed."""


@dataclass(frozen=True)
class CanonicalUrl:
    """A URL in a canonical spelling that every program interprets in the same way."""

    scheme: str
    host: str
    """A name or an IP address; IPv6 without brackets."""
    port: int
    path_and_query: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a URL. Raises AddressBlocked if two programs may read it differently."""
        match = _URL_PATTERN.fullmatch(text)
        if match is None or _WHITESPACE_OR_CONTROL.search(text) or "\\" in text:
            reason = "The URL must begin with http:// or https:// and contain no spaces."
            raise AddressBlocked(reason)
        authority = _AUTHORITY_PATTERN.fullmatch(match[2].lower())
        if authority is None or not match[2].isascii():  # lower() turns the Kelvin sign into k
            raise AddressBlocked(
                "Between // and the path there must be a host name in Latin letters (xn--…) or an"
                " IP address, with an optional port."
            )
        scheme, rest = match[1].lower(), match[3] or "/"
        address, name, port = authority.groups()
        if port is not None and int(port) > 65535:
            raise AddressBlocked("The port must be at most 65535.")
        host = _parse_ipv6(address) if address is not None else _parse_host_name(name)
        number = int(port) if port else _DEFAULT_PORTS[scheme]
        path_and_query = _encode_path_and_query(rest if rest.startswith("/") else f"/{rest}")
        return cls(scheme, host, number, path_and_query)

    @property
    def authority(self) -> str:
        """`host:port`; the port is always present."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """`scheme://host:port`; the port is always present, so equal servers have equal origins."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        is_default_port = self.port == _DEFAULT_PORTS[self.scheme]
        authority = self.authority.rpartition(":")[0] if is_default_port else self.authority
        return f"{self.scheme}://{authority}{self.path_and_query}"

    def join(self, location: str) -> "CanonicalUrl":
        """Return the target of a redirect from this URL. Raises AddressBlocked."""
        if _WHITESPACE_OR_CONTROL.search(location) or "\\" in location:
            raise AddressBlocked("The target of a redirect is not a valid URL.")
        try:
            return CanonicalUrl.parse(urljoin(str(self), location.partition("#")[0]))
        except ValueError as error:
            raise AddressBlocked("The target of a redirect is not a valid URL.") from error

    def check_public_host(self) -> None:
        """Raises AddressBlocked if the host's name or address is not public."""
        if _parse_ip(self.host) is not None:
            check_public_address(self.host)
        elif "." not in self.host or _PRIVATE_HOST_NAMES.fullmatch(self.host):
            raise AddressBlocked(f"{self.host} is not a public host.")


def check_public_address(text: str) -> None:
    """Raises AddressBlocked for anything but the IP address of a public host."""
    address = _parse_ip(text)
    is_public = address is not None and not any(address in part for part in _NON_PUBLIC_NETWORKS)
    if isinstance(address, IPv6Address):
        is_public &= address in _GLOBAL_UNICAST_V6 and address.scope_id is None
    if not is_public:
        raise AddressBlocked("The host is not a public one.")


def _parse_ipv6(text: str) -> str:
    address = _parse_ip(text)
    if not isinstance(address, IPv6Address):
        raise AddressBlocked("The text in [] is not an IPv6 address.")
    return str(address)


def _parse_host_name(text: str) -> str:
    """Accept a name or four decimal numbers, not the other forms that resolvers take for IPs."""
    labels = text.split(".")
    if _NUMERIC_LABEL.fullmatch(labels[-1]):
        if _parse_ip(text) is None:
            raise AddressBlocked("The host is neither a name nor an IP address.")
    elif len(text) > 253 or not all(map(_DNS_LABEL.fullmatch, labels)):
        raise AddressBlocked("The host name is not valid.")
    return text


def _encode_path_and_query(text: str) -> str:
    try:
        return quote(text, safe=_PRINTABLE_ASCII, errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise AddressBlocked("The URL contains an unpaired surrogate.") from error


def _parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
