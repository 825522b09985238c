"""A minimal bot: aiogram, one model call per message, no stored state."""

import asyncio
import os

from aiogram import Bot, Dispatcher, types
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from openai import AsyncOpenAI

dispatcher = Dispatcher()
model = AsyncOpenAI(base_url=os.environ["OPENAI_BASE_URL"], api_key="none")


@dispatcher.message()
async def answer_message(message: types.Message) -> None:
    completion = await model.chat.completions.create(
        model="demo", messages=[{"role": "user", "content": message.text or ""}]
    )
    await message.answer(completion.choices[0].message.content or "?")


async def main() -> None:
    server = TelegramAPIServer.from_base(os.environ["TELEGRAM_API_URL"])
    session = AiohttpSession(api=server)
    await dispatcher.start_polling(Bot(os.environ["TELEGRAM_TOKEN"], session=session))


asyncio.run(main())
