"""How long the bots of tests have their lease, and how often they claim it."""

LEASE_SECONDS = 60.0
"""No bot of a test loses its lease because the machine is busy."""

CLAIM_SECONDS = 0.15
