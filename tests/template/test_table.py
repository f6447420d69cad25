"""The table: protected, backed up, and with the one index that pending points need."""

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


def test_the_only_index_holds_keys_alone(template: Template) -> None:
    [index] = template.resources["Table"]["Properties"]["GlobalSecondaryIndexes"]
    assert index["IndexName"] == "pending_by_member"
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert [key["AttributeName"] for key in index["KeySchema"]] == [
        "pending_member",
        "pending_since",
    ]


def test_no_alarm_needs_a_topic(template: Template) -> None:
    for alarm in template.of_type("AWS::CloudWatch::Alarm").values():
        assert alarm["AlarmActions"]["Fn::If"][0] == "HasAlarmTopic"
