"""HTTP to servers that users named: only public addresses, with limits."""
