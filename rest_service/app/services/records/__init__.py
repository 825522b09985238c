"""Functions that the services share: finding, ownership, references, limits."""
