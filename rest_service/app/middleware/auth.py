"""Authentication by bearer token."""

import hmac

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Scope

from smart_kit.api import build_domain_error_response
from smart_kit.contracts.audit import Caller
from smart_kit.errors import NotAuthenticated

from ..config import Settings


class TokenCheck:
    """Refuses requests without a valid token; puts the caller into `request.state.caller`."""

    def __init__(self, settings: Settings) -> None:
        self._tokens: tuple[tuple[Caller, bytes], ...] = (
            ("admin", settings.admin_api_token.get_secret_value().encode()),
            ("service", settings.service_api_token.get_secret_value().encode()),
        )

    def __call__(self, scope: Scope) -> Response | None:
        caller = self._authenticate(Headers(scope=scope).get("authorization", ""))
        if caller is None:
            return build_domain_error_response(NotAuthenticated())
        scope.setdefault("state", {})["caller"] = caller
        return None

    def _authenticate(self, authorization: str) -> Caller | None:
        """Return the owner of the token, in a time that does not depend on the header."""
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "bearer":
            return None
        token = given.strip().encode("latin-1")  # the bytes that were sent
        matches = [name for name, one in self._tokens if hmac.compare_digest(one, token)]
        return matches[0] if matches else None
