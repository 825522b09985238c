"""What the operator is told instead of a traceback."""


class ControlError(Exception):
    """One clear line for the operator, and the exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status
