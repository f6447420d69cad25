"""The gate on the CPU time of the rule engine: the one time that is gated, with room to spare.

The least of many rounds is taken, so that a busy machine is not mistaken for a slow engine.
"""

from tests.benchmarks.cpu import RULES_BAR_MILLISECONDS, many_rules

ATTEMPTS = 5


def test_fifty_rules_on_a_hundred_lines_are_evaluated_in_time() -> None:
    least: dict[str, float] = {}
    for _ in range(ATTEMPTS):
        for name, effort in many_rules().items():
            least[name] = min(effort.least, least.get(name, effort.least))
        if max(least.values()) <= RULES_BAR_MILLISECONDS:
            return
    raise AssertionError(f"milliseconds: {least}")
