"""What can you do?"""

import re

from sandbox.llm.offers import offers
from sandbox.llm.skill import Request, Skill

_HELP = re.compile(
    r"^\W*(?:/?help|помощь|помоги(?:те)?|справка)\W*$"
    r"|\bwhat (?:can|do) you (?:do|know)\b|\bhow (?:can|do) (?:you|i) (?:help|use)\b"
    r"|\bчто (?:ты |вы )?(?:умеешь|умеете|можешь|можете)\b|\bкак (?:тобой|вами) пользоваться\b",
    re.IGNORECASE,
)


def _takes(request: Request) -> bool:
    return _HELP.search(request.text) is not None


def _begin(request: Request) -> str:
    intro = request.say(
        "I am a small rule-based demo model. This is what I understand:",
        "Я маленькая демо-модель на правилах. Вот что я понимаю:",
    )
    hint = request.say(
        "With a real model connected (`OPENAI_API_KEY` or `OPENAI_BASE_URL` in `.env`), the same "
        "assistant understands everything else, too.",
        "Если подключить настоящую модель (`OPENAI_API_KEY` или `OPENAI_BASE_URL` в `.env`), тот "
        "же ассистент поймёт и всё остальное.",
    )
    return f"{intro}\n\n{offers(request.conversation)}\n\n{hint}"


HELP = Skill(_takes, _begin)
