"""A machine that meets all requirements of local mode."""

from pathlib import Path

from control.machine_requirements import GIGABYTE, MachineFacts

SUITABLE_MACHINE = MachineFacts(
    folder=Path("/srv/assistant"),
    python=(3, 13),
    implementation="CPython",
    system="Linux",
    architecture="x86_64",
    is_musl=False,
    glibc=(2, 36),
    has_venv=True,
    memory=2 * GIGABYTE,
    free_disk=9 * GIGABYTE,
    is_noexec=False,
    user="alice",
    loopback_error="",
)
