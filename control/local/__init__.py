"""Local mode: the suite as supervised processes, without Docker, root or system packages."""
