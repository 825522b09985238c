"""ASGI middlewares. They see each request before the routes do."""
