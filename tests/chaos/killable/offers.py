"""What an administrator has added: a doorman with tools that call outside, and two more models.

People choose them by buttons, so that nobody else's talk is another for them.
"""

from typing import Any

from tests.chaos.killable.outside import KEY
from tests.chaos.killable.suite import Stage

DOORMAN = "Doorman"
SLOW, PRICED = "sandbox-slow", "sandbox-demo"
"""Models: one is read while it writes; one has prices and is asked by the Responses API."""
_PRICES = {"input_price": "1", "output_price": "3"}


def add_offers(stage: Stage) -> None:
    """Once in a suite."""
    if stage.has_offers:
        return
    server = stage.suite.url("SANDBOX_PORT", "/v1")
    provider = stage.make("providers", "Another server", base_url=server, api_key="any")
    able = {"capabilities": ["tools", "streaming"], "is_choosable": True}
    models = [
        {"provider_model_name": SLOW, **able},
        {"provider_model_name": PRICED, "api": "responses", **_PRICES, **able},
    ]
    stage.api("POST", "/models/import", {"provider_id": provider, "models": {"models": models}})
    stage.make("secrets", "bell_key", origin=stage.outside.url, value=KEY)
    words = "Open the door."
    doorman = stage.make("assistants", DOORMAN, instructions=words, is_secretary=True)
    for name, tool in (
        ("ring_bell", bell(stage.outside.url, "bell_key")),
        ("read_dial", dial(stage.outside.url)),
    ):
        stage.api("POST", f"/assistants/{doorman}/tools/{stage.make('tools', name, **tool)}")
    stage.has_offers = True


def bell(url: str, secret: str) -> dict[str, Any]:
    """A tool that writes outside, with a secret."""
    call = {
        "method": "POST",
        "url": f"{url}/bell",
        "headers": {"Authorization": f"Bearer {{secret:{secret}}}"},
        "body": {"word": "{word}"},
    }
    return _rest("Rings the bell.", call)


def dial(url: str) -> dict[str, Any]:
    """One that reads, and whose answer is kept for a while."""
    read = {"effect_class": "reads_outside", "cache_seconds": 600}
    return _rest("Reads the dial.", {"url": f"{url}/dial/{{word}}"}) | read


def _rest(description: str, call: dict[str, Any]) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {"word": {"type": "string"}},
        "required": ["word"],
    }
    known = {"tool_type": "rest", "description": description}
    return known | {"input_schema": schema, "http_call": call}
