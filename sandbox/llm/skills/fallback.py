"""An honest answer to everything else."""

from sandbox.llm.offers import offers
from sandbox.llm.skill import Request, Skill
from sandbox.llm.skills.identity import first_instruction

_LONGEST = 120


def _takes(_: Request) -> bool:
    return True


def _begin(request: Request) -> str:
    asked = " ".join(request.text.split())
    asked = asked if len(asked) <= _LONGEST else f"{asked[:_LONGEST].rstrip()}…"
    sorry = request.say(
        f"I am only the sandbox's rule-based demo model, and “{asked}” is beyond my rules. "
        "A real model would answer here.",
        f"Я всего лишь демо-модель песочницы на правилах, и «{asked}» выше моих сил. "
        "Здесь ответила бы настоящая модель.",
    )
    begins = first_instruction(request.conversation.instructions)
    if begins:
        sorry += request.say(
            f"\n\nIt would follow my instructions: “{begins}”",
            f"\n\nОна следовала бы моим инструкциям: «{begins}»",
        )
    if not request.conversation.tools:
        return sorry
    able = request.say("I can do this:", "Я умею вот что:")
    return f"{sorry}\n\n{able}\n\n{offers(request.conversation)}"


FALLBACK = Skill(_takes, _begin, is_own_request=False)
