"""TLS settings of HTTP clients."""

import ssl
from functools import cache

import httpx2


@cache
def get_ssl_context() -> ssl.SSLContext:
    """Return a shared context, because reading the system's certificates takes long."""
    return httpx2.create_ssl_context()
