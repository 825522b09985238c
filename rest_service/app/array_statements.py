"""Statements for any number of rows, and their parameters.

The rows are parameters, with one array for each column. So the text of a statement never changes:
SQLAlchemy compiles it once, and PostgreSQL parses it once for each connection. A list of rows in
the statement would make a new text for each batch, and `executemany` returns no rows.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    BindParameter,
    ColumnElement,
    String,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    column,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.types import TypeEngine
from sqlmodel import AutoString, SQLModel

_PREFIX = "given_"
"""SQLAlchemy reserves the bare names of columns for its own parameters."""


def select_given(table: type[SQLModel], names: Sequence[str]) -> TableValuedAlias:
    """Return the rows of the parameters, with the types of the columns of these names."""
    types = {name: get_table(table).c[name].type for name in names}
    for name, kind in types.items():
        if isinstance(kind, String | AutoString):
            types[name] = Text()  # a cast to VARCHAR(255) would cut a value instead of refusing it
    arrays = [bind_array(_PREFIX + name, kind) for name, kind in types.items()]
    columns = [column(name, kind) for name, kind in types.items()]
    return func.unnest(*arrays).table_valued(*columns).render_derived("given")


def bind_array(name: str, kind: TypeEngine[Any]) -> BindParameter[Any]:
    """Return a parameter whose value is a list."""
    return bindparam(name, type_=ARRAY(kind, dimensions=1))


def build_insert(
    table: type[SQLModel],
    given: TableValuedAlias,
    *conditions: Any,
    **others: ColumnElement[Any],
) -> Insert:
    """Return the insertion of the given rows that fulfil the conditions and do not exist yet.

    `others` are the values of the columns that are not given.
    """
    values: dict[str, ColumnElement[Any]] = dict(given.c.items()) | others
    if "id" in table.model_fields:
        values["id"] = func.gen_random_uuid()
    rows = select(*values.values()).where(*conditions)
    return insert(table).from_select(list(values), rows).on_conflict_do_nothing()


def build_parameters(rows: Sequence[NamedTuple]) -> Mapping[str, list[Any]]:
    """Return the parameters for these rows, at least one, of a statement with `select_given`."""
    columns = map(list, zip(*rows, strict=True))
    return dict(zip((_PREFIX + name for name in rows[0]._fields), columns, strict=True))


def get_table(table: type[SQLModel]) -> Table:
    """Return the table of a model."""
    return table.metadata.tables[str(table.__tablename__)]
