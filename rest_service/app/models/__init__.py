"""The tables. Alembic sees those that are named here."""

from sqlmodel import SQLModel

from rest_service.app.models.assistant import Assistant
from rest_service.app.models.configuration import Configuration
from rest_service.app.models.cron_job import CronJob, CronJobRun
from rest_service.app.models.effect import Effect
from rest_service.app.models.idempotency_key import IdempotencyKey
from rest_service.app.models.thread import Message, Thread, Turn
from rest_service.app.models.tool import AssistantTool, Tool
from rest_service.app.models.user import Invite, User

__all__ = (
    "Assistant",
    "AssistantTool",
    "Configuration",
    "CronJob",
    "CronJobRun",
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
