"""An MCP server over stdio that keeps notes in PostgreSQL, for tests of read-only mode.

The environment names the database as libpq wants it (PGHOST, PGUSER, PGDATABASE). `health` proves
the write path without writing. With NOTES_DEAF=2 every second `health` is never answered. Calls run
side by side, each on a session with the database of its own.
"""

import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

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


class Session:
    """A psql that stays: a statement goes in, its rows or its error come out."""

    END = "-- that was all"

    def __init__(self):
        self.psql = subprocess.Popen(
            ["psql", "-X", "-A", "-t", "-q"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ask(self, sql):
        self.psql.stdin.write(f"{sql};\n\\echo '{self.END}'\n")
        self.psql.stdin.flush()
        lines = []
        for line in self.psql.stdout:
            if line.strip() == self.END:
                break
            lines.append(line)
        else:
            raise Refused("the database is gone")
        text = "".join(lines).strip()
        if "ERROR:" in text:
            raise Refused(text)
        return text


# As many calls as a test has in flight, and the probe.
THREADS = 32
OWN = threading.local()


def ask(sql):
    if not hasattr(OWN, "session"):
        OWN.session = Session()
    return OWN.session.ask(sql)


class Server:
    def __init__(self):
        self.probes = 0
        self.lock = threading.Lock()

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
            with self.lock:
                self.probes += 1
                deaf = DEAF and self.probes % DEAF == 0
            if deaf:
                return None
        try:
            text, failed = self.call(tool), False
        except Refused as error:
            text, failed = str(error), True
        return {"content": [{"type": "text", "text": text}], "isError": failed}


    def heed(self, message):
        result = self.answer(message["method"], message.get("params", {}))
        if result is not None:
            reply = {"jsonrpc": "2.0", "id": message["id"], "result": result}
            with self.lock:
                print(json.dumps(reply), flush=True)


def main():
    server = Server()
    with ThreadPoolExecutor(THREADS) as threads:
        for line in sys.stdin:
            message = json.loads(line)
            if "id" in message:
                threads.submit(server.heed, message)


main()
