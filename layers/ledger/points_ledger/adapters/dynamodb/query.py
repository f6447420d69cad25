"""Reading a query page by page, with an upper bound."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from points_ledger.domain.error import BrokenInvariantError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import QueryInputTypeDef, QueryOutputTypeDef

MAX_QUERY_PAGES: Final = 100
"""Pages of at most 1 MB; no list that is read whole comes near this."""

# Everything of one kind in a partition.
OF_KIND: Final = "PK = :pk AND begins_with(SK, :kind)"
# From a place to another one, both included.
BETWEEN: Final = "PK = :pk AND SK BETWEEN :from AND :to"


def pages(client: "DynamoDBClient", query: "QueryInputTypeDef") -> Iterator["QueryOutputTypeDef"]:
    """Every page of a query.

    Raises:
        BrokenInvariantError: there are more than MAX_QUERY_PAGES.
    """
    for _ in range(MAX_QUERY_PAGES):
        page = client.query(**query)
        yield page
        if "LastEvaluatedKey" not in page:
            return
        query = {**query, "ExclusiveStartKey": page["LastEvaluatedKey"]}
    raise BrokenInvariantError(f"a list has more than {MAX_QUERY_PAGES} pages")
