"""Each table has the columns of its contract."""

import pytest
from pydantic import BaseModel
from sqlmodel import SQLModel

from rest_service.app import models
from smart_kit.contracts.assistants import AssistantRead
from smart_kit.contracts.audit import AuditRead
from smart_kit.contracts.calendar import CalendarEventRead
from smart_kit.contracts.cron_jobs import CronJobRead, CronJobRunRead
from smart_kit.contracts.effects import EffectRead
from smart_kit.contracts.models import LlmModelRead, ProviderRead
from smart_kit.contracts.tasks import TaskRead
from smart_kit.contracts.threads import MessageRead, ThreadRead, TurnRead
from smart_kit.contracts.tools import AssistantToolRead, ToolRead
from smart_kit.contracts.usage import UsageRead
from smart_kit.contracts.users import UserRead
from smart_kit.contracts.versions import VersionRead

CONTRACTS: tuple[tuple[type[SQLModel], type[BaseModel]], ...] = (
    (models.Assistant, AssistantRead),
    (models.Tool, ToolRead),
    (models.AssistantTool, AssistantToolRead),
    (models.User, UserRead),
    (models.Thread, ThreadRead),
    (models.Message, MessageRead),
    (models.Turn, TurnRead),
    (models.CronJob, CronJobRead),
    (models.CronJobRun, CronJobRunRead),
    (models.Task, TaskRead),
    (models.CalendarEvent, CalendarEventRead),
    (models.Effect, EffectRead),
    (models.LlmProvider, ProviderRead),
    (models.LlmModel, LlmModelRead),
    (models.AuditEntry, AuditRead),
    (models.RecordVersion, VersionRead),
    (models.Usage, UsageRead),
)
COMPUTED_FIELDS = {"effect", "api_key_state"}


@pytest.mark.parametrize(("table", "contract"), CONTRACTS)
def test_a_table_has_the_fields_of_its_contract(
    table: type[SQLModel], contract: type[BaseModel]
) -> None:
    assert set(contract.model_fields) - COMPUTED_FIELDS <= set(table.model_fields)


def test_every_time_column_but_local_times_has_a_timezone() -> None:
    times = [
        column
        for table in models.metadata.tables.values()
        for column in table.columns
        if "DATETIME" in str(column.type) or "TIMESTAMP" in str(column.type)
    ]

    assert len(times) > 15
    local = [column.name for column in times if not column.type.timezone]  # type: ignore[attr-defined]
    assert local == ["local_at"]
