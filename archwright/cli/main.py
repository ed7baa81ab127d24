"""`archwright`: puts the commands together, and ends with a clear message and a telling exit code, whatever happens."""

from __future__ import annotations

import sys
from importlib import import_module, metadata
from typing import Annotated

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from archwright.cli.exit_codes import ExitCode, exit_code
from archwright.cli.failures import InFile, tell
from archwright.errors import ArchwrightError

VERBS = ("up", "demo", "run", "status", "token")
NOUNS = (
    "workflows",
    "artifacts",
    "approvals",
    "dead-letters",
    "definitions",
    "schedules",
    "agents",
    "agent",
    "queues",
    "events",
)

_HELP = """
A durable workflow engine for teams of AI agents.

\b
Begin with:
  archwright demo          everything once, from a request to its deliverables
  archwright up            the mesh on this machine, until Ctrl-C

\b
Then, in another terminal:
  archwright run architecture_creation --input examples/claims-platform.yaml --watch
  archwright workflows list
  archwright definitions validate my-definition.yaml

\b
Or without this command, on the gateway's REST interface:
  curl --cacert .archwright/certificates/ca.pem \\
       -H "Authorization: Bearer $(archwright token)" \\
       https://localhost:8443/api/v1/workflows

Commands talk to the mesh that is up on this machine; --gateway, --token and --ca-file name another.
"""
_EXIT_CODES = """
\b
Exit codes:
  0    done                             3    not found
  1    the workflow failed, or was      4    not authorised
       cancelled                        5    the mesh is not reachable
  2    wrong usage, or bad input        130  interrupted
"""


def main() -> None:
    """Run the command line of this process, and end the process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    wanted = arguments[0] if arguments else ""
    try:
        command = get_command(_app(wanted))
        _take_types_from_flags(command)
        command(arguments, prog_name="archwright")
    except SystemExit as ending:  # how Typer ends, also after usage errors that it has told
        return int(ending.code or 0)
    except InFile as failure:
        tell(failure.error, failure.file)
        return exit_code(failure.error)
    except ArchwrightError as error:
        tell(error)
        return exit_code(error)
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return ExitCode.OK


def _app(wanted: str) -> typer.Typer:
    """Return the commands: only the wanted one where there is one of this name, for importing all takes a while."""
    app = typer.Typer(
        help=_HELP,
        epilog=_EXIT_CODES,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
    )
    app.callback()(_options)
    for name in (wanted,) if wanted in VERBS + NOUNS else VERBS + NOUNS:
        module = import_module(f"archwright.cli.{name.replace('-', '_')}")
        if name in VERBS:
            app.command(name)(module.command)
        else:
            app.add_typer(module.app, name=name, no_args_is_help=True)
    return app


def _take_types_from_flags(command: object) -> None:
    """Have the help of a command, and of those below it, show no type beside what takes no value."""
    if not isinstance(command, TyperCommand | TyperGroup):
        return
    for option in (*command.params, command.get_help_option(typer.Context(command))):
        if isinstance(option, TyperOption) and option.is_flag:
            option.metavar = ""
    if isinstance(command, TyperGroup):
        for each in command.commands.values():
            _take_types_from_flags(each)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"archwright {metadata.version('archwright')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version)
    ] = False,
) -> None: ...


if __name__ == "__main__":
    main()
