"""Users of the pool, as the service invites members and takes sign-ins away.

Apart from `cognito`, which is about the sessions of people and takes no permission: this needs the
rights of an administrator of the pool.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError

from points_ledger.domain.error import FieldError, InvalidRequestError, TooManyRequestsError
from points_ledger.domain.identity import MemberId
from points_ledger.service.inviting import SignIn

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

MEMBER_ID: Final = "custom:member_id"
WAITING: Final = "FORCE_CHANGE_PASSWORD"  # the state of a user who was never signed in
_BUSY: Final = frozenset({"TooManyRequestsException", "LimitExceededException"})


class UserPool:
    """`SignIns` on one user pool.

    Every method raises `TooManyRequestsError` where the pool asks for patience.
    """

    def __init__(self, client: "CognitoIdentityProviderClient", user_pool_id: str) -> None:
        """Nothing is asked before the first question."""
        self._client = client
        self._user_pool_id = user_pool_id

    def find(self, username: str) -> SignIn | None:
        """A user; None where there is none."""
        try:
            found = self._client.admin_get_user(UserPoolId=self._user_pool_id, Username=username)
        except ClientError as error:
            if _code(error) == "UserNotFoundException":
                return None
            raise _refused(error) from error
        attributes: Mapping[str, str] = {
            each["Name"]: each.get("Value", "") for each in found.get("UserAttributes", [])
        }
        member_id = attributes.get(MEMBER_ID)
        return SignIn(
            member_id=MemberId(member_id) if member_id else None,
            is_waiting=found.get("UserStatus") == WAITING,
        )

    def create(self, username: str, member_id: MemberId) -> bool:
        """Make a user and have the pool mail a password; False where the name is taken.

        Raises:
            InvalidRequestError: the pool does not take this address.
        """
        try:
            self._client.admin_create_user(
                UserPoolId=self._user_pool_id,
                Username=username,
                UserAttributes=[
                    {"Name": "email", "Value": username},
                    {"Name": "email_verified", "Value": "true"},
                    {"Name": MEMBER_ID, "Value": member_id},
                ],
                DesiredDeliveryMediums=["EMAIL"],
            )
        except ClientError as error:
            if _code(error) == "UsernameExistsException":
                return False
            raise _refused(error) from error
        return True

    def send_again(self, username: str) -> None:
        """Have the pool mail a new first password."""
        try:
            self._client.admin_create_user(
                UserPoolId=self._user_pool_id,
                Username=username,
                MessageAction="RESEND",
                DesiredDeliveryMediums=["EMAIL"],
            )
        except ClientError as error:
            raise _refused(error) from error

    def remove(self, username: str) -> None:
        """Take a user away; that there is none changes nothing."""
        try:
            self._client.admin_delete_user(UserPoolId=self._user_pool_id, Username=username)
        except ClientError as error:
            if _code(error) != "UserNotFoundException":
                raise _refused(error) from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError) -> Exception:
    code = _code(error)
    if code == "InvalidParameterException":
        return InvalidRequestError((FieldError("email", "is not accepted as a sign-in"),))
    return TooManyRequestsError() if code in _BUSY else error
