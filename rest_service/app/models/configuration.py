from sqlmodel import Field, SQLModel


class Configuration(SQLModel, table=True):
    """The one row that counts changes of assistants, tools and links (by triggers).

    Who changes them locks it first, so that changes come one after the other.
    """

    __tablename__ = "configuration"

    id: int = Field(default=1, primary_key=True)
    version: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
