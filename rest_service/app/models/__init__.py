"""The tables. Alembic knows only those that are imported here."""

from sqlmodel import SQLModel

from .assistant import Assistant
from .audit_entry import AuditEntry
from .calendar_event import CalendarEvent
from .configuration import Configuration
from .cron_job import CronJob, CronJobRun
from .effect import Effect
from .idempotency_key import IdempotencyKey
from .llm import LlmModel, LlmProvider
from .secret import Secret
from .task import Task
from .thread import DeletedThread, Message, Thread, Turn
from .tool import AssistantTool, Tool
from .usage import Usage
from .user import Invite, User
from .version import Version

__all__ = (
    "Assistant",
    "AssistantTool",
    "AuditEntry",
    "CalendarEvent",
    "Configuration",
    "CronJob",
    "CronJobRun",
    "DeletedThread",
    "Effect",
    "IdempotencyKey",
    "Invite",
    "LlmModel",
    "LlmProvider",
    "Message",
    "Secret",
    "Task",
    "Thread",
    "Tool",
    "Turn",
    "Usage",
    "User",
    "Version",
    "metadata",
)

metadata = SQLModel.metadata
