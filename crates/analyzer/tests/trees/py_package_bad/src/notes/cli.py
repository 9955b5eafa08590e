from notes import tools
from notes.app import mcp


def main() -> None:
    tools.announce()
    mcp.run(transport="stdio")  # FINDING LIFE-001
