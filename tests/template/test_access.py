"""Least privilege: by action, by key prefix, and nothing that changes an entry."""

import pytest

from tests.template.reading import Function, Template, read_template

FUNCTIONS = read_template().functions
EVERYBODY_ACTIONS = {
    "dynamodb:BatchGetItem",
    "dynamodb:ConditionCheckItem",
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:Query",
    "dynamodb:UpdateItem",
}
STREAM_ACTIONS = {
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
}
CHANGEABLE_PREFIXES = {"BUDGET#*", "DUE#*", "OUTBOUND#ENDPOINTS", "REWARD#*", "SWEEP#*", "TOTALS#*"}
REMOVABLE_PREFIXES = {
    *("DUE#*", "EXTERNAL#*", "PROFILE#*", "TOTALS#*"),
    *("LIST#approvals#*", "LIST#emails#*", "LIST#leaderboards#*", "LIST#names#*"),
    *("OUTBOUND#ENDPOINTS", "OUTBOUND#SECRETS#*"),
}
# Personal data, what finds it, markers of birthdays, places in lists and outbound webhooks:
# nothing else is ever taken away.
# Neither can be limited to a resource: these actions have none.
RESOURCELESS_ACTIONS = {
    "dynamodb:ListStreams",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
PEOPLE_LISTS = {"LIST#names#*", "LIST#emails#*", "LIST#members#*", "LIST#unposted#*"}
"""Where a member stands who is enrolled, or an earning that posts nothing."""
WRITES = {
    "webhooks": set(),
    "accrual": {
        *("MEMBER#*", "PROFILE#*", "EARNING#*", "EXTERNAL#*", "PAYMENT#*", *PEOPLE_LISTS, "DUE#*"),
        "FAILURE#*",
    },
    "maturation": {
        "FAILURE#*",
        "MEMBER#*",
        "PROFILE#*",
        "EARNING#*",
        "EXTERNAL#*",
        "PAYMENT#*",
        *PEOPLE_LISTS,
        "DUE#*",
    },
    "hold_release": {
        *(
            "MEMBER#*",
            "PROFILE#*",
            "EARNING#*",
            "EXTERNAL#*",
            "PAYMENT#*",
            *PEOPLE_LISTS,
            "DUE#*",
            "SWEEP#*",
            "BOARD#*",
            "FAILURE#*",
        ),
    },
    "expiry": {"MEMBER#*", "DUE#*", "SWEEP#*", "FAILURE#*"},
    "tier_review": {"MEMBER#*", "DUE#*", "SWEEP#*", "FAILURE#*"},
    "redemption": {
        "MEMBER#*",
        "REDEMPTION#*",
        "COUPON#*",
        "APPROVAL#*",
        "LIST#approvals#*",
        "LIST#requests#*",
        "PROFILE#*",
        "DUE#*",
    },
    "anniversary": {"MEMBER#*", "EARNING#*", "LIST#unposted#*", "DUE#*", "SWEEP#*"},
    "actions": {"MEMBER#*", "EARNING#*", "REQUEST#*", "LIST#unposted#*", "DUE#*"},
    "members": {
        "MEMBER#*",
        "PROFILE#*",
        "EXTERNAL#*",
        "EARNING#*",
        "REQUEST#*",
        *PEOPLE_LISTS,
        "DUE#*",
    },
    "accounts": set(),
    "portal": set(),
    "sessions": set(),
    "transfers": {
        "MEMBER#*",
        "PROFILE#*",
        "EARNING#*",
        "REQUEST#*",
        "APPROVAL#*",
        "LIST#approvals#*",
        "LIST#requests#*",
        "DUE#*",
    },
    "adjustments": {
        *(
            "MEMBER#*",
            "APPROVAL#*",
            "REDEMPTION#*",
            "COUPON#*",
            "REQUEST#*",
            "PROFILE#*",
            "LIST#approvals#*",
            "DUE#*",
        ),
    },
    "rewards": {
        "MEMBER#*",
        "REWARD#*",
        "COUPON#*",
        "REDEMPTION#*",
        "REQUEST#*",
        "LIST#rewards#*",
        "DUE#*",
    },
    "program": {"PROGRAM", "REQUEST#*", "SIMULATION#*"},
    "simulations": {"SIMULATION#*"},
    "operations": set(),
    "reconciliation": {"MEMBER#*", "DUE#*", "INTEGRITY"},
    "checkpoints": {"CHECKPOINTS"},
    "proofs": set(),
    "outbound_webhooks": {"OUTBOUND#ENDPOINTS", "OUTBOUND#SECRETS#*", "REQUEST#*"},
    "outbound_events": {"FAILURE#*"},
    "outbound_deliveries": {"FAILURE#*", "OUTBOUND#DELIVERIES#*"},
    "outbound_retries": {"FAILURE#*", "OUTBOUND#DELIVERIES#*"},
    "messaging": {"PROFILE#*", "NOTIFICATIONS"},
    "notifications": {"FAILURE#*", "MAIL#*"},
    "invitations": {"PROFILE#*"},
    "ledger_events": {"CHANGED#*", "BOARD#*", "LIST#leaderboards#*", "DUE#*"},
    "report_totals": {"TOTALS#*", "CHECKPOINT#*"},
    "reports": set(),
}

each_function = pytest.mark.parametrize("function", FUNCTIONS, ids=lambda found: found.folder)


def key_prefixes(template: Template, function: Function, action: str) -> set[str]:
    return {
        prefix
        for statement in template.grants(function, action)
        for prefix in statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
    }


@each_function
def test_has_no_action_but_the_listed_ones(function: Function, template: Template) -> None:
    actions = {
        action
        for statement in template.statements(function)
        for action in (
            statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        )
    }
    assert not [action for action in actions if "*" in action]
    table_actions = {action for action in actions if action.startswith("dynamodb:")}
    allowed = EVERYBODY_ACTIONS | (STREAM_ACTIONS if function.events_of("DynamoDB") else set())
    assert table_actions <= allowed


@each_function
def test_names_the_resources_of_every_action_that_has_any(
    function: Function, template: Template
) -> None:
    for statement in template.statements(function):
        if statement["Resource"] == "*":
            actions = statement["Action"]
            assert set(actions if isinstance(actions, list) else [actions]) <= RESOURCELESS_ACTIONS


@each_function
def test_reaches_the_table_by_key_prefix_only(function: Function, template: Template) -> None:
    for statement in template.statements(function):
        if statement["Resource"] == {"Fn::GetAtt": ["Table", "Arn"]}:
            condition = statement["Condition"]
            prefixes = condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]
            assert prefixes
            assert "*" not in prefixes
            # Without it a request without any key would satisfy "for all values".
            assert condition["Null"] == {"dynamodb:LeadingKeys": {"Ref": "LeadingKeysAbsent"}}


@each_function
def test_writes_its_own_prefixes_only(function: Function, template: Template) -> None:
    assert key_prefixes(template, function, "dynamodb:PutItem") == WRITES[function.folder]


@each_function
def test_updates_no_entry_and_nothing_else_that_is_versioned(
    function: Function, template: Template
) -> None:
    assert key_prefixes(template, function, "dynamodb:UpdateItem") <= CHANGEABLE_PREFIXES


@each_function
def test_takes_nothing_away_but_personal_data_and_places_in_lists(
    function: Function, template: Template
) -> None:
    assert key_prefixes(template, function, "dynamodb:DeleteItem") <= REMOVABLE_PREFIXES


@pytest.mark.parametrize(
    ("name", "functions"),
    [("pending_by_member", {"members", "accounts", "reconciliation"}), ("by_score", {"reports"})],
)
def test_few_query_an_index_and_the_statement_stands_alone(
    name: str, functions: set[str], template: Template
) -> None:
    index = {"Fn::Sub": f"${{Table.Arn}}/index/{name}"}
    found = {
        function.folder: statement["Action"]
        for function in FUNCTIONS
        for statement in template.statements(function)
        if index in (statement["Resource"], *statement["Resource"])
    }
    assert found == dict.fromkeys(functions, "dynamodb:Query")


def test_leading_keys_are_present_unless_the_local_stack_says_otherwise(template: Template) -> None:
    assert template.parameters["LeadingKeysAbsent"]["Default"] == "false"


def test_table_denies_change_of_entries_to_everybody(template: Template) -> None:
    [statement] = template.resources["Table"]["Properties"]["ResourcePolicy"]["PolicyDocument"][
        "Statement"
    ]
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert {"dynamodb:UpdateItem", "dynamodb:DeleteItem"} <= set(statement["Action"])
    assert statement["Condition"] == {
        "ForAnyValue:StringLike": {"dynamodb:LeadingKeys": ["MEMBER#*"]}
    }


def test_a_user_cannot_choose_whose_ledger_it_reads(template: Template) -> None:
    for client in template.of_type("AWS::Cognito::UserPoolClient").values():
        if "client_credentials" not in client["AllowedOAuthFlows"]:
            assert "custom:member_id" not in client["WriteAttributes"]


def test_nobody_signs_up_alone(template: Template) -> None:
    [pool] = template.of_type("AWS::Cognito::UserPool").values()
    assert pool["AdminCreateUserConfig"] == {"AllowAdminCreateUserOnly": True}
