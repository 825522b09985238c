"""Test tools that several parts share. Production code never imports them."""
