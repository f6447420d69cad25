"""The stores: in memory, on moto (one thread only), and on the local stack's emulator."""

import uuid
from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.contract.backends import (
    TABLE,
    Backend,
    dynamodb_backend,
    dynamodb_client,
    memory_backend,
    scratch_table,
)

MEMORY = pytest.param("memory")
MOTO = pytest.param("moto")
EMULATOR = pytest.param("emulator", marks=pytest.mark.stack)


@pytest.fixture(params=[MEMORY, MOTO, EMULATOR])
def backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    yield from _backend(request)


@pytest.fixture(params=[MOTO, EMULATOR])
def dynamodb(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """For what only a table has."""
    yield from _backend(request)


@pytest.fixture(params=[EMULATOR])
def emulator(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """For capacity, which moto does not count."""
    yield from _backend(request)


@pytest.fixture(params=[MEMORY, EMULATOR])
def concurrent(request: pytest.FixtureRequest) -> Iterator[Backend]:
    """For threads, under which moto loses writes."""
    yield from _backend(request)


def _backend(request: pytest.FixtureRequest) -> Iterator[Backend]:
    match request.param:
        case "memory":
            yield memory_backend()
        case "moto":
            with mock_aws():
                client = dynamodb_client()
                with scratch_table(client, TABLE) as name:
                    yield dynamodb_backend(client, name)
        case _:
            stack = request.getfixturevalue("stack")
            client = dynamodb_client(stack["endpoint_url"], stack["region"])
            with scratch_table(client, f"contract-{uuid.uuid4()}") as name:
                yield dynamodb_backend(client, name)
