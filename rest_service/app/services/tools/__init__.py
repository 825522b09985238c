"""Tools: their schemas and HTTP calls."""
