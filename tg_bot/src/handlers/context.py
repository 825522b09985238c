"""What handlers work with."""

from dataclasses import dataclass

from ..client.rest import RestClient
from ..services.access import AccessControl

REST_TIMEOUT_SECONDS = 3.0
"""How long somebody who waits for a greeting may hold up the rest of their chat."""


@dataclass(frozen=True)
class HandlerContext:
    """Made once, in `main.py`."""

    rest: RestClient
    access: AccessControl
