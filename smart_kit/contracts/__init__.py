"""The words the services share: queue messages, REST shapes, Redis keys.

A service may add fields that others ignore; it never reads a field that is not written here.
"""
