"""A host on the official Python SDK.

The plan is the first argument. Lines to the test: `ready TOOLS`, `in flight`,
`closed MILLISECONDS`. Lines from it: `close`, `exit`; the end of input is an `exit` as well.
"""

import asyncio
import json
import os
import sys
import time
from contextlib import suppress

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


def say(line: str) -> None:
    print(line, flush=True)


async def order() -> str:
    loop = asyncio.get_running_loop()
    return (await loop.run_in_executor(None, sys.stdin.readline)).strip() or "exit"


async def session(plan: dict) -> float:
    """Returns when the test wants it closed, with the time of that order."""
    program, *arguments = plan["command"]
    server = StdioServerParameters(command=program, args=arguments, cwd=plan["cwd"], env=plan["env"])
    async with stdio_client(server) as (reading, writing), ClientSession(reading, writing) as client:
        await client.initialize()
        tools = (await client.list_tools()).tools
        for call in plan["calls"]:
            result = await client.call_tool(call["name"], call["arguments"])
            if result.is_error:
                raise RuntimeError(str(result))
        say(f"ready {len(tools)}")
        pending = None
        if call := plan["in_flight"]:
            pending = asyncio.create_task(client.call_tool(call["name"], call["arguments"]))
            say("in flight")
        if await order() != "close":
            os._exit(0)
        began = time.monotonic()
    if pending:
        with suppress(Exception):
            await pending
    return began


async def main() -> None:
    began = await session(json.loads(sys.argv[1]))
    say(f"closed {round((time.monotonic() - began) * 1000)}")
    await order()


asyncio.run(main())
