"""The ASGI middleware, which sees each request before the routes do."""
