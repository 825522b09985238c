"""The health of a service."""

import http.client
import json
from dataclasses import dataclass

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class HealthStatus:
    """The result of a health check."""

    is_healthy: bool
    detail: str = ""
    """What is wrong, in one line; for a healthy service a note, or empty."""
    has_answered: bool = True
    """Whether the service itself answered."""


def check_service(port: int) -> HealthStatus:
    """Request `/health` of a service on this machine."""
    try:
        status, body = _get_health(port)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return unreachable_status(port, error)
    if status == http.HTTPStatus.OK:
        return HealthStatus(is_healthy=True, detail=parse_note(body))
    return HealthStatus(is_healthy=False, detail=parse_detail(body) or f"/health says {status}")


def identify_service(port: int) -> str:
    """Return the name of the service that listens on a port, healthy or not; else empty."""
    try:
        return str(_parse_body(_get_health(port)[1]).get("service", ""))
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _get_health(port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status, response.read(65536)
    finally:
        connection.close()


def unreachable_status(port: int, error: Exception) -> HealthStatus:
    """Return the status of a server on this machine that could not be reached."""
    match error:
        case ConnectionRefusedError():
            detail = f"does not listen on port {port} yet"
        case TimeoutError():
            detail = f"does not answer on port {port}"
        case _:
            detail = f"port {port}: {error}"
    return HealthStatus(is_healthy=False, detail=detail, has_answered=False)


def parse_detail(body: str | bytes) -> str:
    """Return the problem in a health response: `{"status": …, "detail": …, "note": …}`."""
    content = _parse_body(body)
    return str(content.get("detail") or content.get("status") or "")


def parse_note(body: str | bytes) -> str:
    return str(_parse_body(body).get("note") or "")


def _parse_body(body: str | bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # another program may listen on that port
        return {}
    return content if isinstance(content, dict) else {}
