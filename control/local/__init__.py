"""Local mode: no Docker, no root, no packages but Python's."""
