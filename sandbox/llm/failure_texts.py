"""What to say where a tool is missing or has failed."""

from sandbox.llm.skill import SkillRequest


def missing_tool_text(request: SkillRequest, what_en: str, what_ru: str) -> str:
    """The assistant has no such tool."""
    return request.localize(
        f"I have no tool for {what_en} here, so I cannot do that. "
        "An administrator can link one to this assistant.",
        f"Здесь у меня нет инструмента {what_ru}, поэтому сделать это я не могу. "
        "Администратор может добавить его этому ассистенту.",
    )


def tool_failure_text(request: SkillRequest, reason: str) -> str:
    """The tool said no."""
    return request.localize(
        f"That did not work. The tool says: {reason}",
        f"Не получилось. Инструмент отвечает: {reason}",
    )
