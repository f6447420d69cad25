"""Proven for every function: it changes no entry, and reaches no kind of item but its own.

What a policy allows is computed by the model of IAM in policies.py, for a key of each kind that
there is: not by comparing texts, so that a wildcard, a condition or a second policy that lets more
through is found whatever it looks like.
"""

import pytest

from points_ledger.adapters.dynamodb import keys
from tests.template.kinds import OF_KIND
from tests.template.policies import TABLE, Asked, Policies, on_table
from tests.template.reading import Function, listed, read_template
from tests.template.test_access import WRITES

TEMPLATE = read_template()
POLICIES = Policies(TEMPLATE)
READING = ("BatchGetItem", "ConditionCheckItem", "GetItem", "Query")
CHANGING = ("DeleteItem", "UpdateItem")
ITEM_ACTIONS = (*READING, *CHANGING, "PutItem")
NEVER = (
    *("BatchWriteItem", "Scan", "PartiQLDelete", "PartiQLInsert", "PartiQLSelect", "PartiQLUpdate"),
    *("CreateBackup", "CreateTable", "DeleteBackup", "DeleteTable", "ExportTableToPointInTime"),
    *("ImportTable", "RestoreTableFromBackup", "RestoreTableToPointInTime", "UpdateTable"),
    *("DeleteResourcePolicy", "PutResourcePolicy", "UpdateContinuousBackups", "UpdateTimeToLive"),
    *("CreateGlobalTable", "EnableKinesisStreamingDestination", "UpdateTableReplicaAutoScaling"),
)
"""Past keys, past conditions, or past the table as it is."""

PLACES = {"DRAFT", "STOCK"}
"""Names of the second half of a key, which no condition of IAM sees."""

OUTBOUND = {kind for kind in OF_KIND if kind.startswith("OUTBOUND ")}
READS = {
    "webhooks": set(),
    "accrual": {"MEMBER", "EARNING", "BUDGET", "PROFILE", "EXTERNAL", "PAYMENT", "PROGRAM"},
    "maturation": {"MEMBER", "EARNING", "BUDGET", "PROFILE", "EXTERNAL", "PAYMENT", "PROGRAM"},
    "hold_release": {
        "MEMBER",
        "EARNING",
        "LIST leaderboards",
        "BOARD",
        "PROFILE",
        "EXTERNAL",
        "PAYMENT",
        "PROGRAM",
        "DUE",
        "SWEEP",
    },
    "expiry": {"MEMBER", "PROGRAM", "DUE", "SWEEP"},
    "anniversary": {"MEMBER", "EARNING", "PROFILE", "PROGRAM", "DUE", "SWEEP"},
    "tier_review": {"MEMBER", "PROGRAM", "DUE", "SWEEP"},
    "redemption": {"MEMBER", "EARNING", "REDEMPTION", "APPROVAL", "REWARD", "COUPON", "PROGRAM"},
    "members": {
        "MEMBER",
        "EARNING",
        "REQUEST",
        "PROFILE",
        "EXTERNAL",
        "PROGRAM",
        "LIST names",
        "LIST emails",
    },
    "accounts": {
        "MEMBER",
        "EARNING",
        "REDEMPTION",
        "APPROVAL",
        "LIST leaderboards",
        "LIST requests",
        "BOARD",
        "PROFILE",
        "PROGRAM",
    },
    "transfers": {"MEMBER", "EARNING", "APPROVAL", "REQUEST", "PROFILE", "PROGRAM", "LIST emails"},
    "actions": {"MEMBER", "EARNING", "REQUEST", "PROGRAM"},
    "adjustments": {
        "MEMBER",
        "REDEMPTION",
        "APPROVAL",
        "REWARD",
        "REQUEST",
        "PROFILE",
        "PROGRAM",
        "LIST approvals",
    },
    "reconciliation": {
        "MEMBER",
        "EARNING",
        "REDEMPTION",
        "LIST members",
        "PROGRAM",
        "INTEGRITY",
        "CHANGED",
        "TOTALS",
    },
    "checkpoints": {"MEMBER", "LIST members", "PROGRAM", "CHECKPOINTS"},
    "proofs": {"MEMBER", "CHECKPOINTS"},
    "operations": {"FAILURE", "INTEGRITY"},
    "rewards": {"MEMBER", "REDEMPTION", "REWARD", "COUPON", "REQUEST", "PROGRAM", "LIST rewards"},
    "program": {"REQUEST", "SIMULATION", "PROGRAM"},
    "simulations": {
        "MEMBER",
        "EARNING",
        "BUDGET",
        "SIMULATION",
        "PROGRAM",
        "LIST members",
        "LIST unposted",
    },
    "portal": set(),
    "messaging": {"MEMBER", "PROFILE", "PROGRAM", "NOTIFICATIONS"},
    "notifications": {"MEMBER", "PROFILE", "PROGRAM", "NOTIFICATIONS"},
    "invitations": {"MEMBER", "PROFILE"},
    "sessions": set(),
    "ledger_events": {"BOARD", "PROFILE", "EXTERNAL", "PAYMENT", "PROGRAM"},
    "report_totals": {"PROGRAM", "TOTALS", "CHECKPOINT"},
    "reports": {"BUDGET", "PROFILE", "PROGRAM", "TOTALS"},
    "outbound_webhooks": {"REQUEST", *OUTBOUND},
    "outbound_events": {"OUTBOUND endpoints"},
    "outbound_deliveries": {*OUTBOUND},
    "outbound_retries": {*OUTBOUND},
}
"""The kinds of items that each function may read: what its commands decide from, or show."""

each_function = pytest.mark.parametrize(
    "function", TEMPLATE.functions, ids=lambda found: found.folder
)


def reached(function: Function, *actions: str) -> set[str]:
    """The kinds of items on which a function may do any of these."""
    return {
        kind
        for kind, key in OF_KIND.items()
        if any(POLICIES.allows(function, on_table(action, key)) for action in actions)
    }


def test_every_kind_of_key_is_looked_at() -> None:
    kinds = {
        value
        for name, value in vars(keys).items()
        if name.isupper() and isinstance(value, str) and value.isupper() and value.isalpha()
    }
    assert {kind.partition(" ")[0] for kind in OF_KIND} == kinds - PLACES


@each_function
@pytest.mark.parametrize("action", CHANGING)
def test_changes_no_entry(action: str, function: Function) -> None:
    entry = OF_KIND["MEMBER"]
    assert not POLICIES.role_allows(function, on_table(action, entry))
    for other in OF_KIND.values():
        assert not POLICIES.role_allows(function, on_table(action, other, entry))
    assert POLICIES.table_denies(on_table(action, entry))


@each_function
def test_puts_its_own_kinds_of_items_only(function: Function) -> None:
    patterns = WRITES[function.folder]
    expected = {
        kind
        for kind, key in OF_KIND.items()
        if any(key == each or (each[-1] == "*" and key.startswith(each[:-1])) for each in patterns)
    }
    assert reached(function, "PutItem") == expected


@each_function
def test_reads_its_own_kinds_of_items_only(function: Function) -> None:
    assert reached(function, *READING) == READS[function.folder]


@each_function
def test_asks_for_nothing_without_naming_keys(function: Function) -> None:
    for action in ITEM_ACTIONS:
        assert not POLICIES.allows(function, on_table(action))


@each_function
def test_one_foreign_key_spoils_a_request(function: Function) -> None:
    for action in ITEM_ACTIONS:
        own = reached(function, action)
        for foreign in OF_KIND.keys() - own:
            mixed = [OF_KIND[kind] for kind in (*sorted(own)[:1], foreign)]
            assert not POLICIES.allows(function, on_table(action, *mixed))


@each_function
def test_never_gets_past_the_keys_or_the_table(function: Function) -> None:
    for action in NEVER:
        for resource in (TABLE, f"{TABLE}/index/by_score", f"{TABLE}/index/pending_by_member"):
            for context in ({}, {"dynamodb:LeadingKeys": (OF_KIND["PROGRAM"],)}):
                asked = Asked(action=f"dynamodb:{action}", resource=resource, context=context)
                assert not POLICIES.allows(function, asked)


@each_function
def test_its_role_is_for_the_function_alone(function: Function) -> None:
    role = TEMPLATE.resources[function.properties["Role"]["Fn::GetAtt"][0]]["Properties"]
    [trusted] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trusted["Principal"] == {"Service": "lambda.amazonaws.com"}
    users = [
        each
        for each in TEMPLATE.functions
        if each.properties["Role"] == function.properties["Role"]
    ]
    assert users == [function]
    for statement in TEMPLATE.statements(function):
        assert not [
            each for each in listed(statement["Action"]) if each.startswith(("iam:", "sts:"))
        ]
