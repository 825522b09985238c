"""What the tests of several parts need. Production code never imports it."""
