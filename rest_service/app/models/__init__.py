"""The tables. Alembic knows only those that are imported here."""

from sqlmodel import SQLModel

from .configuration import Assistant as Assistant
from .configuration import AssistantTool as AssistantTool
from .configuration import Configuration as Configuration
from .configuration import LlmModel as LlmModel
from .configuration import LlmProvider as LlmProvider
from .configuration import Secret as Secret
from .configuration import Tool as Tool
from .configuration import Version as Version
from .history import AuditEntry as AuditEntry
from .history import Effect as Effect
from .history import IdempotencyKey as IdempotencyKey
from .history import Message as Message
from .history import Turn as Turn
from .history import Usage as Usage
from .user import CalendarEvent as CalendarEvent
from .user import CronJob as CronJob
from .user import CronJobRun as CronJobRun
from .user import DeletedThread as DeletedThread
from .user import Invite as Invite
from .user import Task as Task
from .user import Thread as Thread
from .user import User as User

metadata = SQLModel.metadata
