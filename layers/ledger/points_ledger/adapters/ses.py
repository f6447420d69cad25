"""The mail service (Amazon SES): hands over one mail, and says what is known of it afterwards.

SES has no idempotency key, so a request is made once: whoever sends again after a lost answer may
send twice. Bounces and complaints are SES's business: its account-level suppression list keeps
mails from addresses that do not want them.
"""

from email.utils import formataddr
from typing import TYPE_CHECKING, Final

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
)
from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.parsers import ResponseParserError

from points_ledger.domain.dataclass import dataclass
from points_ledger.service.mail_ports import Delivery, Letter, NotSent, Rejected, Sent, Unknown

if TYPE_CHECKING:  # stubs, absent at run time
    from mypy_boto3_sesv2 import SESV2Client
    from mypy_boto3_sesv2.type_defs import SendEmailRequestTypeDef

REJECTED: Final = frozenset({"MessageRejected", "BadRequestException"})
"""What is wrong is this mail, and it will be wrong again."""

_CHARSET: Final = "UTF-8"
_FIRST_SERVER_ERROR: Final = 500
_UNAVAILABLE: Final = 503
"""Of the server's errors the one that says that nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SesMailer:
    """`Mailer` by SES; `sender` and `reply_to` are bare addresses."""

    client: "SESV2Client"
    sender: str
    reply_to: str | None

    def send(self, letter: Letter) -> Delivery:
        """Hand one mail over, once."""
        try:
            answer = self.client.send_email(**self._request(letter))
        except ClientError as error:
            return _refused(error)
        except (EndpointConnectionError, ConnectTimeoutError) as error:
            return NotSent(type(error).__name__)
        except (NoConnectionError, HTTPClientError, ResponseParserError) as error:
            return Unknown(type(error).__name__)
        return Sent(answer["MessageId"])

    def _request(self, letter: Letter) -> "SendEmailRequestTypeDef":
        mail = letter.mail
        request: SendEmailRequestTypeDef = {
            "FromEmailAddress": formataddr((letter.sender_name, self.sender)),
            "Destination": {"ToAddresses": [letter.address]},
            "Content": {
                "Simple": {
                    "Subject": {"Data": mail.subject, "Charset": _CHARSET},
                    "Body": {
                        "Text": {"Data": mail.text, "Charset": _CHARSET},
                        "Html": {"Data": mail.html, "Charset": _CHARSET},
                    },
                    # RFC 8058: a button of the mail program ends the mails.
                    "Headers": [
                        {"Name": "List-Unsubscribe", "Value": f"<{letter.unsubscribe_url}>"},
                        {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
                    ],
                }
            },
        }
        if self.reply_to is not None:
            request["ReplyToAddresses"] = [self.reply_to]
        return request


def _refused(error: ClientError) -> Delivery:
    code = error.response["Error"]["Code"]
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in REJECTED:
        return Rejected(code)
    if status >= _FIRST_SERVER_ERROR and status != _UNAVAILABLE:
        return Unknown(code)
    return NotSent(code)
