"""ASGI middlewares, the first to see a request."""
