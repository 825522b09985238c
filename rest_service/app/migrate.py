"""Brings the schema up to date: `python -m rest_service.app.migrate`.

Most starts find a schema that is up to date. They run only a query, because Alembic and the models
take a second to import, for which rest_service would wait.
"""

import re
from contextlib import closing
from pathlib import Path

import psycopg2

from .database_settings import MigrationSettings

_FOLDER = Path(__file__).resolve().parents[1]
_REVISION = re.compile(r"^(down_)?revision\b[^=\n]*=(.*)$", re.MULTILINE)
_QUOTED = re.compile(r"""["']([^"']+)["']""")


def main() -> None:
    """Run the missing migrations. An error ends the process with a traceback."""
    if is_up_to_date(MigrationSettings.load().database_url):
        return
    from alembic import config  # not at the top: see above

    config.main(["-c", str(_FOLDER / "alembic.ini"), "upgrade", "head"])


def is_up_to_date(url: str) -> bool:
    """Return whether the database has the newest revision. An error counts as no: Alembic then
    creates what is missing, or reports the error."""
    try:
        with closing(psycopg2.connect(url.replace("+psycopg2", "", 1))) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT version_num FROM alembic_version")
            found = [revision for (revision,) in cursor.fetchall()]
    except psycopg2.Error:
        return False
    return found == [find_head()]


def find_head(versions: Path = _FOLDER / "alembic" / "versions") -> str | None:
    """Return the revision that no other one follows; None if there is not exactly one."""
    revisions, followed = set[str](), set[str]()
    for file in versions.glob("*.py"):
        for is_followed, names in _REVISION.findall(file.read_text("utf-8")):
            (followed if is_followed else revisions).update(_QUOTED.findall(names))
    heads = revisions - followed
    return heads.pop() if len(heads) == 1 else None


if __name__ == "__main__":
    main()
