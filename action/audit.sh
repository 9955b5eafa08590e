#!/usr/bin/env bash
# What the action does with `dropgate audit`: SARIF in a file, annotations in the log, a summary, and the gate's exit code.
# Its inputs come by variables, so that no text of a pull request is ever part of a command.
set -euo pipefail

: "${AUDIT_PATH:=.}" "${AUDIT_SARIF:=dropgate.sarif}"
# A path that begins like a flag is a path still.
case "$AUDIT_PATH" in -*) AUDIT_PATH="./$AUDIT_PATH" ;; esac
arguments=()
for gate in ${AUDIT_FAIL_ON:-}; do arguments+=(--fail-on "$gate"); done
[ -z "${AUDIT_BASELINE:-}" ] || arguments+=(--baseline "$AUDIT_BASELINE")
[ -z "${AUDIT_DIFF_BASE:-}" ] || arguments+=(--diff-base "$AUDIT_DIFF_BASE")
[ "${AUDIT_ALLOW_EMPTY:-false}" != true ] || arguments+=(--allow-empty)

code=0
dropgate audit "${arguments[@]}" --format sarif "$AUDIT_PATH" > "$AUDIT_SARIF" 2> /dev/null || code=$?
dropgate audit "${arguments[@]}" --format github "$AUDIT_PATH" || true
if [ -n "${GITHUB_STEP_SUMMARY:-}" ]; then
    fence='``````````'
    {
        echo '## dropgate audit'
        echo "$fence"text
        # GitHub takes at most 1 MiB a step.
        { NO_COLOR=1 dropgate audit "${arguments[@]}" "$AUDIT_PATH" 2>&1 || true; } | head -c 500000
        echo
        echo "$fence"
    } >> "$GITHUB_STEP_SUMMARY"
fi
exit "$code"
