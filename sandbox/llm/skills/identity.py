"""Who are you, and what are your instructions?"""

import re

from sandbox.llm.skill import Request, Skill

_QUESTION = re.compile(
    r"\bwho are you\b|\bwhat are you\b|\byour (?:name|instructions|role)\b"
    r"|\bare you (?:a|an|real)\b"
    r"|\bкто ты\b|\bкто вы\b|\bты кто\b|\bкак тебя зовут\b|\bтво[ия] (?:инструкци\w+|роль)\b"
    r"|\bты (?:робот|бот|человек|настоящ\w+)\b",
    re.IGNORECASE,
)
_FIRST_SENTENCE = re.compile(r".+?(?:[.!?…](?=\s|$)|\n|$)", re.DOTALL)
_LONGEST = 200


def first_instruction(instructions: str) -> str:
    """How the instructions begin."""
    found = _FIRST_SENTENCE.match(instructions.strip())
    sentence = " ".join(found[0].split()) if found else ""
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST].rstrip()}…"


def _takes(request: Request) -> bool:
    return _QUESTION.search(request.text) is not None


def _begin(request: Request) -> str:
    me = request.say(
        "I am the sandbox's demo model: a handful of rules that play a language model, so that "
        "everything around it can be tried without an account.",
        "Я демо-модель песочницы: несколько правил, которые изображают языковую модель, чтобы всё "
        "вокруг неё можно было попробовать без аккаунтов.",
    )
    begins = first_instruction(request.conversation.instructions)
    if not begins:
        return me
    return f"{me}\n\n" + request.say(
        f"My instructions begin with: “{begins}”", f"Мои инструкции начинаются так: «{begins}»"
    )


IDENTITY = Skill(_takes, _begin)
