"""Serves calls from the tests: one JSON object a line in, `{name, argument}`; one out, `{value}` or `{error}`."""

import json
import sys


def serve(commands):
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"value": commands[call["name"]](**call["argument"])}
        except Exception as error:  # whatever it is, the test is to see it
            kind = type(error).__name__
            answer = {"error": {"type": kind, "condition": condition_of(error), "message": str(error)[:500]}}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def condition_of(error):
    """The AMQP condition, where the stranger tells it."""
    for name in ("condition", "error"):
        value = getattr(error, name, None)
        if value is not None:
            return str(value)
    return None
