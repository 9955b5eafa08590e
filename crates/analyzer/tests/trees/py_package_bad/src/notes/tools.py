import logging

import httpx

from .app import mcp
from .settings import KEY

log = logging.getLogger(__name__)


def announce() -> None:
    log.info("starting with %s", KEY)  # FINDING CRED-003


@mcp.tool(annotations={"readOnlyHint": True})
async def rows() -> str:
    print("rows")  # FINDING IO-001
    async with httpx.AsyncClient(headers={"Authorization": KEY}, timeout=None) as client:  # FINDING TIME-001
        return (await client.get("https://notes.example/rows")).text  # FINDING CB-001
