"""Asking a service whether it is well."""

import http.client
import json
from dataclasses import dataclass

_PATIENCE = 2.0


@dataclass(frozen=True)
class Health:
    """An answer to "are you well?"."""

    ok: bool
    detail: str = ""
    """Why not, in one line."""


def of_service(port: int) -> Health:
    """Ask `/health` on this machine."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        body = response.read(65536)
    except (OSError, http.client.HTTPException) as error:
        return unanswered(port, error)
    finally:
        connection.close()
    if response.status == http.HTTPStatus.OK:
        return Health(ok=True)
    return Health(ok=False, detail=detail(body) or f"/health says {response.status}")


def unanswered(port: int, error: Exception) -> Health:
    """What it means that a server on this machine did not answer."""
    if isinstance(error, ConnectionRefusedError):
        return Health(ok=False, detail=f"does not listen on port {port} yet")
    if isinstance(error, TimeoutError):
        return Health(ok=False, detail=f"does not answer on port {port}")
    return Health(ok=False, detail=f"port {port}: {error}")


def detail(body: str | bytes) -> str:
    """The reason in a health body, `{"status": …, "detail": …}`."""
    try:
        content = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(content, dict):
        return ""
    return str(content.get("detail") or content.get("status") or "")
