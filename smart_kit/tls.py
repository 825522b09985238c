"""TLS settings of HTTP clients."""

import ssl
from functools import cache

import httpx2


@cache
def get_ssl_context() -> ssl.SSLContext:
    """Return the one context of this process.

    Clients share it because reading the system's certificates takes longer than many a request.
    """
    return httpx2.create_ssl_context()
