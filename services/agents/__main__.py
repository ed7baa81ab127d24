"""`python -m services.agents <role>`: one agent of one role, and its typed service, until it is told to stop.

Only the chosen role is imported, so that a process starts fast and holds no other role's knowledge.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from archwright.errors import ArchwrightError
from archwright.sdk.process import run_agent
from services.agents.direct.hosting import hosted
from services.agents.direct.settings import DirectSettings
from services.agents.llm.chosen import chosen

EXIT_USAGE = 2
_ROLES = "services.agents.roles"


def main(arguments: Sequence[str]) -> int:
    """Serve the role that `arguments` name; return the process's exit code."""
    known = roles()
    match arguments:
        case ["-h" | "--help"]:
            sys.stdout.write(_usage(known))
            return 0
        case [role] if role in known:
            service = import_module(f"{_ROLES}.{role}.service")
            try:
                # What was set up wrongly is found now, and not in the first task.
                for load in (chosen, *getattr(service, "SETTINGS", ())):
                    load()
            except ArchwrightError as error:
                sys.stderr.write(f"{error}\n")
                return EXIT_USAGE
            run_agent(service.agent, beside=lambda: hosted(service.agent, DirectSettings()))
        case [role]:
            sys.stderr.write(f"There is no role {role!r}.\n{_usage(known)}")
        case _:
            sys.stderr.write(f"Name one role, not {len(arguments)}.\n{_usage(known)}")
    return EXIT_USAGE


def roles() -> tuple[str, ...]:
    """Return the names of the roles that can be served, sorted, without importing any of them."""
    package = find_spec(_ROLES)
    folders = package.submodule_search_locations if package else None
    services = (service for folder in folders or () for service in Path(folder).glob("*/service.py"))
    return tuple(sorted(service.parent.name for service in services))


def _usage(known: Sequence[str]) -> str:
    return f"Usage: python -m services.agents <role>\nRoles: {', '.join(known)}\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
