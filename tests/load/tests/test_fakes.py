"""The fakes over HTTP, as bots use them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

from tests.load.fakes.load_plan import LoadPlan
from tests.load.fakes.server import FakeServer

TOKEN = "1:token"
TOOL = {"type": "function", "function": {"name": "get_time"}}


class Client:
    """A bot's client of the fakes."""

    def __init__(self, session: ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def call(self, method: str, **parameters: Any) -> Any:
        """Call the Bot API with JSON, and return the result."""
        async with self._session.post(f"{self._url}bot{TOKEN}/{method}", json=parameters) as found:
            body = await found.json()
        assert body["ok"]
        return body["result"]

    async def call_with_form(self, method: str, **parameters: Any) -> Any:
        async with self._session.post(f"{self._url}bot{TOKEN}/{method}", data=parameters) as found:
            return (await found.json())["result"]

    async def complete(self, *messages: dict[str, Any], **rest: Any) -> str:
        """Call the model, and return the body of its response."""
        body = {"model": "demo", "messages": messages} | rest
        async with self._session.post(f"{self._url}v1/chat/completions", json=body) as found:
            return await found.text()

    async def run_load(self, **plan: Any) -> Any:
        body = vars(LoadPlan(TOKEN, **plan))
        async with self._session.post(f"{self._url}load", json=body) as found:
            return await found.json()

    async def finish_load(self) -> Any:
        async with self._session.post(f"{self._url}finish", data=TOKEN) as found:
            return await found.json()


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    fakes = FakeServer()
    async with RawTestServer(fakes.handle) as server, ClientSession() as session:
        yield Client(session, str(server.make_url("/")))


def ask(number: int) -> dict[str, Any]:
    return {"role": "user", "content": f"Could you help me with question {number}?"}


def parse_stream(body: str) -> list[Any]:
    assert body.endswith("data: [DONE]\n\n")
    lines = body.removesuffix("data: [DONE]\n\n").split("\n\n")
    return [json.loads(line.removeprefix("data: ")) for line in lines if line]


async def test_whole_load_is_answered_through_the_bot_api(client: Client) -> None:
    load = asyncio.create_task(client.run_load(people=2, messages=3, first_person=50))
    offset = 0
    while not load.done():
        for update in await client.call("getUpdates", offset=offset, timeout=0.05):
            offset = update["update_id"] + 1
            message = update["message"]
            answer = json.loads(await client.complete({"role": "user", "content": message["text"]}))
            text = answer["choices"][0]["message"]["content"]
            await client.call("sendMessage", chat_id=message["chat"]["id"], text=text)
    result = load.result()
    assert (result["sent"], len(result["samples"]), result["lost"]) == (6, 6, 0)
    assert result["calls"]["sendMessage"] == result["calls"]["model"] == 6
    await client.call("sendMessage", chat_id=message["chat"]["id"], text=text)
    late = await client.finish_load()
    assert (late["duplicated"], late["calls"]["sendMessage"]) == (1, 7)


async def test_updates_come_in_batches_and_again_until_confirmed(client: Client) -> None:
    load = asyncio.create_task(client.run_load(people=130))
    first = await client.call("getUpdates", timeout=5)
    again = await client.call("getUpdates", timeout=5)
    assert len(first) == 100
    assert again == first
    rest = await client.call("getUpdates", timeout=5, offset=first[-1]["update_id"] + 1)
    assert len(rest) == 30
    load.cancel()


async def test_forms_and_rich_messages_answer_too(client: Client) -> None:
    load = asyncio.create_task(client.run_load(people=2, first_person=7))
    first, second = await client.call("getUpdates", timeout=5)
    numbers = [one["message"]["text"].split()[-1].rstrip("?") for one in (first, second)]
    sent = await client.call_with_form("sendMessage", chat_id=7, text=f"for question {numbers[0]}.")
    assert sent["chat"]["id"] == 7
    blocks = [{"type": "paragraph", "text": f"for question {numbers[1]}."}]
    await client.call("sendRichMessage", chat_id=8, rich_message={"blocks": blocks})
    assert (await load)["lost"] == 0


@pytest.mark.parametrize("method", ["setMyCommands", "deleteWebhook", "sendMessageDraft"])
async def test_other_methods_succeed(client: Client, method: str) -> None:
    assert await client.call(method, chat_id=1, text="draft") is True


async def test_model_answers_the_newest_question(client: Client) -> None:
    answer = json.loads(await client.complete(ask(3), {"role": "assistant"}, ask(12)))
    assert answer["choices"][0]["message"]["content"].endswith("question 12.")
    assert answer["usage"]["total_tokens"]


async def test_streamed_answer_has_the_same_text(client: Client) -> None:
    events = parse_stream(await client.complete(ask(12), stream=True))
    deltas = [choice["delta"] for event in events for choice in event["choices"]]
    plain = json.loads(await client.complete(ask(12)))
    text = plain["choices"][0]["message"]["content"]
    assert "".join(delta.get("content", "") for delta in deltas) == text
    assert events[-1]["usage"] == plain["usage"]


async def test_slow_answer_has_an_event_for_each_token(client: Client) -> None:
    load = asyncio.create_task(client.run_load(people=1, stream_seconds=0.01))
    await client.call("getUpdates", timeout=5)
    quick_length = 20
    events = parse_stream(await client.complete(ask(12), stream=True))
    lengths = {
        len(choice["delta"].get("content", "")) for event in events for choice in event["choices"]
    }
    assert max(lengths) < quick_length
    load.cancel()


async def test_tool_is_called_once_if_offered(client: Client) -> None:
    load = asyncio.create_task(client.run_load(people=1, has_tool_call=True))
    await client.call("getUpdates", timeout=5)
    earlier = [ask(1), {"role": "tool", "tool_call_id": "call_0", "content": "noon"}]
    (called,) = json.loads(await client.complete(*earlier, ask(2), tools=[TOOL]))["choices"]
    assert called["message"]["tool_calls"][0]["function"]["name"] == "get_time"
    events = parse_stream(await client.complete(ask(2), tools=[TOOL], stream=True))
    assert events[0]["choices"][0]["delta"]["tool_calls"]
    result = {"role": "tool", "tool_call_id": "call_1", "content": "noon"}
    answered = json.loads(await client.complete(ask(2), result, tools=[TOOL]))
    assert answered["choices"][0]["finish_reason"] == "stop"
    without_tools = json.loads(await client.complete(ask(2)))
    assert without_tools["choices"][0]["finish_reason"] == "stop"
    load.cancel()


async def test_unknown_path_is_not_found() -> None:
    async with (
        RawTestServer(FakeServer().handle) as server,
        ClientSession() as session,
        session.get(server.make_url("/nowhere")) as found,
    ):
        assert found.status == web.HTTPNotFound.status_code
