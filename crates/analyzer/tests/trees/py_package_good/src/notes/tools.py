import sys

import httpx

from .app import mcp
from .settings import key


def announce() -> None:
    print("ready", file=sys.stderr)


@mcp.tool(annotations={"readOnlyHint": True})
async def rows() -> str:
    async with httpx.AsyncClient(headers={"Authorization": key()}) as client:
        return (await client.get("https://notes.example/rows")).text  # FINDING CB-001
