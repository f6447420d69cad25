"""Shows one schedule of the simulation: `python -m tests.simulation SEED [MUTANT]`."""

import sys
from contextlib import nullcontext

from tests.simulation.checks import first_failure
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import scenario_of

seed = int(sys.argv[1])
mutant = MUTANTS[sys.argv[2]] if len(sys.argv) > 2 else None  # noqa: PLR2004 - two arguments
with mutant.applied() if mutant else nullcontext():
    scenario = scenario_of(seed)
    sys.stdout.write(f"{scenario.family}\n")
    failure = first_failure(seed, trace=lambda text: sys.stdout.write(f"{text}\n") and None)
sys.stdout.write(f"\n{failure or 'every check passes'}\n")
sys.exit(failure is not None)
