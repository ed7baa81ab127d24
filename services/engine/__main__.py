"""`python -m services.engine` serves; `python -m services.engine migrate` brings the tables up to date."""

from __future__ import annotations

import asyncio
import sys

from archwright.serving import logs
from services.chassis.lifecycle import serve
from services.chassis.settings import MigrationSettings, SettingsInvalid, read
from services.engine.main import run
from services.engine.settings import EngineSettings
from services.engine.storage.migrate import migrate


def main(arguments: list[str]) -> int:
    """Do what the arguments say and return the exit code: 2 when they, or the settings, are wrong."""
    try:
        match arguments:
            case []:
                settings = read(EngineSettings)
                logs.configure(service="engine", level=settings.log_level, form=settings.log_form)
                return serve(lambda stop: run(settings, stop), settings)
            case ["migrate"]:
                asyncio.run(migrate(read(MigrationSettings).postgres_owner_dsn))
                return 0
            case _:
                sys.stderr.write("usage: python -m services.engine [migrate]\n")
                return 2
    except SettingsInvalid as error:
        sys.stderr.write(f"{error}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
