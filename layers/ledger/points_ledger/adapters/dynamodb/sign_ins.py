"""The names under which members were invited, beside their personal data and erased with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import keys
from points_ledger.adapters.dynamodb.codec import key_attributes
from points_ledger.adapters.dynamodb.query import OF_KIND, pages
from points_ledger.domain.identity import MemberId

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef

FORMAT: Final = 1


class DynamoDbSignIns:
    """`SignInNames` on one table."""

    def __init__(self, client: "DynamoDBClient", table_name: str) -> None:
        """Nothing is read before the first question."""
        self._client = client
        self._table_name = table_name

    def remember(self, member_id: MemberId, username: str) -> None:
        """Keep a name; the same one again is the same item."""
        place = key_attributes(keys.sign_in_key(member_id, username))
        item = {**place, "username": {"S": username}, "format": {"N": str(FORMAT)}}
        self._client.put_item(TableName=self._table_name, Item=item)

    def names(self, member_id: MemberId) -> Sequence[str]:
        """All names of a member, read consistently."""
        query: QueryInputTypeDef = {
            "TableName": self._table_name,
            "KeyConditionExpression": OF_KIND,
            "ExpressionAttributeValues": {
                ":pk": {"S": keys.profile_pk(member_id)},
                ":kind": {"S": keys.SIGN_IN_PREFIX},
            },
            "ConsistentRead": True,
        }
        return [
            item["username"]["S"] for page in pages(self._client, query) for item in page["Items"]
        ]

    def forget(self, member_id: MemberId, username: str) -> None:
        """Take a name away."""
        place = key_attributes(keys.sign_in_key(member_id, username))
        self._client.delete_item(TableName=self._table_name, Key=place)
