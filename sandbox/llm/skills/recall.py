"""Questions about earlier messages, which show that the conversation is remembered."""

import re

from sandbox.llm.skill import Skill, SkillRequest, build_matcher

_PREVIOUS_MESSAGE_QUESTION = re.compile(
    r"(?i)\bmy (?:previous|last|earlier) (?:message|question|request|words)\b"
    r"|\bwhat (?:did|have|had) i (?:just )?(?:say|said|ask|asked|write|written|tell|told)\b"
    r"|\bwhat (?:was|were) (?:i|we) (?:saying|talking)\b"
    r"|\b(?:прошл|предыдущ|последн)\w+ (?:мо[её] |мой )?(?:сообщени|вопрос|запрос|фраз)\w*"
    r"|\bчто я (?:тебе )?(?:только что |сейчас |до этого |раньше )?"
    r"(?:сказал|спросил|спрашивал|писал|написал|говорил)\w*"
)
_NAME_STATEMENT = re.compile(
    r"(?i)\b(?:my name is|call me|меня зовут|зови меня)\s+(?P<name>[^\W\d_][\w-]*)"
)
_NAME_QUESTION = re.compile(
    r"(?i)\bwhat(?:'s| is) my name\b|\bwho am i\b|\bкак меня зовут\b|\bкто я\b"
)


def _start(request: SkillRequest) -> str:
    if _NAME_QUESTION.search(request.text):
        return _recall_name(request)
    if given := _NAME_STATEMENT.search(request.text):
        name = given["name"]
        return request.localize(f"Nice to meet you, {name}!", f"Приятно познакомиться, {name}!")
    if not request.context.previous_messages:
        return request.localize(
            "This is your first message in this conversation.",
            "Это ваше первое сообщение в этом разговоре.",
        )
    previous = request.context.previous_messages[-1]
    return request.localize(
        f"Your previous message was: “{previous}”", f"Ваше прошлое сообщение: «{previous}»"
    )


def _recall_name(request: SkillRequest) -> str:
    for text in reversed(request.context.previous_messages):
        if given := _NAME_STATEMENT.search(text):
            return request.localize(f"You are {given['name']}.", f"Вас зовут {given['name']}.")
    return request.localize(
        "I do not know your name yet. Write: “My name is …”",
        "Я пока не знаю вашего имени. Напишите: «Меня зовут …»",
    )


MEMORY = Skill(build_matcher(_PREVIOUS_MESSAGE_QUESTION, _NAME_QUESTION, _NAME_STATEMENT), _start)
