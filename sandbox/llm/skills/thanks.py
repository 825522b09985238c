"""You are welcome."""

import re

from sandbox.llm.skill import Skill, SkillRequest

_TRIGGER = re.compile(r"\b(?:thanks|thank you|thx|cheers|спасибо|благодарю|спс)\b", re.IGNORECASE)
_MAX_WORDS = 6


def _matches(request: SkillRequest) -> bool:
    return bool(_TRIGGER.search(request.text)) and len(request.text.split()) <= _MAX_WORDS


def _start(request: SkillRequest) -> str:
    return request.localize("You are welcome!", "Пожалуйста!")


THANKS = Skill(_matches, _start, can_start_mid_message=False)
