"""The user pool: signing people in, and keeping them signed in."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from points_ledger.domain.dataclass import dataclass
from points_ledger.domain.error import (
    FieldError,
    InvalidRequestError,
    TooManyRequestsError,
    UnauthenticatedError,
)

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_cognito_idp import CognitoIdentityProviderClient

NEW_PASSWORD: Final = "NEW_PASSWORD_REQUIRED"  # noqa: S105 - the name of a challenge
_REFUSED: Final = frozenset(
    {
        "NotAuthorizedException",
        "UserNotFoundException",
        "UserNotConfirmedException",
        "PasswordResetRequiredException",
        "CodeMismatchException",
        "ExpiredCodeException",
        "UnauthorizedException",
        "UnsupportedTokenTypeException",
    }
)
"""All alike to the caller, so that nobody learns who has an account."""

_UNFIT: Final[Mapping[str, str]] = {
    "InvalidPasswordException": "does not meet the rules for passwords",
    "InvalidParameterException": "is not accepted",
}
_BUSY: Final = frozenset(
    {"TooManyRequestsException", "LimitExceededException", "TooManyFailedAttemptsException"}
)
_NOT_MAILED: Final = frozenset({"LimitExceededException", "CodeDeliveryFailureException"})
"""Of mailed codes, which the pool says of accounts that there are only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session.

    Attributes:
        id_token: for the Authorization header.
        expires_in_seconds: how long the token is good for.
        refresh_token: brings the next id token; None where the one that was used stays good.
    """

    id_token: str
    expires_in_seconds: int
    refresh_token: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPasswordNeeded:
    """The password was right and may be used once only; `challenge` comes back with a new one."""

    challenge: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """Accounts of people, as one application client of the pool sees them.

    Every method raises `UnauthenticatedError` where the pool refuses, `InvalidRequestError` for a
    password that breaks its rules, and `TooManyRequestsError` where it asks for patience.
    """

    client: "CognitoIdentityProviderClient"
    client_id: str

    def sign_in(self, username: str, password: str) -> SignedIn | NewPasswordNeeded:
        """Begin a session with a password."""
        parameters = {"USERNAME": username, "PASSWORD": password}
        return _outcome(self._begun("USER_PASSWORD_AUTH", parameters))

    def sign_in_with_new_password(
        self, username: str, new_password: str, challenge: str
    ) -> SignedIn | NewPasswordNeeded:
        """Begin the first session of somebody whose password was good for once."""
        try:
            answer = self.client.respond_to_auth_challenge(
                ClientId=self.client_id,
                ChallengeName=NEW_PASSWORD,
                Session=challenge,
                ChallengeResponses={"USERNAME": username, "NEW_PASSWORD": new_password},
            )
        except ClientError as error:
            raise _refused(error, "new_password") from error
        return _outcome(dict(answer))

    def renew(self, refresh_token: str) -> SignedIn:
        """Go on with a session."""
        outcome = _outcome(self._begun("REFRESH_TOKEN_AUTH", {"REFRESH_TOKEN": refresh_token}))
        if not isinstance(outcome, SignedIn):
            raise UnauthenticatedError
        return outcome

    def sign_out(self, refresh_token: str) -> None:
        """End a session: its refresh token is good for nothing any more."""
        try:
            self.client.revoke_token(ClientId=self.client_id, Token=refresh_token)
        except ClientError as error:
            raise _refused(error, "session") from error

    def send_code(self, username: str) -> None:
        """Have the pool mail a code to somebody who forgot the password; unknown or not, alike."""
        try:
            self.client.forgot_password(ClientId=self.client_id, Username=username)
        except ClientError as error:
            if _code(error) in _NOT_MAILED:
                return
            refusal = _refused(error, "username")
            if not isinstance(refusal, (UnauthenticatedError, InvalidRequestError)):
                raise refusal from error

    def reset_password(self, username: str, code: str, new_password: str) -> None:
        """Set a password with the code that was mailed."""
        try:
            self.client.confirm_forgot_password(
                ClientId=self.client_id,
                Username=username,
                ConfirmationCode=code,
                Password=new_password,
            )
        except ClientError as error:
            raise _refused(error, "new_password") from error

    def _begun(self, flow: Any, parameters: Mapping[str, str]) -> dict[str, Any]:  # noqa: ANN401 - a literal of the stubs
        try:
            return dict(
                self.client.initiate_auth(
                    ClientId=self.client_id, AuthFlow=flow, AuthParameters=parameters
                )
            )
        except ClientError as error:
            raise _refused(error, "password") from error


def _outcome(answer: Mapping[str, Any]) -> SignedIn | NewPasswordNeeded:
    result = answer.get("AuthenticationResult")
    if result is not None:
        return SignedIn(
            id_token=result["IdToken"],
            expires_in_seconds=result["ExpiresIn"],
            refresh_token=result.get("RefreshToken"),
        )
    if answer.get("ChallengeName") == NEW_PASSWORD:
        return NewPasswordNeeded(challenge=answer["Session"])
    # A second factor is not offered by the pool of template.yaml.
    raise UnauthenticatedError


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _refused(error: ClientError, field: str) -> Exception:
    code = _code(error)
    if code in _REFUSED:
        return UnauthenticatedError()
    if code in _UNFIT:
        return InvalidRequestError(errors=(FieldError(field, _UNFIT[code]),))
    return TooManyRequestsError() if code in _BUSY else error
