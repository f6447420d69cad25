"""Clients of the services of a local stack."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from local.home import Home

if TYPE_CHECKING:
    from mypy_boto3_apigatewayv2 import ApiGatewayV2Client
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sesv2 import SESV2Client

REGION = "us-east-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


def environment(home: Home) -> dict[str, str]:
    """Return the variables that point any AWS tool at the stack."""
    return {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": home.endpoint_url,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


@dataclass(frozen=True)
class Cloud:
    """The services of one local stack that bringing it up needs."""

    home: Home

    @cached_property
    def _session(self) -> boto3.Session:
        return boto3.Session(
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            region_name=REGION,
        )

    @cached_property
    def _config(self) -> Config:
        return Config(
            connect_timeout=5, read_timeout=60, retries={"total_max_attempts": 2}, proxies={}
        )

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        """Stacks, their templates, resources and outputs."""
        return self._session.client(
            "cloudformation", endpoint_url=self.home.endpoint_url, config=self._config
        )

    @cached_property
    def http_apis(self) -> "ApiGatewayV2Client":
        """HTTP APIs, their routes and authorizers."""
        return self._session.client(
            "apigatewayv2", endpoint_url=self.home.endpoint_url, config=self._config
        )

    @cached_property
    def identities(self) -> "CognitoIdentityProviderClient":
        """Users, groups and app clients."""
        return self._session.client(
            "cognito-idp", endpoint_url=self.home.endpoint_url, config=self._config
        )

    @cached_property
    def secrets(self) -> "SecretsManagerClient":
        """Secret values."""
        return self._session.client(
            "secretsmanager", endpoint_url=self.home.endpoint_url, config=self._config
        )

    @cached_property
    def emails(self) -> "SESV2Client":
        """The mail service."""
        return self._session.client(
            "sesv2", endpoint_url=self.home.endpoint_url, config=self._config
        )

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        """What the functions logged."""
        return self._session.client(
            "logs", endpoint_url=self.home.endpoint_url, config=self._config
        )
