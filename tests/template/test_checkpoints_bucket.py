"""The bucket of checkpoints: versioned, locked, encrypted, closed, and written once."""

from tests.template.reading import Template


def test_every_version_is_kept_and_locked(template: Template) -> None:
    bucket = template.resources["CheckpointsBucket"]
    properties = bucket["Properties"]
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert properties["ObjectLockEnabled"] is True
    retention = properties["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
    assert retention == {
        "Mode": {"Ref": "CheckpointLockMode"},
        "Days": {"Ref": "CheckpointRetentionDays"},
    }
    assert set(template.parameters["CheckpointLockMode"]["AllowedValues"]) == {
        "COMPLIANCE",
        "GOVERNANCE",
    }
    assert "LifecycleConfiguration" not in properties


def test_it_is_encrypted_and_closed_to_the_public(template: Template) -> None:
    properties = template.resources["CheckpointsBucket"]["Properties"]
    [rule] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    assert properties["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]


def test_it_is_reached_over_tls_and_overwritten_by_nobody(template: Template) -> None:
    policy = template.resources["CheckpointsBucketPolicy"]
    assert template.parameters["CheckpointPolicyAbsent"]["Default"] == "false"
    tls, once = policy["Properties"]["PolicyDocument"]["Statement"]
    assert {tls["Effect"], once["Effect"]} == {"Deny"}
    assert {tls["Principal"], once["Principal"]} == {"*"}
    assert tls["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert once["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert once["Action"] == "s3:PutObject"


def test_one_function_writes_there_and_none_removes_anything(template: Template) -> None:
    writers = {
        each.folder for each in template.functions if [*template.grants(each, "s3:PutObject")]
    }
    assert writers == {"checkpoints"}
    for function in template.functions:
        actions = str(template.statements(function))
        for action in ("s3:Delete", "s3:Bypass", "s3:PutObjectRetention", "s3:PutBucket"):
            assert action not in actions
