"""The address of the database."""

from pydantic import Field

from smart_kit.settings import ServiceSettings


class MigrationSettings(ServiceSettings):
    """The settings that a migration needs."""

    database_url: str = Field(pattern=r"^postgresql\+psycopg2://", repr=False)
    """Your own PostgreSQL, for psycopg2: postgresql+psycopg2://user:password@host/database. Empty:
    manage.py starts a server."""
