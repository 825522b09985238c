"""The proxy of the environment, for sessions of aiohttp.

aiohttp's `trust_env` would look it up with each request, and read `~/.netrc` in a thread besides.
"""

import ipaddress
import os
from functools import cache
from urllib.request import getproxies, proxy_bypass

import structlog
from yarl import URL

from smart_kit.errors import ConfigurationError

_SCHEMES = ("http", "https")
"""What aiohttp can speak to a proxy. It would speak HTTP to any other."""

log = structlog.stdlib.get_logger()


def find_proxy(server_url: str) -> URL | None:
    """Return the proxy for this server by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    A server on this machine has none: the operator's proxy is meant for others. The URL may hold a
    password. Raises ConfigurationError for a malformed URL.
    """
    server = URL(server_url)
    if _is_loopback(server.host or "") or proxy_bypass(server.host or ""):
        return None
    return _read_proxy(server.scheme) or _read_proxy("all")


def check_proxies() -> None:
    """Raise ConfigurationError if the URL of a proxy is malformed."""
    for kind in (*_SCHEMES, "all"):
        _read_proxy(kind)


def _read_proxy(kind: str) -> URL | None:
    given = getproxies().get(kind)
    if not given:
        return None
    variable = f"{kind}_proxy"
    variable = variable if os.environ.get(variable) else variable.upper()
    given = given if "://" in given else f"http://{given}"
    if given.partition("://")[0].lower() not in _SCHEMES:
        _warn_of_unsupported_proxy(variable)
        return None
    try:
        url = URL(given)
    except ValueError:  # its text may have the password
        url = URL()
    if not url.host:
        raise ConfigurationError(f"{variable} is not the URL of a proxy, like http://host:3128")
    return url


@cache  # once for each variable
def _warn_of_unsupported_proxy(variable: str) -> None:
    log.warning("proxy ignored: only http and https are supported", variable=variable)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
