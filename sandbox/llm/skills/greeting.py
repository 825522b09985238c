"""Hello."""

import re

from sandbox.llm.offers import offers
from sandbox.llm.skill import Request, Skill

_GREETING = re.compile(
    r"^\W*(?:hi|hello|hey|hiya|howdy|yo|good (?:morning|day|afternoon|evening)|greetings"
    r"|привет\w*|здравствуй\w*|здорово|хай|салют"
    r"|добр(?:ый|ое|ого) (?:день|утро|вечер|дня|утра))\b[\w\s,]{0,30}\W*$",
    re.IGNORECASE,
)


def _takes(request: Request) -> bool:
    return _GREETING.match(request.text) is not None


def _begin(request: Request) -> str:
    if not request.is_alone:
        return request.say("Hi!", "Привет!")
    hello = request.say(
        "Hi! I am the **demo model** of this sandbox: a handful of rules, not a real language "
        "model. But I really use the assistant's tools. Try one of these:",
        "Привет! Я **демо-модель** этой песочницы: несколько правил, а не настоящая языковая "
        "модель. Но инструментами ассистента я пользуюсь по-настоящему. Попробуйте:",
    )
    return f"{hello}\n\n{offers(request.conversation)}"


GREETING = Skill(_takes, _begin, is_own_request=False)
