"""The ports of the service on one DynamoDB table.

Each class takes a low-level client and the table's name. Of the modules behind them, `keys`
builds every key, `codec` turns items into values and back, `store` is the one write path,
`readers` and `sweeps` list. No other package holds an expression of DynamoDB's.
"""

from points_ledger.adapters.dynamodb.readers import DynamoDbReader
from points_ledger.adapters.dynamodb.store import DynamoDbStore
from points_ledger.adapters.dynamodb.stream import Change, read_change
from points_ledger.adapters.dynamodb.sweeps import DynamoDbSweeps

__all__ = ["Change", "DynamoDbReader", "DynamoDbStore", "DynamoDbSweeps", "read_change"]
