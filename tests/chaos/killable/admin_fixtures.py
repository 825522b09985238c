"""Adds what an administrator would: a doorman with tools that call outside, and two more models.

People choose them by buttons, so that nobody else's session is another for them.
"""

from typing import Any

from tests.chaos.killable.external_server import BEARER_TOKEN
from tests.chaos.killable.killable_suite import KillableSuite

DOORMAN_ASSISTANT = "Doorman"
SLOW_MODEL, PRICED_MODEL = "sandbox-slow", "sandbox-demo"
"""Models: one is read while it writes; one has prices and is asked by the Responses API."""
_PRICES = {"input_price": "1", "output_price": "3"}


def add_admin_fixtures(killable: KillableSuite) -> None:
    """Once in a suite."""
    if killable.has_admin_fixtures:
        return
    server = killable.suite.url("SANDBOX_PORT", "/v1")
    provider = killable.create_record("providers", "Another server", base_url=server, api_key="any")
    able = {"capabilities": ["tools", "streaming"], "is_user_selectable": True}
    models = [
        {"provider_model_name": SLOW_MODEL, **able},
        {"provider_model_name": PRICED_MODEL, "api": "responses", **_PRICES, **able},
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
    """A tool that writes outside, with a secret."""
    call = {
        "method": "POST",
        "url": f"{url}/bell",
        "headers": {"Authorization": f"Bearer {{secret:{secret}}}"},
        "body": {"word": "{word}"},
    }
    return _make_rest_tool("Rings the bell.", call)


def make_dial_tool(url: str) -> dict[str, Any]:
    """One that reads, and whose answer is kept for a while."""
    read = {"effect_class": "reads_outside", "cache_seconds": 600}
    return _make_rest_tool("Reads the dial.", {"url": f"{url}/dial/{{word}}"}) | read


def _make_rest_tool(description: str, call: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
    }
    known = {"tool_type": "rest", "description": description}
    return known | {"input_schema": schema, "http_call": call}
