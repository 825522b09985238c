"""The proxy of the environment, for sessions of aiohttp.

aiohttp's `trust_env` would look it up with each request, and read `~/.netrc` in a thread besides.
"""

import ipaddress
from urllib.request import getproxies, proxy_bypass

from yarl import URL


def find_proxy(server_url: str) -> URL | None:
    """Return the proxy for this server by HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY.

    A server on this machine has none: the operator's proxy is meant for others. The URL may hold a
    password.
    """
    server, proxies = URL(server_url), getproxies()
    given = proxies.get(server.scheme) or proxies.get("all")
    if not given or _is_loopback(server.host or "") or proxy_bypass(server.host or ""):
        return None
    return URL(given if "://" in given else f"http://{given}")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
