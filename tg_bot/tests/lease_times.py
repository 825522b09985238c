"""Lease time and claim interval of bots in tests."""

LEASE_SECONDS = 60.0
"""Long enough that a busy machine does not cost a bot its lease."""

CLAIM_SECONDS = 0.15
