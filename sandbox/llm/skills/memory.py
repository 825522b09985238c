"""What was said before: shows that the conversation is remembered."""

import re

from sandbox.llm.skill import Skill, SkillRequest

_PREVIOUS_MESSAGE_QUESTION = re.compile(
    r"\bmy (?:previous|last|earlier) (?:message|question|request|words)\b"
    r"|\bwhat (?:did|have|had) i (?:just )?(?:say|said|ask|asked|write|written|tell|told)\b"
    r"|\bwhat (?:was|were) (?:i|we) (?:saying|talking)\b"
    r"|\b(?:прошл|предыдущ|последн)\w+ (?:мо[её] |мой )?(?:сообщени|вопрос|запрос|фраз)\w*"
    r"|\bчто я (?:тебе )?(?:только что |сейчас |до этого |раньше )?"
    r"(?:сказал|спросил|спрашивал|писал|написал|говорил)\w*",
    re.IGNORECASE,
)
_NAME_STATEMENT = re.compile(
    r"\b(?:my name is|call me|меня зовут|зови меня)\s+(?P<name>[^\W\d_][\w-]*)", re.IGNORECASE
)
_NAME_QUESTION = re.compile(
    r"\bwhat(?:'s| is) my name\b|\bwho am i\b|\bкак меня зовут\b|\bкто я\b", re.IGNORECASE
)


def _matches(request: SkillRequest) -> bool:
    return any(
        pattern.search(request.text)
        for pattern in (_PREVIOUS_MESSAGE_QUESTION, _NAME_QUESTION, _NAME_STATEMENT)
    )


def _start(request: SkillRequest) -> str:
    if _NAME_QUESTION.search(request.text):
        return _recall_name(request)
    given = _NAME_STATEMENT.search(request.text)
    if given:
        name = given["name"]
        return request.localize(f"Nice to meet you, {name}!", f"Приятно познакомиться, {name}!")
    previous_messages = request.context.previous_messages
    if not previous_messages:
        return request.localize(
            "This is the first message of yours that I see here.",
            "Это первое ваше сообщение, которое я здесь вижу.",
        )
    return request.localize(
        f"Your previous message was: “{previous_messages[-1]}”",
        f"Ваше прошлое сообщение: «{previous_messages[-1]}»",
    )


def _recall_name(request: SkillRequest) -> str:
    for text in reversed(request.context.previous_messages):
        given = _NAME_STATEMENT.search(text)
        if given:
            return request.localize(f"You are {given['name']}.", f"Вас зовут {given['name']}.")
    return request.localize(
        "You have not told me in this conversation. Say: “My name is …”",
        "В этом разговоре вы не говорили. Скажите: «Меня зовут …»",
    )


MEMORY = Skill(_matches, _start)
