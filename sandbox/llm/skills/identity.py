"""Who are you, which model, and what are your instructions?"""

import re

from sandbox.llm.skill import Skill, SkillRequest

_TRIGGER = re.compile(
    r"\bwho are you\b|\bwhat are you\b|\byour (?:name|instructions|role)\b"
    r"|\b(?:which|what)\s+(?:language\s+)?model\b.*\b(?:you|this|answers)\b"
    r"|\bкакая\s+(?:ты|это|вы|у тебя)\s+модель\b|\bчто (?:ты|это) за модель\b"
    r"|\bкакая\s+модель\s+(?:ты|отвечает|мне отвечает)\b"
    r"|\bare you (?:a|an|real)\b"
    r"|\bкто ты\b|\bкто вы\b|\bты кто\b|\bкак тебя зовут\b|\bтво[ия] (?:инструкци\w+|роль)\b"
    r"|\bты (?:робот|бот|человек|настоящ\w+)\b",
    re.IGNORECASE,
)
_FIRST_SENTENCE = re.compile(r".+?(?:[.!?…](?=\s|$)|\n|$)", re.DOTALL)
_MAX_INSTRUCTION_LENGTH = 200


def get_first_instruction(instructions: str) -> str:
    """How the instructions begin."""
    found = _FIRST_SENTENCE.match(instructions.strip())
    sentence = " ".join(found[0].split()) if found else ""
    return (
        sentence
        if len(sentence) <= _MAX_INSTRUCTION_LENGTH
        else f"{sentence[:_MAX_INSTRUCTION_LENGTH].rstrip()}…"
    )


def _matches(request: SkillRequest) -> bool:
    return _TRIGGER.search(request.text) is not None


def _start(request: SkillRequest) -> str:
    me = request.localize(
        f"I am the sandbox's demo model, and you know me as `{request.context.model}`. I am a "
        "handful of rules that play a language model, so that everything around it can be tried "
        "without an account.",
        f"Я демо-модель песочницы, и вы знаете меня как `{request.context.model}`. Я — "
        "несколько правил, которые изображают языковую модель, чтобы всё вокруг неё можно было "
        "попробовать без аккаунтов.",
    )
    instruction = get_first_instruction(request.context.instructions)
    if not instruction:
        return me
    return f"{me}\n\n" + request.localize(
        f"My instructions begin with: “{instruction}”",
        f"Мои инструкции начинаются так: «{instruction}»",
    )


IDENTITY = Skill(_matches, _start)
