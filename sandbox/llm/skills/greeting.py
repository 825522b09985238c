"""Hello."""

import re

from sandbox.llm.skill import Skill, SkillRequest
from sandbox.llm.suggestions import render_suggestions

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|day|afternoon|evening)|greetings"
    r"|привет\w*|здравствуй\w*|здорово|хай|салют"
    r"|добр(?:ый|ое|ого) (?:день|утро|вечер|дня|утра))\b[\w\s,]{0,30}\W*$",
    re.IGNORECASE,
)


def _matches(request: SkillRequest) -> bool:
    return _GREETING.match(request.text) is not None


def _start(request: SkillRequest) -> str:
    if not request.is_only_request:
        return request.localize("Hi!", "Привет!")
    hello = request.localize(
        "Hi! I am the **demo model** of this sandbox: a handful of rules, not a real language "
        "model. But I really use the assistant's tools. Try one of these:",
        "Привет! Я **демо-модель** этой песочницы: несколько правил, а не настоящая языковая "
        "модель. Но инструментами ассистента я пользуюсь по-настоящему. Попробуйте:",
    )
    return f"{hello}\n\n{render_suggestions(request.context)}"


GREETING = Skill(_matches, _start, can_start_mid_message=False)
