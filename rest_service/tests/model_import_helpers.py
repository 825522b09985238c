"""Imports lists of models; holds an excerpt of LiteLLM's table."""

import json

from rest_service.tests.api_helpers import Client, JsonObject, list_items

JSON_HEADERS = {"Content-Type": "application/json"}
PRICE_TABLE = {
    "sample_spec": {"input_cost_per_token": "the price"},
    "gpt-small": {
        "input_cost_per_token": 2.5e-07,
        "cache_read_input_token_cost": 2.5e-08,
        "output_cost_per_token": 2e-06,
        "supports_function_calling": True,
        "supports_vision": True,
        "mode": "chat",
    },
    "gpt-old": {"input_cost_per_token": 1e-06, "mode": "responses"},
    "text-embedding": {"input_cost_per_token": 2e-08, "mode": "embedding"},
}


async def import_models(admin: Client, provider: JsonObject, **body: object) -> JsonObject:
    text = json.dumps({"provider_id": provider["id"]} | body)
    answer = await admin.post("/models/import", content=text, headers=JSON_HEADERS)
    assert answer.status_code == 200, answer.text
    found: JsonObject = answer.json()
    return found


async def assert_import_refused(admin: Client, provider: JsonObject, **body: object) -> str:
    answer = await admin.post("/models/import", json={"provider_id": provider["id"]} | body)
    assert answer.status_code == 400, answer.text
    return str(answer.json()["detail"])


async def get_models_by_name(admin: Client) -> dict[str, JsonObject]:
    return {item["provider_model_name"]: item for item in await list_items(admin, "/models")}
