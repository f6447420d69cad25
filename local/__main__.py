"""Command line of the local stack; ``python -m local --help`` lists the commands."""

import argparse
import contextlib
import json
import os
import subprocess
import sys

from local import stack, tour
from local.error import LocalStackError
from local.home import home_of_tests
from local.tail import Wanted


def main(arguments: list[str]) -> int:
    """Run a command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("up", help="start the stack in the background, or bring it up to date")
    commands.add_parser("down", help="stop the stack and remove its files")
    commands.add_parser("status", help="print the description of the running stack")
    logs = commands.add_parser("logs", help="print what a function has logged")
    logs.add_argument("function", help="its folder under functions/")
    tail = commands.add_parser("tail", help="follow what all functions log, one line each")
    tail.add_argument("--function", help="only this one, by its folder under functions/")
    tail.add_argument("--correlation", help="only what belongs to this request or run")
    token = commands.add_parser("token", help="print an id token to call the API with")
    token.add_argument("role", choices=("admin", "staff", "member"))
    purchase = commands.add_parser("purchase", help="send a ticket as a till would, signed")
    purchase.add_argument("--customer", required=True, help="its id at the till (source pos)")
    purchase.add_argument("--amount", default="1250.00", help="USD, for example 1250.00")
    purchase.add_argument("--category", default="original", help="for example original, retail")
    within = commands.add_parser("within", help="run a command against a stack of its own")
    within.add_argument("program", nargs=argparse.REMAINDER)
    parsed = parser.parse_args(arguments)
    try:
        return _run(parsed)
    except LocalStackError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run(parsed: argparse.Namespace) -> int:
    match parsed.command:
        case "up":
            stack.up(stack.checkout())
        case "down":
            was_running = stack.down(stack.checkout())
            print("The local stack is stopped." if was_running else "No local stack was running.")
        case "status":
            print(json.dumps(stack.describe(stack.checkout()), indent=2))
        case "logs":
            for line in stack.logged(stack.checkout(), parsed.function):
                print(line)
        case "tail":
            _tail(Wanted(function=parsed.function or None, correlation=parsed.correlation or None))
        case "token":
            print(tour.token(stack.describe(stack.checkout()), parsed.role))
        case "purchase":
            ticket_id = tour.send_purchase(
                stack.describe(stack.checkout()),
                customer=parsed.customer,
                amount=parsed.amount,
                category=parsed.category,
            )
            print(f"accepted: {ticket_id}")
        case "within":
            return _within(parsed.program)
    return 0


def _tail(wanted: Wanted) -> None:
    """Follow the logs until somebody has seen enough: that is no failure."""
    with contextlib.suppress(KeyboardInterrupt):
        for line in stack.tail(stack.checkout(), wanted):
            print(line, flush=True)


def _within(program: list[str]) -> int:
    home = home_of_tests()
    with stack.running(home, report=_to_stderr):
        environment = {**os.environ, stack.STACK_FILE_VARIABLE: str(home.stack_file)}
        return subprocess.run(program, env=environment, check=False).returncode


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
