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
    """Why not, in one line; or, where it is well, what is worth knowing all the same."""
    answered: bool = True
    """Whether it said so itself."""


def of_service(port: int) -> Health:
    """Ask `/health` on this machine."""
    try:
        status, body = _ask(port)
    except (OSError, ValueError, http.client.HTTPException) as error:
        return unanswered(port, error)
    if status == http.HTTPStatus.OK:
        return Health(ok=True, detail=note(body))
    return Health(ok=False, detail=detail(body) or f"/health says {status}")


def name_at(port: int) -> str:
    """Which service of ours listens there, well or not; empty where none does."""
    try:
        return str(_content(_ask(port)[1]).get("service", ""))
    except (OSError, ValueError, http.client.HTTPException):
        return ""


def _ask(port: int) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
    try:
        connection.request("GET", "/health")
        response = connection.getresponse()
        return response.status, response.read(65536)
    finally:
        connection.close()


def unanswered(port: int, error: Exception) -> Health:
    """What it means that a server on this machine did not answer."""
    if isinstance(error, ConnectionRefusedError):
        return Health(False, f"does not listen on port {port} yet", answered=False)
    if isinstance(error, TimeoutError):
        return Health(False, f"does not answer on port {port}", answered=False)
    return Health(False, f"port {port}: {error}", answered=False)


def detail(body: str | bytes) -> str:
    """What is wrong by a health body, `{"status": …, "detail": …, "note": …}`."""
    content = _content(body)
    return str(content.get("detail") or content.get("status") or "")


def note(body: str | bytes) -> str:
    """What is worth knowing although nothing is wrong."""
    return str(_content(body).get("note") or "")


def _content(body: str | bytes) -> dict[str, object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):  # whatever another program may answer at that port
        return {}
    return content if isinstance(content, dict) else {}
