"""Asking a service whether it is well."""

import http.client
import json
from dataclasses import dataclass

_TIMEOUT_SECONDS = 2.0


@dataclass(frozen=True)
class HealthStatus:
    """An answer to "are you well?"."""

    is_healthy: bool
    detail: str = ""
    """Why not, in one line; or, where it is well, what is worth knowing all the same."""
    has_answered: bool = True
    """Whether it said so itself."""


def check_service(port: int) -> HealthStatus:
    """Ask `/health` on this machine."""
    try:
        status, body = _get_health(port)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return unreachable_status(port, error)
    if status == http.HTTPStatus.OK:
        return HealthStatus(is_healthy=True, detail=parse_note(body))
    return HealthStatus(is_healthy=False, detail=parse_detail(body) or f"/health says {status}")


def identify_service(port: int) -> str:
    """Which service of ours listens there, well or not; empty where none does."""
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
    """What it means that a server on this machine did not answer."""
    if isinstance(error, ConnectionRefusedError):
        return HealthStatus(False, f"does not listen on port {port} yet", has_answered=False)
    if isinstance(error, TimeoutError):
        return HealthStatus(False, f"does not answer on port {port}", has_answered=False)
    return HealthStatus(False, f"port {port}: {error}", has_answered=False)


def parse_detail(body: str | bytes) -> str:
    """What is wrong by a health body, `{"status": …, "detail": …, "note": …}`."""
    content = _parse_body(body)
    return str(content.get("detail") or content.get("status") or "")


def parse_note(body: str | bytes) -> str:
    """What is worth knowing although nothing is wrong."""
    return str(_parse_body(body).get("note") or "")


def _parse_body(body: str | bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # whatever another program may answer at that port
        return {}
    return content if isinstance(content, dict) else {}
