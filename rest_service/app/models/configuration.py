from sqlmodel import Field, SQLModel


class Configuration(SQLModel, table=True):
    """The single row with the version of the configuration, which triggers raise.

    Code that changes the configuration locks the row first, so that changes are serialized.
    """

    __tablename__ = "configuration"

    id: int = Field(default=1, primary_key=True)
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
