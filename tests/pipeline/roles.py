"""Users of the store who have just the policy of a role."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator

import boto3
import pytest

from pipeline.protection import Role, policy_of
from pipeline.seaweed import EmbeddedStore
from pipeline.settings import Settings
from pipeline.store import Store, connect

AsRole = Callable[[Role], Store]


@pytest.fixture
def as_role(seaweed: EmbeddedStore, settings: Settings) -> Iterator[AsRole]:
    """The bucket as seen by somebody who has just the policy of a role."""
    access = seaweed.environment()
    iam = boto3.client(
        "iam",
        endpoint_url=access["AWS_ENDPOINT_URL_S3"],
        aws_access_key_id=access["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=access["AWS_SECRET_ACCESS_KEY"],
        region_name=access["AWS_REGION"],
    )
    made: list[tuple[str, str, str]] = []

    def begin(role: Role) -> Store:
        name = f"{role}-{secrets.token_hex(4)}"
        document = json.dumps(policy_of(role, settings.bucket, settings.table_bucket))
        iam.create_user(UserName=name)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        arn = iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_user_policy(UserName=name, PolicyArn=arn)
        made.append((name, arn, key["AccessKeyId"]))
        seen = connect(settings).with_credentials(key["AccessKeyId"], key["SecretAccessKey"])
        for _ in range(100):  # the server takes note of it a moment later
            if not seen.refuses("get_object", Key="muniment.json"):
                return seen
            time.sleep(0.1)
        raise AssertionError("the policy did not take effect")

    yield begin
    for name, arn, key in made:
        iam.detach_user_policy(UserName=name, PolicyArn=arn)
        iam.delete_access_key(UserName=name, AccessKeyId=key)
        iam.delete_user(UserName=name)
        iam.delete_policy(PolicyArn=arn)
