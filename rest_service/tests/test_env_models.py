"""Registration of the models that the environment names, at each start."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from importlib.resources import files
from uuid import UUID

import pytest
from pydantic import SecretStr

from rest_service.app import defaults
from rest_service.app.config import Settings
from rest_service.app.database import SessionFactory
from rest_service.app.defaults.env_models import register_env_models
from rest_service.app.snapshots import configuration
from rest_service.tests.api_helpers import Client, JsonObject, Make, Sql, list_items
from smart_kit.contracts.models import LlmModelCreate
from smart_kit.vault import Vault

OPENAI = "https://api.openai.com/v1"
KNOWN_MODELS: dict[str, JsonObject] = json.loads(
    (files(defaults.__name__) / "known_models.json").read_text()
)
KEY = "sk-of-no-worth"

Startup = Callable[..., Awaitable[None]]


@pytest.fixture
def environment_settings(settings: Settings) -> Settings:
    return settings.model_copy(
        update={
            "openai_base_url": "https://me:password@models.example/v1/",
            "openai_api_key": SecretStr(KEY),
            "default_model": "large",
            "fallback_model": "small",
        }
    )


@pytest.fixture
def run_startup(sessions: SessionFactory, environment_settings: Settings, vault: Vault) -> Startup:
    """Runs a start, with changed variables if given."""

    async def run(**variables: object) -> None:
        await register_env_models(
            sessions, environment_settings.model_copy(update=variables), vault
        )

    return run


async def get_models_by_name(admin: Client) -> dict[str, JsonObject]:
    return {item["provider_model_name"]: item for item in await list_items(admin, "/models")}


async def test_concurrent_first_starts_register_environment_models_once(
    run_startup: Startup, admin: Client
) -> None:
    await asyncio.gather(*(run_startup() for _ in range(3)))

    (provider,) = await list_items(admin, "/providers")
    assert (provider["name"], provider["base_url"]) == (
        "models.example",
        "https://models.example/v1",
    )
    assert (provider["api_key_state"], provider["source"]) == ("stored", "environment")
    found = await get_models_by_name(admin)
    assert sorted(found) == ["large", "small"]
    assert found["large"]["capabilities"] == ["tools", "streaming"]


async def test_unchanged_environment_changes_nothing(
    run_startup: Startup, sessions: SessionFactory
) -> None:
    """Otherwise each start would make all replicas reload the configuration."""
    await run_startup()
    async with sessions() as session:
        before = await configuration.read_version(session)
    await run_startup()

    async with sessions() as session:
        assert await configuration.read_version(session) == before


async def test_the_provider_follows_the_environment(
    run_startup: Startup, admin: Client, sql: Sql, vault: Vault
) -> None:
    await run_startup()
    other = SecretStr("sk-another")
    await run_startup(openai_base_url="http://127.0.0.1:11434/v1", openai_api_key=other)

    (provider,) = await list_items(admin, "/providers")
    assert (provider["name"], provider["base_url"]) == (
        "127.0.0.1:11434",
        "http://127.0.0.1:11434/v1",
    )
    ((encrypted,),) = await sql("SELECT encrypted_api_key FROM llm_providers")
    assert vault.decrypt(UUID(provider["id"]), encrypted) == "sk-another"
    await run_startup(openai_api_key=None)
    (provider,) = await list_items(admin, "/providers")
    assert provider["api_key_state"] == "none"


@pytest.mark.parametrize("change", [{"base_url": "https://models.example/v2"}, {"api_key": "k"}])
async def test_provider_changed_by_admin_stops_following_environment(
    run_startup: Startup, admin: Client, change: JsonObject
) -> None:
    await run_startup()
    (provider,) = await list_items(admin, "/providers")
    path = f"/providers/{provider['id']}"
    named = (
        await admin.patch(path, json={"name": "Mine", "base_url": provider["base_url"]})
    ).json()
    taken = (await admin.patch(path, json=change)).json()
    await run_startup(openai_api_key=SecretStr("sk-another"))

    assert (named["source"], taken["source"]) == ("environment", "administrator")
    assert await list_items(admin, "/providers") == [taken]


async def test_provider_name_set_by_admin_stays(run_startup: Startup, admin: Client) -> None:
    await run_startup()
    (provider,) = await list_items(admin, "/providers")
    await admin.patch(f"/providers/{provider['id']}", json={"name": "Mine"})
    await run_startup(openai_base_url=OPENAI)

    (provider,) = await list_items(admin, "/providers")
    assert (provider["name"], provider["base_url"]) == ("Mine", OPENAI)


async def test_records_created_by_admin_stay_unchanged(
    run_startup: Startup, admin: Client, make: Make
) -> None:
    mine = await make("providers", name="models.example", api_key=KEY)
    elsewhere = await make("providers", name="Elsewhere", base_url="https://elsewhere.example")
    large = await make("models", provider_id=elsewhere["id"], provider_model_name="large")
    await run_startup()

    assert await list_items(admin, "/providers") == [mine, elsewhere]
    found = await get_models_by_name(admin)
    assert found["large"] == large
    same = "the provider at the same address and with the same key has it"
    assert found["small"]["provider_id"] == mine["id"], same


@pytest.mark.parametrize("key", [{}, {"api_key": "sk-of-theirs"}])
async def test_provider_with_different_key_gets_no_environment_models(
    run_startup: Startup, admin: Client, make: Make, key: JsonObject
) -> None:
    mine = await make("providers", name="models.example", **key)
    await run_startup()

    (_, own) = await list_items(admin, "/providers")
    assert (own["base_url"], own["api_key_state"]) == (mine["base_url"], "stored")
    assert {item["provider_id"] for item in (await get_models_by_name(admin)).values()} == {
        own["id"]
    }


async def test_returned_provider_follows_environment_after_next_start(
    run_startup: Startup, admin: Client
) -> None:
    await run_startup()
    (provider,) = await list_items(admin, "/providers")
    path = f"/providers/{provider['id']}"
    await admin.patch(path, json={"base_url": "https://elsewhere.example", "api_key": "k"})
    await admin.patch(path, json={"source": "environment"})
    await run_startup()

    (followed,) = await list_items(admin, "/providers")
    assert followed["base_url"] == provider["base_url"]


class TestMismatchWarnings:
    """A start warns about settings in .env without effect."""

    @pytest.fixture
    def base_url_only(self) -> JsonObject:
        return {"openai_base_url": "https://models.example/v1"}

    async def test_no_warning_if_environment_is_in_effect(
        self, run_startup: Startup, base_url_only: JsonObject, capsys: pytest.CaptureFixture[str]
    ) -> None:
        await run_startup(**base_url_only)

        assert "[warning" not in capsys.readouterr().out

    @pytest.mark.parametrize("more", ["https://me:password@x.example", "https://x.example?key=k"])
    async def test_credentials_or_query_in_base_url_are_warned_about(
        self, run_startup: Startup, capsys: pytest.CaptureFixture[str], more: str
    ) -> None:
        await run_startup(openai_base_url=more)

        output = capsys.readouterr().out
        assert "OPENAI_BASE_URL credentials or query ignored" in output
        assert "password" not in output

    async def test_provider_of_admin_is_warned_about(
        self,
        run_startup: Startup,
        admin: Client,
        base_url_only: JsonObject,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        await run_startup(**base_url_only)
        (provider,) = await list_items(admin, "/providers")
        body = {"name": "Mine", "api_key": "k"}
        await admin.patch(f"/providers/{provider['id']}", json=body)
        await run_startup(**base_url_only)

        output = capsys.readouterr().out
        assert "OPENAI_BASE_URL and OPENAI_API_KEY ignored" in output
        assert "provider=Mine" in output
        assert "models=['large', 'small']" in output

    async def test_inactive_defaults_and_affected_assistants_are_warned_about(
        self,
        run_startup: Startup,
        admin: Client,
        make: Make,
        sql: Sql,
        base_url_only: JsonObject,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        await run_startup(**base_url_only)
        await make("assistants", name="Poet", model="large", fallback_models=[])
        await make("assistants", name="Clerk", model="small")
        await sql("UPDATE llm_models SET is_active = provider_model_name = 'small'")
        await run_startup(**base_url_only)

        output = capsys.readouterr().out
        assert "DEFAULT_MODEL or FALLBACK_MODEL not active" in output
        assert "models=['large']" in output
        assert "assistants=['Poet (asks large)']" in output


async def test_missing_model_gets_provider_with_free_name(
    run_startup: Startup, admin: Client, make: Make
) -> None:
    mine = await make("providers", name="models.example", base_url="https://elsewhere.example")
    await run_startup()

    (_, provider) = await list_items(admin, "/providers")
    assert mine["name"] == "models.example"
    assert (provider["name"], provider["source"]) == ("models.example 2", "environment")
    assert {item["provider_id"] for item in (await get_models_by_name(admin)).values()} == {
        provider["id"]
    }


async def test_known_models_need_no_new_provider(
    run_startup: Startup, admin: Client, make: Make
) -> None:
    mine = await make("providers", base_url="https://elsewhere.example")
    for name in ("large", "small"):
        await make("models", provider_id=mine["id"], provider_model_name=name)
    await run_startup()

    assert await list_items(admin, "/providers") == [mine]


async def test_openai_models_have_known_fields(run_startup: Startup, admin: Client) -> None:
    await run_startup(
        openai_base_url=OPENAI, default_model="gpt-6-luna", fallback_model="gpt-6.1-sol"
    )

    found = await get_models_by_name(admin)
    luna, sol = found["gpt-6-luna"], found["gpt-6.1-sol"]
    assert (luna["api"], luna["parameters"]) == ("chat", {"reasoning_effort": "none"})
    assert luna["capabilities"] == ["tools", "vision", "streaming"]
    prices = (luna["input_price"], luna["cached_input_price"], luna["output_price"])
    assert prices == ("0.1", "0.01", "0.5")
    assert (sol["api"], sol["parameters"]) == ("responses", {})


async def test_openais_default_fallback_model_takes_tools(
    run_startup: Startup, admin: Client
) -> None:
    await run_startup(openai_base_url=OPENAI, default_model="gpt-6-luna", fallback_model=None)

    found = await get_models_by_name(admin)
    assert found.keys() == {"gpt-6-luna", "gpt-5.6-luna"}
    assert found["gpt-5.6-luna"]["parameters"] == {"reasoning_effort": "none"}


async def test_other_servers_use_only_known_capabilities(
    run_startup: Startup, admin: Client
) -> None:
    await run_startup(default_model="gpt-6-luna", fallback_model="gpt-6.1-sol")

    for model in (await get_models_by_name(admin)).values():
        assert model["capabilities"] == ["tools", "vision", "streaming"]
        assert (model["api"], model["parameters"], model["input_price"]) == ("chat", {}, None)


async def test_unchanged_models_follow_a_new_base_url(run_startup: Startup, admin: Client) -> None:
    """An operator may try the demo model first and set a real server later."""
    names = {"default_model": "gpt-6-luna", "fallback_model": "gpt-6.1-sol"}
    await run_startup(**names)
    sol = (await get_models_by_name(admin))["gpt-6.1-sol"]
    mine = {"capabilities": ["tools"]}
    await admin.patch(f"/models/{sol['id']}", json=mine)
    await run_startup(**names, openai_base_url=OPENAI)

    found = await get_models_by_name(admin)
    assert found["gpt-6-luna"]["parameters"] == {"reasoning_effort": "none"}
    assert found["gpt-6-luna"]["output_price"] == "0.5"
    assert (found["gpt-6.1-sol"]["api"], found["gpt-6.1-sol"]["capabilities"]) == (
        "chat",
        ["tools"],
    )


@pytest.mark.parametrize("name", list(KNOWN_MODELS))
def test_known_model_fields_are_valid(name: str) -> None:
    fields = {"provider_id": UUID(int=0), "provider_model_name": name, **KNOWN_MODELS[name]}
    assert LlmModelCreate.model_validate(fields).is_user_selectable is False
