"""`archwright approvals`: what waits for people, and what they decide."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import outline
from archwright.cli.options import AsJson
from archwright.cli.printable import printable
from archwright.client import Client
from archwright.engine.v1.approvals_pb2 import Approval
from archwright.payloads import from_struct

app = typer.Typer(help="Show what waits for people, and decide it.")

ApprovalId = Annotated[str, typer.Argument(metavar="APPROVAL", help="The approval's id, approval_…")]
Comment = Annotated[str, typer.Option("--comment", help="Why; the workflow's next steps can read it.")]
Shown = Annotated[
    str,
    typer.Option(
        "--shown", metavar="SHA256", help="The SHA-256 of what you have looked at.", show_default="that of now"
    ),
]
RequestId = Annotated[
    str, typer.Option("--request-id", help="With the same id again nothing more is done: safe to repeat.")
]


@app.command("list")
@calls
async def list_approvals(
    client: Client,
    workflow: Annotated[str, typer.Option("--workflow", metavar="WORKFLOW", help="Only those of this workflow.")] = "",
    definition: Annotated[str, typer.Option("--definition", metavar="NAME", help="Only those of its workflows.")] = "",
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you may decide.")] = False,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended, instead of those that wait.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the approvals that wait, or those that have ended, newest first."""
    found = [
        approval
        async for approval in client.approvals.list(workflow, definition_name=definition, mine=mine, ended=ended)
    ]
    if as_json:
        show.json(found)
        return
    rows = [
        (
            approval.approval_id,
            approval.workflow_id,
            approval.step,
            *((_status(approval), ", ".join(_deciders(approval))) if ended else (", ".join(approval.approvers),)),
            f"{_agreed(approval)} of {approval.quorum}",
            show.when(approval.ended_at if ended else approval.expires_at),
        )
        for approval in found
    ]
    headings = ("STATUS", "DECIDED BY", "AGREED", "ENDED") if ended else ("MAY DECIDE", "AGREED", "EXPIRES")
    empty = "No approval has ended." if ended else "Nothing waits for anybody."
    show.table(("APPROVAL", "WORKFLOW", "STEP", *headings), rows, empty=empty)


@app.command("show")
@calls
async def show_approval(client: Client, approval_id: ApprovalId, as_json: AsJson = False) -> None:
    """Show an approval: what is asked, of whom, and what was decided so far."""
    approval = await client.approvals.get(approval_id)
    if as_json:
        show.json(approval)
        return
    show.facts(
        (
            ("approval", approval.approval_id),
            ("status", _status(approval)),
            ("workflow", approval.workflow_id),
            ("step", approval.step),
            ("definition", f"{approval.definition_name} {approval.definition_version}"),
            ("asked", f"{show.when(approval.requested_at)} for {approval.requested_by}"),
            ("may decide", ", ".join(approval.approvers)),
            ("needed", str(approval.quorum)),
            ("you", _you(approval)),
            ("expires", show.when(approval.expires_at)),
            ("escalated", "yes" if approval.escalated else ""),
            ("decided", "\n".join(_decided(approval))),
            ("ended", show.when(approval.ended_at)),
            ("shows", "\n".join(f"{file.name}  {file.sha256}" for file in approval.artifacts)),
            ("SHA-256", approval.shown_sha256),
        )
    )
    console = show.console()
    for line in outline(from_struct(approval.shown)):
        console.print(printable(line), markup=False)


@app.command("approve")
@calls
async def approve(
    client: Client,
    approval_id: ApprovalId,
    comment: Comment = "",
    shown: Shown = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Agree to what an approval shows."""
    asked = await _looked_at(client, approval_id, shown)
    _tell(await client.approvals.approve(asked, comment, request_id=request_id or None), as_json)


@app.command("reject")
@calls
async def reject(
    client: Client,
    approval_id: ApprovalId,
    comment: Comment = "",
    shown: Shown = "",
    request_id: RequestId = "",
    as_json: AsJson = False,
) -> None:
    """Do not agree to what an approval shows."""
    asked = await _looked_at(client, approval_id, shown)
    _tell(await client.approvals.reject(asked, comment, request_id=request_id or None), as_json)


async def _looked_at(client: Client, approval_id: str, shown: str) -> Approval:
    """Return the approval as the person has seen it, as far as deciding needs it."""
    return Approval(approval_id=approval_id, shown_sha256=shown) if shown else await client.approvals.get(approval_id)


def _tell(approval: Approval, as_json: bool) -> None:
    if as_json:
        show.json(approval)
        return
    so_far = f", {_agreed(approval)} of {approval.quorum} agree" if approval.status == Approval.PENDING else ""
    typer.echo(f"{approval.approval_id} {_status(approval)}{so_far}")


def _agreed(approval: Approval) -> int:
    return sum(decision.approved and not decision.void for decision in approval.decisions)


def _deciders(approval: Approval) -> list[str]:
    return [decision.user_id for decision in approval.decisions if not decision.void]


def _you(approval: Approval) -> str:
    if approval.status != Approval.PENDING:
        return ""
    return approval.denied_because or f"`archwright approvals approve {approval.approval_id}`, or reject"


def _decided(approval: Approval) -> list[str]:
    return [
        f"{show.when(decision.decided_at)}  {decision.user_id} {'agrees' if decision.approved else 'does not agree'}"
        + (f": {decision.comment}" if decision.comment else "")
        + (" (void: what was shown has changed since)" if decision.void else "")
        for decision in approval.decisions
    ]


def _status(approval: Approval) -> str:
    return Approval.Status.Name(approval.status).lower()
