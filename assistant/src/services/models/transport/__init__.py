"""HTTP to model servers: connections, server-sent events, error responses."""
