"""docs/security.md shows the authorization table that the tests ask."""

from tests.authorization.document import DOCUMENT, rendered


def test_the_table_in_the_document_is_the_one_under_test() -> None:
    assert rendered() in DOCUMENT.read_text("utf-8")
