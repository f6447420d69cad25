"""The model of IAM that proves what functions may do, held against what AWS documents."""

from typing import Any

import pytest

from tests.template.policies import LEADING_KEYS, TABLE, Asked, Policies, on_table
from tests.template.reading import Function, Template

Json = dict[str, Any]

OWN_KEYS = {
    "ForAllValues:StringLike": {LEADING_KEYS: ["OWN#*", "ALONE"]},
    "Null": {LEADING_KEYS: {"Ref": "LeadingKeysAbsent"}},
}
DENIED_TO_ALL = {
    "Effect": "Deny",
    "Principal": "*",
    "Action": ["dynamodb:UpdateItem"],
    "Resource": "*",
    "Condition": {"ForAnyValue:StringLike": {LEADING_KEYS: ["MEMBER#*"]}},
}


def role_of(*statements: Json) -> tuple[Policies, Function]:
    """A template with one function, whose role has these statements."""
    role = {"Policies": [{"PolicyDocument": {"Statement": list(statements)}}]}
    table = {"ResourcePolicy": {"PolicyDocument": {"Statement": [DENIED_TO_ALL]}}}
    document = {
        "Parameters": {"LeadingKeysAbsent": {"Default": "false"}},
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Table": {"Type": "AWS::DynamoDB::Table", "Properties": table},
        },
    }
    properties = {"Role": {"Fn::GetAtt": ["Role", "Arn"]}}
    function = Function(logical_id="F", folder="f", properties=properties, environment={})
    return Policies(Template(document)), function


def allow(action: str, resource: object = None, **more: object) -> Json:
    own = {"Fn::GetAtt": ["Table", "Arn"]} if resource is None else resource
    return {"Effect": "Allow", "Action": action, "Resource": own, **more}


def decided(asked: Asked, *statements: Json) -> bool:
    policies, function = role_of(*statements)
    return policies.allows(function, asked)


def test_what_no_statement_allows_is_denied() -> None:
    assert not decided(on_table("GetItem", "OWN#1"))
    assert decided(on_table("GetItem", "OWN#1"), allow("dynamodb:GetItem"))
    assert not decided(on_table("PutItem", "OWN#1"), allow("dynamodb:GetItem"))


@pytest.mark.parametrize(
    ("action", "allowed"),
    [("dynamodb:*", True), ("dynamodb:Get*", True), ("DynamoDB:getitem", True), ("sqs:*", False)],
)
def test_actions_have_wildcards_and_no_case(action: str, allowed: bool) -> None:
    assert decided(on_table("GetItem", "OWN#1"), allow(action)) is allowed


@pytest.mark.parametrize(
    ("keys", "allowed"),
    [
        (["OWN#1"], True),
        (["OWN#1", "OWN#2", "ALONE"], True),
        (["OWN#1", "OTHER#1"], False),
        (["OTHER#1"], False),
        (["OWN"], False),
        (["own#1"], False),
        (["ALONE#1"], False),
        ([" OWN#1"], False),
        # "For all values" holds of none, so that only "Null" keeps a scan out.
        ([], False),
    ],
)
def test_all_keys_of_a_request_have_to_be_of_the_own_prefixes(
    keys: list[str], allowed: bool
) -> None:
    statement = allow("dynamodb:GetItem", Condition=OWN_KEYS)
    assert decided(on_table("GetItem", *keys), statement) is allowed


def test_without_null_a_request_without_keys_would_be_allowed() -> None:
    open_ = {name: keys for name, keys in OWN_KEYS.items() if name != "Null"}
    assert decided(on_table("Scan"), allow("dynamodb:Scan", Condition=open_))


def test_the_tables_policy_wins_over_a_role_that_allows_everything() -> None:
    policies, function = role_of(allow("*", "*"))
    change = on_table("UpdateItem", "OWN#1", "MEMBER#m")
    assert policies.role_allows(function, change)
    assert not policies.allows(function, change)
    assert policies.table_denies(change)
    assert policies.allows(function, on_table("UpdateItem", "OWN#1"))


def test_an_index_is_another_resource_than_its_table() -> None:
    index = Asked(action="dynamodb:Query", resource=f"{TABLE}/index/by_score")
    own = {"Fn::Sub": "${Table.Arn}/index/by_score"}
    assert not decided(index, allow("dynamodb:Query"))
    assert decided(index, allow("dynamodb:Query", own))
    assert not decided(on_table("Query", "OWN#1"), allow("dynamodb:Query", own))


def test_a_statement_that_denies_wins() -> None:
    never = {"Effect": "Deny", "Action": "dynamodb:Get*", "Resource": "*"}
    assert not decided(on_table("GetItem", "OWN#1"), allow("*", "*"), never)


@pytest.mark.parametrize(
    "unknown",
    [
        allow("dynamodb:GetItem", Condition={"StringNotLike": {LEADING_KEYS: "OWN#*"}}),
        allow("dynamodb:GetItem", {"Fn::ImportValue": "another-stack"}),
        {"Effect": "Allow", "NotAction": "dynamodb:PutItem", "Resource": "*"},
    ],
)
def test_what_the_model_does_not_know_is_an_error(unknown: Json) -> None:
    with pytest.raises(AssertionError):
        decided(on_table("GetItem", "OWN#1"), unknown)
