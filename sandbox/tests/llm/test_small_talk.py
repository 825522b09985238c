"""Answers without tools: small talk, arithmetic, formulas, earlier messages."""

import re

import pytest

from sandbox.chat.mathml import latex_to_mathml
from sandbox.tests.llm.model_requests import GET_TIME, WRITER, call_model


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hi", "Hi! I am the **demo model**"),
        ("Hello there!", "demo model"),
        ("Привет", "демо-модель"),
        ("Добрый вечер!", "демо-модель"),
        ("thanks a lot", "You are welcome!"),
        ("never mind", "All right."),
        ("не надо", "Хорошо."),
        ("спасибо!", "Пожалуйста!"),
        ("/help", "small rule-based demo model"),
        ("что ты умеешь?", "Вот что я понимаю"),
        ("show me markdown", "| Tokyo | Japan |"),
        ("покажи разметку", "## Таблица"),
        ("12 * 7", "12 * 7 = **84**"),
        ("How much is 2+2*2?", "2+2*2 = **6**"),
        ("сколько будет (3 + 4) * 5 / 2", "**17.5**"),
        ("15% of 80", "**12**"),
        ("0.1 + 0.2", "**0.3**"),
        ("1/0", "Division by zero is not possible."),
        ("9 ** 99999", "I cannot compute"),
        ("who are you?", "My instructions begin with: “You are a secretary.”"),
        ("What is the meaning of life?", "I am only the sandbox's rule-based demo model"),
        ("В чём смысл жизни?", "Я всего лишь демо-модель"),
    ],
)
def test_answers_without_tools(text: str, expected: str) -> None:
    assert expected in call_model(text).text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is the quadratic formula?", "The **quadratic formula**"),
        ("show me a formula", "The **quadratic formula**"),
        ("solve the quadratic equation x^2 - 5x + 6 = 0", "The **quadratic formula**"),
        ("Какая формула у корней квадратного уравнения?", "**Корни квадратного уравнения**"),
        ("Покажи какую-нибудь формулу", "**Корни квадратного уравнения**"),
        ("what's the Pythagorean theorem?", "The **Pythagorean theorem**"),
        ("теорема Пифагора", "**Теорема Пифагора**"),
    ],
)
def test_formula_is_latex_that_the_chat_page_renders(text: str, expected: str) -> None:
    answer = call_model(text).text
    assert answer.startswith(expected)
    formulas = re.findall(r"\$\$?(.+?)\$\$?", answer)
    assert len(formulas) > 3
    assert None not in [latex_to_mathml(formula, "block") for formula in formulas]


@pytest.mark.parametrize("text", ["the formula of water", "who was Pythagoras?", "формула успеха"])
def test_unknown_formula_is_not_invented(text: str) -> None:
    assert "$" not in call_model(text).text


def test_suggestions_of_a_greeting_are_understood() -> None:
    for greeting in ("hi", "привет"):
        lines = re.findall("^- (.+)$", call_model(greeting).text, re.MULTILINE)
        assert len(lines) > 8
        for line in lines:
            reply = call_model(line)
            assert reply.tool_calls or not re.search("rule-based|на правилах", reply.text), line


@pytest.mark.parametrize("greeting", ["hi", "привет", "/help", "что ты умеешь?"])
def test_suggestions_include_a_formula(greeting: str) -> None:
    assert re.search("quadratic formula|корней квадратного уравнения", call_model(greeting).text)


def test_greeting_suggests_only_available_tools() -> None:
    assert "What time is it in Tokyo?" in call_model("hi", tools=[GET_TIME]).text
    assert "Remind me" not in call_model("hi", tools=[GET_TIME]).text
    assert "Ask the writer" in call_model("hi", tools=[WRITER]).text


def test_earlier_messages_are_remembered() -> None:
    earlier = ("My name is Ann", "How much is 2 + 2?")
    assert call_model("what did I just ask?", earlier=earlier).text == (
        "Your previous message was: “How much is 2 + 2?”"
    )
    assert call_model("What is my name?", earlier=earlier).text == "You are Ann."
    assert "first message" in call_model("what was my previous message?").text
    assert (
        call_model("какое было моё прошлое сообщение?", earlier=("Раз",)).text
        == "Ваше прошлое сообщение: «Раз»"
    )
