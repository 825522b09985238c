"""What was said before: shows that the conversation is remembered."""

import re

from sandbox.llm.skill import Request, Skill

_PREVIOUS = re.compile(
    r"\bmy (?:previous|last|earlier) (?:message|question|request|words)\b"
    r"|\bwhat (?:did|have|had) i (?:just )?(?:say|said|ask|asked|write|written|tell|told)\b"
    r"|\bwhat (?:was|were) (?:i|we) (?:saying|talking)\b"
    r"|\b(?:прошл|предыдущ|последн)\w+ (?:мо[её] |мой )?(?:сообщени|вопрос|запрос|фраз)\w*"
    r"|\bчто я (?:тебе )?(?:только что |сейчас |до этого |раньше )?"
    r"(?:сказал|спросил|спрашивал|писал|написал|говорил)\w*",
    re.IGNORECASE,
)
_NAME_GIVEN = re.compile(
    r"\b(?:my name is|call me|меня зовут|зови меня)\s+(?P<name>[^\W\d_][\w-]*)", re.IGNORECASE
)
_NAME_ASKED = re.compile(
    r"\bwhat(?:'s| is) my name\b|\bwho am i\b|\bкак меня зовут\b|\bкто я\b", re.IGNORECASE
)


def _takes(request: Request) -> bool:
    return any(pattern.search(request.text) for pattern in (_PREVIOUS, _NAME_ASKED, _NAME_GIVEN))


def _begin(request: Request) -> str:
    if _NAME_ASKED.search(request.text):
        return _name(request)
    given = _NAME_GIVEN.search(request.text)
    if given:
        name = given["name"]
        return request.say(f"Nice to meet you, {name}!", f"Приятно познакомиться, {name}!")
    earlier = request.conversation.earlier
    if not earlier:
        return request.say(
            "This is the first message of yours that I see here.",
            "Это первое ваше сообщение, которое я здесь вижу.",
        )
    return request.say(
        f"Your previous message was: “{earlier[-1]}”", f"Ваше прошлое сообщение: «{earlier[-1]}»"
    )


def _name(request: Request) -> str:
    for text in reversed(request.conversation.earlier):
        given = _NAME_GIVEN.search(text)
        if given:
            return request.say(f"You are {given['name']}.", f"Вас зовут {given['name']}.")
    return request.say(
        "You have not told me in this conversation. Say: “My name is …”",
        "В этом разговоре вы не говорили. Скажите: «Меня зовут …»",
    )


MEMORY = Skill(_takes, _begin)
