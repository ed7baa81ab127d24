"""`archwright approvals`: what waits for people, and what they decide."""

from __future__ import annotations

from typing import Annotated

import typer

from archwright.cli import show
from archwright.cli.calling import calls
from archwright.cli.deliverables import outline
from archwright.cli.options import AsJson
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
    mine: Annotated[bool, typer.Option("--mine", help="Only those that you may decide.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the approvals that wait, newest first."""
    found = [approval async for approval in client.approvals.list(workflow, mine=mine)]
    if as_json:
        show.json(found)
        return
    rows = [
        (
            approval.approval_id,
            approval.workflow_id,
            approval.step,
            ", ".join(approval.approvers),
            f"{len(approval.decisions)} of {approval.quorum}",
            show.when(approval.expires_at),
        )
        for approval in found
    ]
    headings = ("APPROVAL", "WORKFLOW", "STEP", "MAY DECIDE", "AGREED", "EXPIRES")
    show.table(headings, rows, empty="Nothing waits for anybody.")


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
            ("may decide", ", ".join(approval.approvers)),
            ("needed", str(approval.quorum)),
            ("asked", show.when(approval.requested_at)),
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
        console.print(line, markup=False)


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
    agreed = sum(decision.approved and not decision.void for decision in approval.decisions)
    so_far = f", {agreed} of {approval.quorum} agree" if approval.status == Approval.PENDING else ""
    typer.echo(f"{approval.approval_id} {_status(approval)}{so_far}")


def _decided(approval: Approval) -> list[str]:
    return [
        f"{decision.user_id} {'agrees' if decision.approved else 'does not agree'}"
        + (f": {decision.comment}" if decision.comment else "")
        + (" (void: what was shown has changed since)" if decision.void else "")
        for decision in approval.decisions
    ]


def _status(approval: Approval) -> str:
    return Approval.Status.Name(approval.status).lower()
