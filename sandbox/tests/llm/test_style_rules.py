"""Effects of the model and of style instructions on an answer."""

import time
from typing import Any

import pytest

from sandbox.llm.model_names import SLOW_MODEL, get_chunk_delay
from sandbox.llm.prompt_parsing import parse_prompt
from sandbox.llm.rule_based_model import generate_reply
from sandbox.tests.llm.model_requests import (
    ALL_TOOLS,
    CONTEXT_LINE,
    GET_TIME,
    run_conversation,
)
from sandbox.tests.sandbox_harness import SandboxHarness

TOKYO = "2026-11-21T22:24:00+09:00 Asia/Tokyo"


def get_reply_text(text: str, instructions: str = "Be kind.", model: str = "sandbox-demo") -> str:
    messages = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": f"{CONTEXT_LINE}\n{text}"},
    ]
    body: dict[str, Any] = {"model": model, "messages": messages, "tools": ALL_TOOLS}
    return generate_reply(parse_prompt(body)).text


@pytest.mark.parametrize(
    ("instructions", "answer"),
    [
        ("Be kind.", "You are welcome!"),
        ("Be kind. Answer in capitals. Be kind.", "YOU ARE WELCOME!"),
        ("Reply only in capital letters", "YOU ARE WELCOME!"),
        ("Отвечай ЗАГЛАВНЫМИ буквами.", "YOU ARE WELCOME!"),
        ("Begin every answer with “Ahoy, captain.” Be kind.", "Ahoy, captain. You are welcome!"),
        ("Be kind. Begin all your answers with Ahoy! Be kind", "Ahoy! Be kind You are welcome!"),
        ("- Start each reply with Ahoy!\n- Be kind", "Ahoy! You are welcome!"),
        ("Начинай каждый ответ со слов «Есть, капитан!»", "Есть, капитан! You are welcome!"),
        ('End every answer with "Over."', "You are welcome!\n\nOver."),
        ("Заканчивай все ответы словом «приём»", "You are welcome!\n\nприём"),
        ("Answer in Russian.", "Пожалуйста!"),
        ("Отвечай только по-русски", "Пожалуйста!"),
        ("Begin every answer with Ahoy. Answer in capitals.", "AHOY YOU ARE WELCOME!"),
    ],
)
def test_style_instructions_are_followed(instructions: str, answer: str) -> None:
    assert get_reply_text("Thanks!", instructions) == answer


@pytest.mark.parametrize("question", ["Which model are you?", "What model is answering this?"])
def test_model_knows_its_name(question: str) -> None:
    assert "`sandbox-demo`" in get_reply_text(question)
    assert "`gpt-6-luna`" in get_reply_text(question, model="gpt-6-luna")


def test_model_knows_its_name_in_russian() -> None:
    assert "`sandbox-brief`" in get_reply_text("Какая ты модель?", model="sandbox-brief")


@pytest.mark.parametrize("text", ["hello", "Which model are you?", "Make me a sandwich"])
def test_brief_model_and_brief_instructions_give_one_sentence(text: str) -> None:
    brief, instructed, full = (
        get_reply_text(text, model="sandbox-brief"),
        get_reply_text(text, "Be kind. Answer briefly."),
        get_reply_text(text),
    )
    assert len(instructed) < len(full) / 2
    assert full.startswith(instructed)
    assert "\n" not in brief
    assert brief.replace("sandbox-brief", "sandbox-demo") == instructed


def test_brief_answer_keeps_the_facts() -> None:
    assert get_reply_text("Show me markdown", model="sandbox-brief") == get_reply_text(
        "Show me markdown"
    )
    brief = run_conversation(
        "What time is it in Tokyo?", TOKYO, tools=[GET_TIME], model="sandbox-brief"
    )
    assert "**22:24** in Tokyo" in brief


async def test_slow_model_delays_each_chunk(sandbox: SandboxHarness) -> None:
    body = {
        "model": SLOW_MODEL,
        "messages": [{"role": "user", "content": "thanks"}],
        "stream": True,
    }
    started_at = time.monotonic()
    url, headers = f"{sandbox.url}/v1/chat/completions", {"Authorization": "Bearer x"}
    async with sandbox.http.post(url, json=body, headers=headers) as response:
        events = (await response.text()).count("data: ")
    assert time.monotonic() - started_at > (events - 1) * get_chunk_delay(SLOW_MODEL)
    assert get_chunk_delay("sandbox-demo") == 0
