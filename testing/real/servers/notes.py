"""An MCP server over stdio that keeps notes in PostgreSQL, for tests of read-only mode.

The environment names the database as libpq wants it (PGHOST, PGUSER, PGDATABASE). `health` proves
the write path without writing. With NOTES_DEAF=2 every second `health` is never answered.
"""

import json
import os
import subprocess
import sys

DEAF = int(os.environ.get("NOTES_DEAF", "0"))
HEALTH = """select current_setting('transaction_read_only')::bool
    or not has_table_privilege('notes', 'insert')"""
TOOLS = {
    "list_notes": "Lists the notes.",
    "count_probes": "Says how often `health` was called.",
    "add_note": "Adds a note.",
    "clear_notes": "Removes all notes.",
    "health": "Succeeds while notes can be written.",
}


class Refused(Exception):
    """The database said no."""


def ask(sql):
    command = ["psql", "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", sql]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    if done.returncode != 0:
        raise Refused(done.stderr.strip())
    return done.stdout.strip()


class Server:
    def __init__(self):
        self.probes = 0

    def call(self, tool):
        if tool == "list_notes":
            return ask("select count(*) from notes")
        if tool == "count_probes":
            return str(self.probes)
        if tool == "add_note":
            ask("insert into notes values ('a note')")
            return "added"
        if tool == "clear_notes":
            ask("delete from notes")
            return "cleared"
        if tool == "health":
            if ask(HEALTH) != "f":
                raise Refused("the notes can't be written")
            return "notes can be written"
        raise Refused("no such tool")

    def answer(self, method, params):
        if method == "initialize":
            return {
                "protocolVersion": params["protocolVersion"],
                "capabilities": {"tools": {"listChanged": True}},
                "serverInfo": {"name": "notes", "version": "1"},
            }
        if method == "tools/list":
            schema = {"type": "object"}
            return {
                "tools": [
                    {"name": name, "description": text, "inputSchema": schema}
                    for name, text in TOOLS.items()
                ]
            }
        if method != "tools/call":
            return None
        tool = params["name"]
        if tool == "health":
            self.probes += 1
            if DEAF and self.probes % DEAF == 0:
                return None
        try:
            text, failed = self.call(tool), False
        except Refused as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}


def main():
    server = Server()
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = server.answer(message["method"], message.get("params", {}))
        if result is not None:
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            print(json.dumps(reply), flush=True)


main()
