import pytest

from rest_service.app.services.secrets import secret_scan
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql
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
        ({"stop": ["ok", f"Bearer {SECRET}"]}, "parameters.stop[1] looks like"),
        ({"extra_body": {SECRET: 1}}, "parameters.extra_body has a name that looks like"),
    ],
)
async def test_credential_in_model_parameters_is_refused_with_location(
    admin: Client, make: Make, sql: Sql, parameters: JsonObject, place: str
) -> None:
    provider = await make("providers")
    model = await make("models", provider_id=provider["id"])
    body = {"provider_id": provider["id"], "provider_model_name": "x", "parameters": parameters}

    for refused in (
        await admin.post("/models", json=body),
        await admin.patch(f"/models/{model['id']}", json={"parameters": parameters}),
    ):
        detail = refused.json()["detail"]
        assert (refused.status_code, detail.startswith(place)) == (400, True), refused.text
        assert "the provider's api_key" in detail
        assert SECRET not in detail
    everything = await sql("SELECT row_to_json(audit_log)::text FROM audit_log")
    assert SECRET not in str([*everything, *await sql("SELECT parameters::text FROM llm_models")])


@pytest.mark.parametrize(
    "name",
    [
        "hf_token",
        "HFToken",
        "subscription-key",
        "session_token",
        "github_token",
        "OPENAI_KEY",
        "jwt",
        "id-jwt",
        "pwd",
        "pass",
        "db_pass",
        "passphrase",
        "authtoken",
        "APIKey",
        "api_key_2",
        "X-Auth",
        "basicAuth",
        "webhook_secret",
    ],
)
def test_credential_name_is_refused_with_any_value(name: str) -> None:
    with pytest.raises(InvalidRequest, match=rf"^parameters\.a\[0\]\.{name} has the name"):
        secret_scan.check("parameters", {"a": [{name: "innocent"}]})


@pytest.mark.parametrize(
    "value",
    [
        SECRET,
        "Bearer abc.def",
        "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw1",
        "https://me:password@proxy.example",
    ],
)
def test_secret_like_value_is_refused_under_any_name(value: str) -> None:
    with pytest.raises(InvalidRequest, match=r"^parameters\.a\.user looks like") as refused:
        secret_scan.check("parameters", {"a": {"user": value}})
    assert value not in str(refused.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"max_tokens": 5, "max_completion_tokens": 5, "stop_token_ids": [1], "eos_token": "x"},
        {"thinking": {"budget_tokens": 5}, "truncate_prompt_tokens": 5, "skip_special_tokens": 1},
        {"prompt_cache_key": "a", "reasoning_effort": "none", "logit_bias": {"50256": -100}},
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"schema": {"properties": {"token": {"type": "string"}}}},
            }
        },
    ],
    ids=["tokens", "more tokens", "others", "fields of an answer"],
)
def test_harmless_similar_names_are_accepted(parameters: JsonObject) -> None:
    secret_scan.check("parameters", parameters)


def test_names_inside_a_field_schema_are_checked() -> None:
    parameters = {"properties": {"token": {"default": {"api_key": SECRET}}}}

    with pytest.raises(
        InvalidRequest, match=r"parameters\.properties\.token\.default\.api_key has"
    ):
        secret_scan.check("parameters", parameters)
