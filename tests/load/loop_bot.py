"""A client that does no more than a bot must, to find out how fast the fakes are."""

import asyncio
import json
import os
from typing import Any

import aiohttp
import uvloop

URL = f"{os.environ['TELEGRAM_API_URL']}/bot{os.environ['TELEGRAM_TOKEN']}"
MODEL_URL = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"


async def answer_message(session: aiohttp.ClientSession, message: dict[str, Any]) -> None:
    prompt = {"model": "demo", "messages": [{"role": "user", "content": message["text"]}]}
    completion = await post(session, MODEL_URL, prompt)
    text = completion["choices"][0]["message"]["content"]
    await post(session, f"{URL}/sendMessage", {"chat_id": message["chat"]["id"], "text": text})


async def post(session: aiohttp.ClientSession, url: str, body: dict[str, Any]) -> Any:
    async with session.post(url, json=body) as response:
        return json.loads(await response.read())


async def main() -> None:
    offset, tasks = 0, set[asyncio.Task[None]]()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        while True:
            request = {"offset": offset, "timeout": 25}
            for update in (await post(session, f"{URL}/getUpdates", request))["result"]:
                offset = update["update_id"] + 1
                task = asyncio.create_task(answer_message(session, update["message"]))
                tasks.add(task)
                task.add_done_callback(tasks.discard)


uvloop.run(main())
