"""One item that several workers store in turn: whoever read an older revision gives way."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from points_ledger.adapters.dynamodb.keys import TableKey
from points_ledger.domain.dataclass import dataclass

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

ABSENT: Final = "attribute_not_exists(PK)"
UNCHANGED: Final = "revision = :expected"
_FAILED: Final = "ConditionalCheckFailedException"


@dataclass(frozen=True, slots=True)
class RevisionedItem:
    """An item with a `revision`, at a place of its own."""

    client: "DynamoDBClient"
    table_name: str
    place: TableKey

    def load(self) -> Mapping[str, Any] | None:
        """What is stored, read consistently; None where nothing is."""
        answer = self.client.get_item(
            TableName=self.table_name,
            Key={"PK": {"S": self.place.pk}, "SK": {"S": self.place.sk}},
            ConsistentRead=True,
        )
        return answer.get("Item")

    def save(self, item: "Mapping[str, AttributeValueTypeDef]", *, expected: int) -> bool:
        """Store it if the stored revision is `expected` (0: there is none); whether it was."""
        values: dict[str, AttributeValueTypeDef] = {":expected": {"N": str(expected)}}
        condition: dict[str, Any] = (
            {"ConditionExpression": UNCHANGED, "ExpressionAttributeValues": values}
            if expected
            else {"ConditionExpression": ABSENT}
        )
        try:
            self.client.put_item(TableName=self.table_name, Item=item, **condition)
        except ClientError as error:
            if error.response["Error"]["Code"] == _FAILED:
                return False
            raise
        return True
