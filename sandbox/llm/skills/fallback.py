"""An honest answer to everything else."""

from sandbox.llm.skill import Skill, SkillRequest
from sandbox.llm.skills.identity import get_first_instruction
from sandbox.llm.suggestions import render_suggestions

_MAX_QUOTE_LENGTH = 120


def _matches(_: SkillRequest) -> bool:
    return True


def _start(request: SkillRequest) -> str:
    quoted_request = " ".join(request.text.split())
    quoted_request = (
        quoted_request
        if len(quoted_request) <= _MAX_QUOTE_LENGTH
        else f"{quoted_request[:_MAX_QUOTE_LENGTH].rstrip()}…"
    )
    sorry = request.localize(
        f"I am only the sandbox's rule-based demo model, and “{quoted_request}” is beyond my"
        " rules. A real model would answer here.",
        f"Я всего лишь демо-модель песочницы на правилах, и «{quoted_request}» выше моих сил. "
        "Здесь ответила бы настоящая модель.",
    )
    instruction = get_first_instruction(request.context.instructions)
    if instruction:
        sorry += request.localize(
            f"\n\nIt would follow my instructions: “{instruction}”",
            f"\n\nОна следовала бы моим инструкциям: «{instruction}»",
        )
    if not request.context.tools:
        return sorry
    able = request.localize("I can do this:", "Я умею вот что:")
    return f"{sorry}\n\n{able}\n\n{render_suggestions(request.context)}"


FALLBACK = Skill(_matches, _start, can_start_mid_message=False)
