"""The stateless Responses API: each request carries the whole conversation."""
