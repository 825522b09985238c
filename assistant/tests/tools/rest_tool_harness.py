"""Builds and calls tools of type rest, with a fake server."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from cryptography.fernet import Fernet

from assistant.src.core.turn import Turn
from assistant.src.tools.base import ToolContext, ToolServices
from assistant.src.tools.rest_service_tool import RestServiceTool
from assistant.src.tools.rest_tool import RestTool
from smart_kit.clock import Clock
from smart_kit.contracts.base import JsonObject, utc_now
from smart_kit.contracts.configuration import HttpCallSnapshot, SecretSnapshot, ToolSnapshot
from smart_kit.contracts.users import UserSnapshot
from smart_kit.errors import UpstreamError
from smart_kit.safe_http.messages import HttpRequest, HttpResponse
from smart_kit.vault import Vault

URL = "https://api.example.org/v1/words/{word}"
SECRET = 's3cr&t "κλειδί"/+='
VAULT = Vault((Fernet.generate_key().decode(),))


class FakeServer:
    """Sends the same response to every request."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.status = 200
        self.content_type = "application/json"
        self.body: bytes | Callable[[HttpRequest], bytes] = b'{"meaning": "a sign"}'
        self.failure: UpstreamError | None = None

    async def send(self, request: HttpRequest) -> HttpResponse:
        self.requests.append(request)
        if self.failure is not None:
            raise self.failure
        body = self.body(request) if callable(self.body) else self.body
        return HttpResponse(self.status, self.content_type, body, request.url)


def make_secret(
    name: str, value: str = SECRET, origin: str = "https://api.example.org"
) -> SecretSnapshot:
    row_id = uuid4()
    return SecretSnapshot(
        id=row_id, name=name, origin=origin, encrypted_value=VAULT.encrypt(row_id, value)
    )


def make_rest_tool(
    server: FakeServer,
    *,
    properties: JsonObject | None = None,
    schema: JsonObject | None = None,
    secrets: tuple[SecretSnapshot, ...] = (),
    effect_class: Any = "reads_outside",
    vault: Vault = VAULT,
    **call: Any,
) -> RestTool:
    call.setdefault("url", URL)
    record = ToolSnapshot(
        id=uuid4(),
        name="look_up",
        tool_type="rest",
        description="Looks a word up",
        input_schema=schema
        or {"type": "object", "properties": properties or {"word": {"type": "string"}}},
        effect_class=effect_class,
        http_call=HttpCallSnapshot(**call),
    )
    services = make_tool_services(send_http=server.send, secrets=secrets, vault=vault)
    made = RestServiceTool(record, services).to_tool()
    assert isinstance(made, RestTool)
    return made


def make_tool_services(**given: Any) -> ToolServices:
    """Return services of which a test uses only the given ones and the clock."""
    unused = dict.fromkeys(("rest", "weather", "send_http", "vault", "result_cache"))
    return ToolServices(**{"clock": Clock(), **unused, **given})


def make_tool_context(step: str = "1.0", **changes: Any) -> ToolContext:
    """Return the context of a call by Alice; `changes` are fields of the turn."""
    user = UserSnapshot(
        id=uuid4(),
        telegram_id=1,
        first_name="Alice",
        role="user",
        status="active",
        is_invited=True,
        language_code=None,
        language=None,
        timezone=None,
        assistant_id=None,
        version=1,
    )
    unused: Any = None
    turn = Turn(
        message_id="tg:1:1",
        chat_id=1,
        user=user,
        assistant_id=uuid4(),
        thread_id=uuid4(),
        configuration_version=1,
        zone=ZoneInfo("UTC"),
        requested_at=utc_now(),
        is_scheduled=False,
        journal=unused,
        progress=unused,
        budget=unused,
    )
    return ToolContext(replace(turn, **changes), step)


async def call_tool(tool: RestTool, **arguments: Any) -> str:
    return (await tool.call(make_tool_context(), arguments)).content


def get_only_request(server: FakeServer) -> HttpRequest:
    (request,) = server.requests
    return request
