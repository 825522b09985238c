"""What a change of model or of instructions does to the next answer."""

import time
from typing import Any

import pytest

from sandbox.llm.conversation import read_conversation
from sandbox.llm.model import respond
from sandbox.llm.names import SLOW, pause_of
from sandbox.tests.llm.model_requests import ALL, GET_TIME, NOW, calls, converse
from sandbox.tests.sandbox_harness import SandboxHarness

TOKYO = "2026-11-21T22:24:00+09:00 Asia/Tokyo"


def said(text: str, instructions: str = "Be kind.", model: str = "sandbox-demo") -> str:
    messages = [
        {"role": "system", "content": instructions},
        {"role": "user", "content": f"{NOW}\n{text}"},
    ]
    body: dict[str, Any] = {"model": model, "messages": messages, "tools": ALL}
    return respond(read_conversation(body)).text


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
def test_simple_instructions_are_obeyed(instructions: str, answer: str) -> None:
    assert said("Thanks!", instructions) == answer


@pytest.mark.parametrize("question", ["Which model are you?", "What model is answering this?"])
def test_a_model_knows_its_name(question: str) -> None:
    assert "`sandbox-demo`" in said(question)
    assert "`gpt-6-luna`" in said(question, model="gpt-6-luna")


def test_a_model_knows_its_name_in_russian() -> None:
    assert "`sandbox-brief`" in said("Какая ты модель?", model="sandbox-brief")


@pytest.mark.parametrize("text", ["hello", "Which model are you?", "Make me a sandwich"])
def test_the_brief_model_says_a_sentence_and_so_does_who_is_told_to(text: str) -> None:
    brief, told, full = (
        said(text, model="sandbox-brief"),
        said(text, "Be kind. Answer briefly."),
        said(text),
    )
    assert len(told) < len(full) / 2
    assert full.startswith(told)
    assert "\n" not in brief
    assert brief.replace("sandbox-brief", "sandbox-demo") == told


def test_brevity_takes_no_facts() -> None:
    assert said("Show me markdown", model="sandbox-brief") == said("Show me markdown")
    brief = converse("What time is it in Tokyo?", TOKYO, tools=[GET_TIME], model="sandbox-brief")
    assert "**22:24** in Tokyo" in brief


@pytest.mark.parametrize(
    ("text", "wrong", "right"),
    [
        (
            "What time is it in Tokyo? Use wrong arguments.",
            {"place": 42},
            {"place": "Tokyo"},
        ),
        ("What time is it, with wrong arguments", {"place": 42}, {}),
        (
            "Remind me in 20 seconds to stretch with wrong arguments",
            {"text": 42, "in_seconds": 20},
            {"text": "stretch", "in_seconds": 20},
        ),
        (
            "Который час в Токио, но сначала с неверными аргументами?",
            {"place": 42},
            {"place": "Токио"},
        ),
    ],
)
def test_wrong_arguments_come_when_asked_for_and_are_corrected_once_refused(
    text: str, wrong: dict[str, Any], right: dict[str, Any]
) -> None:
    (first,) = calls(text)
    assert first[1] == wrong
    seen = []

    def answer(call: tuple[str, dict[str, Any]]) -> str:
        seen.append(call[1])
        refused = "Error: place: 42 is not a string. Call again with a corrected one."
        return TOKYO if call[1] == right else refused

    assert "refused" not in converse(text, answer, answer)
    assert seen == [wrong, right]


async def test_the_slow_model_can_be_watched(sandbox: SandboxHarness) -> None:
    body = {"model": SLOW, "messages": [{"role": "user", "content": "thanks"}], "stream": True}
    begun = time.monotonic()
    url, headers = f"{sandbox.url}/v1/chat/completions", {"Authorization": "Bearer x"}
    async with sandbox.http.post(url, json=body, headers=headers) as response:
        events = (await response.text()).count("data: ")
    assert time.monotonic() - begun > (events - 1) * pause_of(SLOW)
    assert pause_of("sandbox-demo") == 0
