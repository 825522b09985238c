"""The time zone database: always that of the pinned package `tzdata`, and never the host's.

So all services and all hosts agree on local times, and an update of the database comes with an
update of the suite, after which rest_service computes the times of all jobs again.
"""

import zoneinfo

import tzdata


def use_pinned_timezone_data() -> None:
    """Let `zoneinfo` read no files of the host. Zones that were read before stay as they are."""
    zoneinfo.reset_tzpath(to=())
    zoneinfo.ZoneInfo.clear_cache()


def get_timezone_data_version() -> str:
    """Return the version of IANA's database, for example 2026f."""
    version: str = tzdata.IANA_VERSION
    return version
