"""Having Postgres take a password: its image looks at the variable only when it makes the data."""


def build_password_statement(password: str) -> str:
    """What tells it; inside the container nobody is asked for a password."""
    quoted = password.replace("'", "''")
    return f"ALTER ROLE smart_assistant PASSWORD '{quoted}';"
