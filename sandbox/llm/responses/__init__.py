"""The Responses API, without a memory: whatever counts comes with the request."""
