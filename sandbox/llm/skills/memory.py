"""Questions about earlier messages, which show that the conversation is remembered."""

import re

from sandbox.llm.skill import Skill, SkillRequest, matches_any

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
            "This is your first message in this conversation.",
            "Это ваше первое сообщение в этом разговоре.",
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
        "I do not know your name yet. Write: “My name is …”",
        "Я пока не знаю вашего имени. Напишите: «Меня зовут …»",
    )


MEMORY = Skill(matches_any(_PREVIOUS_MESSAGE_QUESTION, _NAME_QUESTION, _NAME_STATEMENT), _start)
