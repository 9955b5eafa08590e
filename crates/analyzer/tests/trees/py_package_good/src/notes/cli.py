import signal
import sys

from notes import tools
from notes.app import mcp


def stop(number, frame):
    sys.exit(0)  # FINDING LIFE-002


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    tools.announce()
    mcp.run(transport="stdio")
