"""The typed client: start workflows, follow them, and fetch what they made.

    async with Client.local() as client:
        workflow = await client.start("architecture_creation", {"request": "an online claims platform"})
        async for update in client.watch(workflow.workflow_id):
            ...

Answers are the messages of the contracts (`archwright.engine.v1`), errors are those of `archwright.errors`.
"""

from archwright.client.client import Client

__all__ = ["Client"]
