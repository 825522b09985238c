"""Which addresses out there may be asked: what an URL says, and what DNS answers.

Refused is whatever is not plainly public. The networks are those of IANA's registries of
special-purpose addresses (RFC 6890 and its updates), as of 2025-10.
"""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self
from urllib.parse import quote, urljoin

from smart_kit.errors import UpstreamRejected

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        (
            "0.0.0.0/8",
            "10.0.0.0/8",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's metadata, the one public address that is nobody's server
            "169.254.0.0/16",
            "172.16.0.0/12",
            "192.0.0.0/24",
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",
            "240.0.0.0/4",
            "2001::/23",  # Teredo, ORCHID and others
            "2001:db8::/32",
            "2002::/16",
            "2620:4f:8000::/48",
            "3fff::/20",
        ),
    )
)
_PUBLIC_V6 = ip_network("2000::/3")
"""All that is given out. Loopback, ULA, link-local, multicast, IPv4-mapped and -compatible
addresses and both prefixes of NAT64 are outside it."""

_PRIVATE_NAMES = re.compile(
    r"(.*\.)?(localhost|localdomain|local|internal|intranet|lan|home|corp|private|test|invalid"
    r"|onion|alt|arpa|metadata\.(tencentyun\.com|azure\.com|platformequinix\.com|packet\.net))"
)
_SPELLING = re.compile(r"(https?)://([^/?#]*)([/?][^#]*)?", re.IGNORECASE | re.ASCII)
_AUTHORITY = re.compile(r"(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_WHITE_OR_CONTROL = re.compile(r"[\x00-\x20\x7f-\xa0\u1680\u180e\u2000-\u200f\u2028-\u202f\ufeff]")
_AS_THEY_ARE = "".join(map(chr, range(0x21, 0x7F)))
_DEFAULT_PORTS = {"http": 80, "https": 443}


class AddressRefused(UpstreamRejected):
    """The address is not one that may be asked."""


@dataclass(frozen=True)
class OutsideUrl:
    """An address that is spelt in the one way that every program reads alike."""

    scheme: str
    host: str
    """A name, or an address; IPv6 without brackets."""
    port: int
    rest: str
    """Path and query."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises AddressRefused for every spelling that two programs could read differently."""
        spelling = _SPELLING.fullmatch(text)
        if spelling is None or _WHITE_OR_CONTROL.search(text) or "\\" in text:
            raise AddressRefused("It is not an address that begins with http:// or https://.")
        authority = _AUTHORITY.fullmatch(spelling[2].lower())
        if authority is None or not spelling[2].isascii():  # lower() makes a k of the Kelvin sign
            raise AddressRefused(
                "Between // and the path stand only a host's name, in Latin letters (xn--…), or its"
                " address, and perhaps a port."
            )
        scheme, rest = spelling[1].lower(), spelling[3] or "/"
        address, name, port = authority.groups()
        if port is not None and int(port) > 65535:
            raise AddressRefused("There is no such port.")
        host = _address(address) if address is not None else _name(name)
        number = int(port) if port else _DEFAULT_PORTS[scheme]
        return cls(scheme, host, number, _rest(rest if rest.startswith("/") else f"/{rest}"))

    @property
    def authority(self) -> str:
        """host:port, the port always there."""
        return f"{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"

    @property
    def origin(self) -> str:
        """scheme://host:port, the port always there: equal for equal servers."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        is_usual = self.port == _DEFAULT_PORTS[self.scheme]
        authority = self.authority.rpartition(":")[0] if is_usual else self.authority
        return f"{self.scheme}://{authority}{self.rest}"

    def joined(self, location: str) -> "OutsideUrl":
        """Where a redirect from here leads. Raises AddressRefused."""
        if _WHITE_OR_CONTROL.search(location) or "\\" in location:
            raise AddressRefused("A redirect's address cannot be read.")
        try:
            return OutsideUrl.parse(urljoin(str(self), location.partition("#")[0]))
        except ValueError as error:
            raise AddressRefused("A redirect's address cannot be read.") from error

    def check(self) -> None:
        """Raises AddressRefused where the host is, by what it is called, not a public one."""
        address = _parsed(self.host)
        if address is not None:
            check_address(self.host)
        elif "." not in self.host or _PRIVATE_NAMES.fullmatch(self.host):
            raise AddressRefused(f"{self.host} is not a public host.")


def check_address(text: str) -> None:
    """Raises AddressRefused for what is not the address of a public host."""
    address = _parsed(text)
    is_public = address is not None and not any(address in network for network in _NOT_PUBLIC)
    if is_public and isinstance(address, IPv6Address):
        is_public = address in _PUBLIC_V6 and address.scope_id is None
    if not is_public:
        raise AddressRefused("The host is not a public one.")


def _address(text: str) -> str:
    address = _parsed(text)
    if not isinstance(address, IPv6Address):
        raise AddressRefused("What stands in [] is no IPv6 address.")
    return str(address)


def _name(text: str) -> str:
    """A name, or four decimal numbers; nothing else that some resolver takes for an address."""
    labels = text.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if _parsed(text) is None:
            raise AddressRefused("The host is neither a name nor an address of four numbers.")
    elif len(text) > 253 or not all(map(_LABEL.fullmatch, labels)):
        raise AddressRefused("The host's name is none.")
    return text


def _rest(text: str) -> str:
    """Path and query in ASCII."""
    try:
        return quote(text, safe=_AS_THEY_ARE, errors="surrogateescape")
    except UnicodeEncodeError as error:
        raise AddressRefused("It holds half a character.") from error


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
