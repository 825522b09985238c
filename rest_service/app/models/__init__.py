"""The tables. Alembic sees those that are named here."""

from sqlmodel import SQLModel

from .assistant import Assistant
from .configuration import Configuration
from .cron_job import CronJob, CronJobRun
from .effect import Effect
from .idempotency_key import IdempotencyKey
from .thread import DeletedThread, Message, Thread, Turn
from .tool import AssistantTool, Tool
from .user import Invite, User

__all__ = (
    "Assistant",
    "AssistantTool",
    "Configuration",
    "CronJob",
    "CronJobRun",
    "DeletedThread",
    "Effect",
    "IdempotencyKey",
    "Invite",
    "Message",
    "Thread",
    "Tool",
    "Turn",
    "User",
    "metadata",
)

metadata = SQLModel.metadata
