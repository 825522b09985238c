"""The wire protocols of model servers: Chat Completions and Responses."""
