"""All skills, in the order in which they are tried; a new skill is a module and an entry here."""

from sandbox.llm.skill import Skill
from sandbox.llm.skills.arithmetic import ARITHMETIC
from sandbox.llm.skills.clock import CLOCK
from sandbox.llm.skills.delegation import DELEGATION, MATCHING_TOOL
from sandbox.llm.skills.formatting_samples import FORMULA, MARKDOWN
from sandbox.llm.skills.recall import MEMORY
from sandbox.llm.skills.reminder import CREATE_REMINDER, SCHEDULE_PROMPT
from sandbox.llm.skills.reminder_change import CHANGE_REMINDER, SNOOZE_REMINDER
from sandbox.llm.skills.reminder_list import CANCEL_REMINDER, LIST_REMINDERS
from sandbox.llm.skills.settings import ANSWER_ZONE_QUESTION, CHANGE_SETTINGS
from sandbox.llm.skills.small_talk import FALLBACK, GREETING, HELP, IDENTITY, THANKS, WITHDRAWN
from sandbox.llm.skills.task import CREATE_TASK, LIST_TASKS
from sandbox.llm.skills.task_change import CHANGE_TASK, CLOSE_TASK
from sandbox.llm.skills.weather import WEATHER

SKILLS: tuple[Skill, ...] = (
    SCHEDULE_PROMPT,
    DELEGATION,
    CANCEL_REMINDER,
    CHANGE_REMINDER,
    SNOOZE_REMINDER,
    LIST_REMINDERS,
    CREATE_REMINDER,
    CREATE_TASK,
    CLOSE_TASK,
    CHANGE_TASK,
    LIST_TASKS,
    CHANGE_SETTINGS,
    MEMORY,
    CLOCK,
    WEATHER,
    FORMULA,
    ARITHMETIC,
    MARKDOWN,
    IDENTITY,
    ANSWER_ZONE_QUESTION,
    MATCHING_TOOL,
    HELP,
    THANKS,
    WITHDRAWN,
    GREETING,
    FALLBACK,
)
