"""All skills, in the order in which they are tried; a new skill is a module and an entry here."""

from sandbox.llm.skill import Skill
from sandbox.llm.skills.arithmetic import ARITHMETIC
from sandbox.llm.skills.clock import CLOCK
from sandbox.llm.skills.delegation import DELEGATION, MATCHING_TOOL
from sandbox.llm.skills.formatting_samples import FORMULA, MARKDOWN
from sandbox.llm.skills.recall import MEMORY
from sandbox.llm.skills.reminder import CANCEL_REMINDER, CREATE_REMINDER, LIST_REMINDERS
from sandbox.llm.skills.small_talk import FALLBACK, GREETING, HELP, IDENTITY, THANKS
from sandbox.llm.skills.task import CLOSE_TASK, CREATE_TASK, LIST_TASKS
from sandbox.llm.skills.weather import WEATHER

SKILLS: tuple[Skill, ...] = (
    DELEGATION,
    CANCEL_REMINDER,
    LIST_REMINDERS,
    CREATE_REMINDER,
    CREATE_TASK,
    CLOSE_TASK,
    LIST_TASKS,
    MEMORY,
    CLOCK,
    WEATHER,
    FORMULA,
    ARITHMETIC,
    MARKDOWN,
    IDENTITY,
    MATCHING_TOOL,
    HELP,
    THANKS,
    GREETING,
    FALLBACK,
)
