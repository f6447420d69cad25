"""The table: protected, backed up, and with the indexes that pending points and rankings need."""

from tests.template.reading import Template


def test_is_protected_and_backed_up(template: Template) -> None:
    table = template.resources["Table"]
    properties = table["Properties"]
    assert table["DeletionPolicy"] == "Retain"
    assert properties["DeletionProtectionEnabled"] == {
        "Fn::If": ["IsDeletionProtected", True, False]
    }
    assert template.parameters["DeletionProtection"]["Default"] == "true"
    assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert properties["SSESpecification"] == {"SSEEnabled": True}
    assert properties["BillingMode"] == "PAY_PER_REQUEST"


def test_streams_both_images_and_lets_due_markers_expire(template: Template) -> None:
    properties = template.resources["Table"]["Properties"]
    assert properties["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert properties["TimeToLiveSpecification"] == {
        "AttributeName": "expires_at_epoch",
        "Enabled": True,
    }


def test_an_index_holds_only_what_has_its_attributes(template: Template) -> None:
    pending, ranked = template.resources["Table"]["Properties"]["GlobalSecondaryIndexes"]
    assert pending["IndexName"] == "pending_by_member"
    assert pending["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert [key["AttributeName"] for key in pending["KeySchema"]] == [
        "pending_member",
        "pending_since",
    ]
    assert ranked["IndexName"] == "by_score"
    assert ranked["Projection"] == {"ProjectionType": "ALL"}
    assert [key["AttributeName"] for key in ranked["KeySchema"]] == ["PK", ".score"]
