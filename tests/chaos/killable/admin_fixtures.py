"""Adds an assistant with tools that call an external server, and two more models.

Users select them by buttons. The defaults stay as they are, so other sessions are not affected.
"""

from typing import Any

from tests.chaos.killable.external_server import BEARER_TOKEN
from tests.chaos.killable.killable_suite import KillableSuite

DOORMAN_ASSISTANT = "Doorman"
SLOW_MODEL, PRICED_MODEL = "sandbox-slow", "sandbox-demo"
"""The first model streams slowly; the second has prices and is called by the Responses API."""
_PRICES = {"input_price": "1", "output_price": "3"}


def add_admin_fixtures(killable: KillableSuite) -> None:
    """Add the records, unless this suite has them already."""
    if killable.has_admin_fixtures:
        return
    server = killable.suite.url("SANDBOX_PORT", "/v1")
    provider = killable.create_record("providers", "Another server", base_url=server, api_key="any")
    common = {"capabilities": ["tools", "streaming"], "is_user_selectable": True}
    models = [
        {"provider_model_name": SLOW_MODEL, **common},
        {"provider_model_name": PRICED_MODEL, "api": "responses", **_PRICES, **common},
    ]
    killable.call_api(
        "POST", "/models/import", {"provider_id": provider, "models": {"models": models}}
    )
    killable.create_record(
        "secrets", "bell_key", origin=killable.external_server.url, value=BEARER_TOKEN
    )
    instructions = "Open the door."
    doorman = killable.create_record(
        "assistants", DOORMAN_ASSISTANT, instructions=instructions, is_secretary=True
    )
    for name, tool in (
        ("ring_bell", make_bell_tool(killable.external_server.url, "bell_key")),
        ("read_dial", make_dial_tool(killable.external_server.url)),
    ):
        killable.call_api(
            "POST", f"/assistants/{doorman}/tools/{killable.create_record('tools', name, **tool)}"
        )
    killable.has_admin_fixtures = True


def make_bell_tool(url: str, secret: str) -> dict[str, Any]:
    """Return the fields of a REST tool that writes, with a secret in a header."""
    call = {
        "method": "POST",
        "url": f"{url}/bell",
        "headers": {"Authorization": f"Bearer {{secret:{secret}}}"},
        "body": {"word": "{word}"},
    }
    return _make_rest_tool("Rings the bell.", call)


def make_dial_tool(url: str) -> dict[str, Any]:
    """Return the fields of a REST tool that reads, and whose result is cached."""
    read_only = {"effect_class": "reads_outside", "cache_seconds": 600}
    return _make_rest_tool("Reads the dial.", {"url": f"{url}/dial/{{word}}"}) | read_only


def _make_rest_tool(description: str, call: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
    }
    return {
        "tool_type": "rest",
        "description": description,
        "input_schema": schema,
        "http_call": call,
    }
