"""Everything that services exchange: queue messages, REST bodies and Redis keys.

Receivers ignore unknown fields, so a service may add some; it reads only fields that are defined
here.
"""
