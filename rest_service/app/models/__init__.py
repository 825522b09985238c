"""The tables. Alembic knows only those that are imported here."""

from sqlmodel import SQLModel

from .assistant import Assistant as Assistant
from .assistant import AssistantTool as AssistantTool
from .assistant import Tool as Tool
from .audit import AuditEntry as AuditEntry
from .calendar import CalendarEvent as CalendarEvent
from .clock import ClockState as ClockState
from .configuration import ConfigurationVersion as ConfigurationVersion
from .configuration import RecordVersion as RecordVersion
from .cron import CronJob as CronJob
from .cron import CronJobRun as CronJobRun
from .effect import Effect as Effect
from .history import Message as Message
from .history import Turn as Turn
from .history import Usage as Usage
from .idempotency import IdempotencyKey as IdempotencyKey
from .llm import LlmModel as LlmModel
from .llm import LlmProvider as LlmProvider
from .secret import Secret as Secret
from .task import Task as Task
from .thread import DeletedThread as DeletedThread
from .thread import Thread as Thread
from .user import Invite as Invite
from .user import User as User

metadata = SQLModel.metadata
