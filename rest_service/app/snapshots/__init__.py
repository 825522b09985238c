"""Snapshots in Redis of the configuration and the users, so that messages need no REST call."""
