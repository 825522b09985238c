"""TLS settings of HTTP clients."""

import ssl
from functools import cache


@cache
def get_ssl_context() -> ssl.SSLContext:
    """Return a shared context, because reading the system's certificates takes long."""
    import httpx2  # 4 MB: with rest_service at http://, not every service needs it

    return httpx2.create_ssl_context()


def choose_ssl_context(url: str) -> ssl.SSLContext:
    """Return the system's certificates only if they are needed: they take 2 MB and 70 ms."""
    if url.lower().startswith("https:"):
        return get_ssl_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # trusts nothing
