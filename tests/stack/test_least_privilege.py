"""What the roles of the deployed functions allow, tried on the stack with their own policies.

The emulator knows actions and resources; conditions on the keys of the table it does not know, so a
function that may change some items could there change an entry too. That none can on AWS is proven
over the template (tests/template/test_least_privilege.py), and what is deployed is compared here.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.stack.client import StackClient, unique
from tests.template.kinds import OF_KIND
from tests.template.policies import Policies, on_table
from tests.template.reading import Function, read_template

pytestmark = pytest.mark.stack

TEMPLATE = read_template()
POLICIES = Policies(TEMPLATE)
DENIED = {"AccessDenied", "AccessDeniedException"}
OF_NO_CONSEQUENCE = {"ConditionalCheckFailedException", "TransactionCanceledException"}
"""How a write that is allowed ends here: each asks for something that is not there."""
EXISTS = "attribute_exists(PK)"

Json = dict[str, Any]


@dataclass
class Role:
    """Somebody with the policies of one function's role."""

    function: Function
    client: Any
    table: str

    def is_denied(self, call: Callable[[Any, str], object]) -> bool:
        """Try something that changes nothing; whether it is not allowed."""
        try:
            call(self.client, self.table)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code not in DENIED | OF_NO_CONSEQUENCE:
                raise
            reasons = error.response.get("CancellationReasons", [])
            return code in DENIED or any(each.get("Code") in DENIED for each in reasons)
        return False


ENTRY = {"PK": {"S": "MEMBER#mbr_nobody"}, "SK": {"S": "ENTRY#000000000001"}}
CHANGE: Json = {
    "UpdateExpression": "SET amount = :amount",
    "ConditionExpression": EXISTS,
    "ExpressionAttributeValues": {":amount": {"N": "1"}},
}
CALLS: dict[str, tuple[str, Callable[[Any, str], object]]] = {
    "change an entry": (
        "UpdateItem",
        lambda client, table: client.update_item(TableName=table, Key=ENTRY, **CHANGE),
    ),
    "remove an entry": (
        "DeleteItem",
        lambda client, table: client.delete_item(
            TableName=table, Key=ENTRY, ConditionExpression=EXISTS
        ),
    ),
    "put an entry in the place of another": (
        "PutItem",
        lambda client, table: client.put_item(
            TableName=table, Item=ENTRY, ConditionExpression=EXISTS
        ),
    ),
    "change an entry in a transaction": (
        "UpdateItem",
        lambda client, table: client.transact_write_items(
            TransactItems=[{"Update": {"TableName": table, "Key": ENTRY, **CHANGE}}]
        ),
    ),
    "remove an entry in a transaction": (
        "DeleteItem",
        lambda client, table: client.transact_write_items(
            TransactItems=[
                {"Delete": {"TableName": table, "Key": ENTRY, "ConditionExpression": EXISTS}}
            ]
        ),
    ),
    "read an item": (
        "GetItem",
        lambda client, table: client.get_item(TableName=table, Key=ENTRY),
    ),
    "read a chain": (
        "Query",
        lambda client, table: client.query(
            TableName=table,
            KeyConditionExpression="PK = :pk",
            ExpressionAttributeValues={":pk": ENTRY["PK"]},
        ),
    ),
    "read everything": ("Scan", lambda client, table: client.scan(TableName=table, Limit=1)),
    "read by another language": (
        "PartiQLSelect",
        lambda client, table: client.execute_statement(
            Statement=f'SELECT * FROM "{table}"'  # noqa: S608 - the name is the stack's own
        ),
    ),
    "write past all conditions": (
        "BatchWriteItem",
        lambda client, table: client.batch_write_item(
            RequestItems={table: [{"DeleteRequest": {"Key": ENTRY}}]}
        ),
    ),
}


@pytest.fixture(scope="module")
def roles(ledger: StackClient) -> Iterator[dict[str, Role]]:
    """A twin of each function's role that the test may take on: the same policies, as deployed."""
    endpoint = ledger.stack["endpoint_url"]
    iam: Any = ledger.session.client("iam", endpoint_url=endpoint, config=ledger.config)
    sts: Any = ledger.session.client("sts", endpoint_url=endpoint, config=ledger.config)
    account = sts.get_caller_identity()["Account"]
    trust = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
    made: dict[str, list[str]] = {}
    found: dict[str, Role] = {}
    for function in TEMPLATE.functions:
        name = ledger.stack["functions"][function.folder]
        deployed = ledger.functions.get_function_configuration(FunctionName=name)["Role"]
        original, twin = deployed.rpartition("/")[2], unique("twin")
        arn = iam.create_role(RoleName=twin, AssumeRolePolicyDocument=json.dumps(trust))["Role"][
            "Arn"
        ]
        made[twin] = iam.list_role_policies(RoleName=original)["PolicyNames"]
        for policy in made[twin]:
            document = iam.get_role_policy(RoleName=original, PolicyName=policy)["PolicyDocument"]
            text = unquote(document) if isinstance(document, str) else json.dumps(document)
            iam.put_role_policy(RoleName=twin, PolicyName=policy, PolicyDocument=text)
        given = sts.assume_role(RoleArn=arn, RoleSessionName="proof")["Credentials"]
        session = boto3.Session(
            aws_access_key_id=given["AccessKeyId"],
            aws_secret_access_key=given["SecretAccessKey"],
            aws_session_token=given["SessionToken"],
            region_name=ledger.stack["region"],
        )
        client = session.client("dynamodb", endpoint_url=endpoint, config=ledger.config)
        found[function.folder] = Role(function, client, ledger.stack["table"])
    yield found
    for twin, policies in made.items():
        for policy in policies:
            iam.delete_role_policy(RoleName=twin, PolicyName=policy)
        iam.delete_role(RoleName=twin)


@pytest.mark.parametrize("what", CALLS)
def test_a_function_may_do_what_the_template_says_and_nothing_else(
    what: str, roles: dict[str, Role]
) -> None:
    action, call = CALLS[what]
    denied = {name for name, role in roles.items() if role.is_denied(call)}
    # Without its keys a request is judged here by its action alone.
    expected = {
        name
        for name, role in roles.items()
        if not any(
            POLICIES.role_allows(role.function, on_table(action, key)) for key in OF_KIND.values()
        )
    }
    assert denied == expected
