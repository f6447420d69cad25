"""Each defect of the write path is noticed within the schedules that are played anyway."""

from collections.abc import Callable, Iterator

import pytest

from tests.simulation.checks import Failure, first_failure, forget
from tests.simulation.mutants import MUTANTS
from tests.simulation.patching import Mutant
from tests.simulation.scenario import NAMES
from tests.simulation.test_schedules import SCHEDULES


@pytest.fixture(autouse=True)
def _nothing_is_remembered() -> Iterator[None]:
    """What other code has worked out is wrong here, and what is worked out here is wrong after."""
    forget()
    yield
    forget()


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_the_simulation_notices(
    mutant: Mutant, record_property: Callable[[str, object], None]
) -> None:
    schedules = range(NAMES.index(mutant.family), SCHEDULES, len(NAMES))
    with mutant.applied():
        found = next((f for seed in schedules if (f := first_failure(seed))), None)
    assert isinstance(found, Failure), f"{mutant.name} was not noticed"
    record_property("noticed_by", found.check)
    print(f"{mutant.name}: noticed by “{found.check}”, seed {found.seed}")  # noqa: T201 - pytest -rP
