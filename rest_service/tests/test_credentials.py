import pytest

from rest_service.app.services import credentials
from rest_service.tests.api import Client, JsonObject, Make, Sql
from smart_kit.errors import InvalidRequest

SECRET = "sk-a-key-of-no-worth"


@pytest.mark.parametrize(
    ("parameters", "place"),
    [
        ({"extra_headers": {"X-Team": "a"}}, "parameters.extra_headers"),
        ({"extra_query": {"key": SECRET}}, "parameters.extra_query"),
        ({"extra_body": {"a": [1, {"Authorization": SECRET}]}}, "parameters.extra_body.a[1].Auth"),
        ({"api_key": SECRET}, "parameters.api_key"),
        ({"apiKey": SECRET}, "parameters.apiKey"),
        ({"x-api-key": SECRET}, "parameters.x-api-key"),
        ({"OPENAI_API_KEY": SECRET}, "parameters.OPENAI_API_KEY"),
        ({"token": SECRET}, "parameters.token"),
        ({"accessToken": SECRET}, "parameters.accessToken"),
        ({"auth": {"bearer": SECRET}}, "parameters.auth"),
        ({"client_secret": SECRET}, "parameters.client_secret"),
        ({"Cookie": SECRET}, "parameters.Cookie"),
        ({"properties": {"password": SECRET}}, "parameters.properties.password"),
    ],
)
async def test_a_credential_among_a_models_parameters_is_refused_at_its_place(
    admin: Client, make: Make, sql: Sql, parameters: JsonObject, place: str
) -> None:
    provider = await make("providers")
    model = await make("models", provider_id=provider["id"])
    whole = {"provider_id": provider["id"], "provider_model_name": "x", "parameters": parameters}

    for refused in (
        await admin.post("/models", json=whole),
        await admin.patch(f"/models/{model['id']}", json={"parameters": parameters}),
    ):
        detail = refused.json()["detail"]
        assert (refused.status_code, detail.startswith(place)) == (400, True), refused.text
        assert "the provider's api_key" in detail
        assert SECRET not in detail
    everything = await sql("SELECT row_to_json(audit_log)::text FROM audit_log")
    assert SECRET not in str([*everything, *await sql("SELECT parameters::text FROM llm_models")])


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_tokens": 5, "max_completion_tokens": 5, "stop_token_ids": [1], "eos_token": "x"},
        {"prompt_cache_key": "a", "reasoning_effort": "none", "logit_bias": {"50256": -100}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"properties": {"token": {"type": "string"}}}},
            }
        },
    ],
    ids=["tokens", "others", "fields of an answer"],
)
def test_what_only_sounds_like_one_is_taken(parameters: JsonObject) -> None:
    credentials.check("parameters", parameters)


def test_inside_the_schema_of_a_field_names_count_again() -> None:
    parameters = {"properties": {"token": {"default": {"api_key": SECRET}}}}

    with pytest.raises(InvalidRequest, match=r"parameters\.properties\.token\.default\.api_key is"):
        credentials.check("parameters", parameters)
