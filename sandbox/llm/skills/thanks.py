"""You are welcome."""

import re

from sandbox.llm.skill import Request, Skill

_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers|спасибо|благодарю|спс)\b", re.IGNORECASE)
_MOST_WORDS = 6


def _takes(request: Request) -> bool:
    return bool(_THANKS.search(request.text)) and len(request.text.split()) <= _MOST_WORDS


def _begin(request: Request) -> str:
    return request.say("You are welcome!", "Пожалуйста!")


THANKS = Skill(_takes, _begin, is_own_request=False)
