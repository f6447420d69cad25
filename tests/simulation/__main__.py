"""Shows one schedule of the simulation: `python -m tests.simulation SEED [MUTANT]`."""

import sys
from contextlib import nullcontext

from tests.simulation.checks import first_failure
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import scenario_of


def show(seed: int, mutant: str | None) -> bool:
    """Print what happens in a schedule; whether every check passes."""

    def tell(text: str) -> None:
        sys.stdout.write(f"{text}\n")

    tell(f"scenario {scenario_of(seed).family}")
    with MUTANTS[mutant].applied() if mutant else nullcontext():
        failure = first_failure(seed, trace=tell)
    tell(f"\n{failure or 'every check passes'}")
    return failure is None


if __name__ == "__main__":
    arguments = dict(enumerate(sys.argv))
    sys.exit(not show(int(arguments[1]), arguments.get(2)))
