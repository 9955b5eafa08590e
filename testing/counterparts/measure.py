"""Runs a command with its output into a file; prints wall and processor seconds, MiB of its largest process, and its exit code."""

import json
import os
import sys
import time

output, *command = sys.argv[1:]
began = time.monotonic()
pid = os.fork()
if pid == 0:
    file = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.execvp(command[0], command)
_, status, used = os.wait4(pid, 0)
print(
    json.dumps(
        {
            "wall": time.monotonic() - began,
            "cpu": used.ru_utime + used.ru_stime,
            "mib": used.ru_maxrss / 1024,
            "code": os.waitstatus_to_exitcode(status),
        }
    )
)
