"""What can you do?"""

import re

from sandbox.llm.skill import Skill, SkillRequest
from sandbox.llm.suggestions import render_suggestions

_TRIGGER = re.compile(
    r"^\W*(?:/?help|помощь|помоги(?:те)?|справка)\W*$"
    r"|\bwhat (?:can|do) you (?:do|know)\b|\bhow (?:can|do) (?:you|i) (?:help|use)\b"
    r"|\bчто (?:ты |вы )?(?:умеешь|умеете|можешь|можете)\b|\bкак (?:тобой|вами) пользоваться\b",
    re.IGNORECASE,
)


def _matches(request: SkillRequest) -> bool:
    return _TRIGGER.search(request.text) is not None


def _start(request: SkillRequest) -> str:
    intro = request.localize(
        "I am a small rule-based demo model. This is what I understand:",
        "Я маленькая демо-модель на правилах. Вот что я понимаю:",
    )
    hint = request.localize(
        "With a real model connected (`OPENAI_API_KEY` or `OPENAI_BASE_URL` in `.env`), the same "
        "assistant understands everything else, too.",
        "Если подключить настоящую модель (`OPENAI_API_KEY` или `OPENAI_BASE_URL` в `.env`), тот "
        "же ассистент поймёт и всё остальное.",
    )
    return f"{intro}\n\n{render_suggestions(request.context)}\n\n{hint}"


HELP = Skill(_matches, _start)
