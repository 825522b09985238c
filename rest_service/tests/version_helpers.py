"""Reads and restores versions; gives tools to assistants."""

from rest_service.tests.api_helpers import Client, JsonObject, list_items


async def list_versions(
    admin: Client, row: JsonObject, resource: str = "assistants"
) -> list[JsonObject]:
    """Return the versions, oldest first."""
    return (await list_items(admin, f"/{resource}/{row['id']}/versions"))[::-1]


async def restore_version(
    admin: Client, row: JsonObject, number: int, resource: str = "assistants"
) -> JsonObject:
    answer = await admin.post(f"/{resource}/{row['id']}/versions/{number}/restore")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def attach_tool(admin: Client, assistant: JsonObject, tool: JsonObject) -> None:
    answer = await admin.post(f"/assistants/{assistant['id']}/tools/{tool['id']}")
    assert answer.status_code == 201, answer.text
