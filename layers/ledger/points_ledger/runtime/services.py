"""The one place where the service is put together with what it runs on.

Every function asks for the service that it needs; a process makes each at most once, and imports
none that it does not ask for.
"""

# ruff: noqa: PLC0415 - imports inside are the point: importing all costs every cold start 20 ms

import base64
import random
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Final

from points_ledger.adapters.dynamodb import DynamoDbReader, DynamoDbStore, DynamoDbSweeps
from points_ledger.domain.calendar import format_instant
from points_ledger.domain.identity import CouponCode, MemberId, SimulationId
from points_ledger.runtime import bootstrap, observability
from points_ledger.runtime.settings import (
    NONE,
    InvitationsSettings,
    LedgerSettings,
    MessagingSettings,
    NotificationsSettings,
    ProgramSettings,
    load,
)
from points_ledger.service.ledger import WritePath
from points_ledger.service.programs import Programs

if TYPE_CHECKING:
    from points_ledger.adapters.dynamodb.mail import DynamoDbMail
    from points_ledger.adapters.dynamodb.outbound import DynamoDbOutbound
    from points_ledger.adapters.sweep_queue import SqsSweepQueue
    from points_ledger.domain.entry import Entry
    from points_ledger.domain.outbound import Endpoint
    from points_ledger.domain.program import Program
    from points_ledger.service.acting import Acting
    from points_ledger.service.adjusting import Adjusting
    from points_ledger.service.approving import Approving
    from points_ledger.service.backtest_job import BacktestJob
    from points_ledger.service.backtesting import Backtesting
    from points_ledger.service.celebrating import Celebrating
    from points_ledger.service.challenges import Challenges
    from points_ledger.service.couponing import Couponing, CouponsOfMember
    from points_ledger.service.engagement_report import EngagementReports
    from points_ledger.service.enrolling import Enrolling
    from points_ledger.service.erasing import Erasing
    from points_ledger.service.expiring import Expiring
    from points_ledger.service.exporting import Exporting
    from points_ledger.service.finding import Finding
    from points_ledger.service.importing import Importing
    from points_ledger.service.inviting import Inviting
    from points_ledger.service.leaderboards import Leaderboards
    from points_ledger.service.mail_templates import MailTemplates
    from points_ledger.service.mailing import Mailing
    from points_ledger.service.memberships import Memberships
    from points_ledger.service.merging import Merging
    from points_ledger.service.outbound import Outbound
    from points_ledger.service.outbound_delivery import Delivering
    from points_ledger.service.overview import Overviews
    from points_ledger.service.pacing import Pace
    from points_ledger.service.planning import Planning
    from points_ledger.service.publishing import Publishing
    from points_ledger.service.queries import Queries
    from points_ledger.service.ranking_reports import RankingReports
    from points_ledger.service.recording import Recording
    from points_ledger.service.redeeming import Redeeming
    from points_ledger.service.redemptions import Redemptions
    from points_ledger.service.reporting import Reporting
    from points_ledger.service.requested import Requested
    from points_ledger.service.reviewing import Reviewing
    from points_ledger.service.rewarding import Rewarding
    from points_ledger.service.standing import Changing
    from points_ledger.service.statements import Statements
    from points_ledger.service.transferring import Transferring
    from points_ledger.service.unsubscribing import Unsubscribing

_FIRST_PAUSE_SECONDS: Final = 0.01
_LONGEST_PAUSE_SECONDS: Final = 0.4

API_ID: Final = "{api_id}"
"""Stands for the API's own id in its public address."""

PARALLEL_READERS: Final = 8
"""Requests that one worker of backtests makes at the same time."""


@cache
def store() -> DynamoDbStore:
    """The ledger's table."""
    return DynamoDbStore(
        bootstrap.dynamodb(),
        load(LedgerSettings).table_name,
        bootstrap.utc_now,
        correlation=observability.correlation_id,
        throttled=_throttled,
    )


def _throttled() -> None:
    observability.count("throttled")
    if pace.cache_info().currsize:  # only a sweep has one
        pace().slow_down()


@cache
def reader() -> DynamoDbReader:
    """Reads that show and do not decide."""
    return DynamoDbReader(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def sweeps() -> DynamoDbSweeps:
    """Due markers and the progress of the sweeps."""
    return DynamoDbSweeps(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def sweep_queue() -> "SqsSweepQueue":
    """Where shards of crowded hours wait for a worker of this sweep."""
    from points_ledger.adapters.sweep_queue import SqsSweepQueue
    from points_ledger.runtime.settings import QueuedSweepSettings

    queue_url = load(QueuedSweepSettings).sweep_queue_url
    return SqsSweepQueue(client=bootstrap.sqs(), queue_url=queue_url)


@cache
def pace() -> "Pace":
    """How many visits a sweep has in flight in this process."""
    from points_ledger.runtime.settings import SweepSettings
    from points_ledger.service.pacing import Pace

    most = int(load(SweepSettings).sweep_parallelism)
    return Pace(most, clock=time.monotonic, pause=_pause_up_to)


@cache
def programs() -> Programs:
    """Program versions, cached by this process."""
    return Programs(store(), bootstrap.utc_now)


@cache
def recording() -> "Recording":
    """Records facts."""
    from points_ledger.service.recording import Recording

    return Recording(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_member_id=_new_member_id,
    )


@cache
def enrolling() -> "Enrolling":
    """Enrols members."""
    from points_ledger.service.enrolling import Enrolling

    return Enrolling(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_member_id=_new_member_id,
        recording=recording(),
    )


@cache
def redeeming() -> "Redeeming":
    """Decides redemptions."""
    from points_ledger.service.redeeming import Redeeming

    return Redeeming(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        salt=_new_salt,
        new_code=_new_code,
    )


@cache
def redemptions() -> "Redemptions":
    """Shows redemptions."""
    from points_ledger.service.redemptions import Redemptions

    return Redemptions(store=store(), reader=reader(), programs=programs(), clock=bootstrap.utc_now)


@cache
def acting() -> "Acting":
    """Records actions that clients report."""
    from points_ledger.service.acting import Acting

    return Acting(
        path=_write_path(), programs=programs(), clock=bootstrap.utc_now, recording=recording()
    )


@cache
def adjusting() -> "Adjusting":
    """Decides adjustments."""
    from points_ledger.service.adjusting import Adjusting

    return Adjusting(
        path=_write_path(), programs=programs(), clock=bootstrap.utc_now, salt=_new_salt
    )


@cache
def approving() -> "Approving":
    """Shows what waits for a second person, and takes the decision."""
    from points_ledger.service.approving import Approving

    return Approving(
        path=_write_path(),
        store=store(),
        reader=reader(),
        clock=bootstrap.utc_now,
        salt=_new_salt,
        decide={
            "redemption": redeeming().decided,
            "transfer": transferring().decided,
            "adjustment": adjusting().decided,
        },
    )


@cache
def rewarding() -> "Rewarding":
    """Shows and changes the catalogue of rewards."""
    from points_ledger.service.rewarding import Rewarding

    return Rewarding(
        path=_write_path(),
        store=store(),
        reader=reader(),
        programs=programs(),
        clock=bootstrap.utc_now,
    )


@cache
def couponing() -> "Couponing":
    """Shows, uses and cancels coupons."""
    from points_ledger.service.couponing import Couponing

    return Couponing(
        path=_write_path(),
        store=store(),
        programs=programs(),
        clock=bootstrap.utc_now,
        undo=redeeming().undone,
    )


@cache
def coupons_of_member() -> "CouponsOfMember":
    """Shows the coupons of a member."""
    from points_ledger.service.couponing import CouponsOfMember

    return CouponsOfMember(
        store=store(), redemptions=redemptions(), programs=programs(), clock=bootstrap.utc_now
    )


@cache
def transferring() -> "Transferring":
    """Decides transfers."""
    from points_ledger.service.addressing import Addressing
    from points_ledger.service.transferring import Transferring

    return Transferring(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        salt=_new_salt,
        addressing=Addressing(lists=reader()),
    )


@cache
def planning() -> "Planning":
    """Keeps sharing plans."""
    from points_ledger.service.addressing import Addressing
    from points_ledger.service.planning import Planning

    return Planning(
        path=_write_path(),
        store=store(),
        programs=programs(),
        clock=bootstrap.utc_now,
        addressing=Addressing(lists=reader()),
    )


@cache
def merging() -> "Merging":
    """Merges members."""
    from points_ledger.service.merging import Merging

    return Merging(path=_write_path(), programs=programs(), clock=bootstrap.utc_now)


@cache
def reviewing() -> "Reviewing":
    """Reviews tiers."""
    from points_ledger.service.reviewing import Reviewing

    return Reviewing(path=_write_path(), programs=programs())


@cache
def memberships() -> "Memberships":
    """Gives memberships."""
    from points_ledger.service.memberships import Memberships

    return Memberships(path=_write_path(), programs=programs(), clock=bootstrap.utc_now)


@cache
def expiring() -> "Expiring":
    """Expires lots."""
    from points_ledger.service.expiring import Expiring

    return Expiring(path=_write_path(), programs=programs())


@cache
def celebrating() -> "Celebrating":
    """Performs the actions of birthdays and anniversaries."""
    from points_ledger.service.celebrating import Celebrating

    return Celebrating(
        path=_write_path(), programs=programs(), clock=bootstrap.utc_now, recording=recording()
    )


@cache
def changing() -> "Changing":
    """Changes members."""
    from points_ledger.service.standing import Changing

    return Changing(
        path=_write_path(),
        programs=programs(),
        clock=bootstrap.utc_now,
        recording=recording(),
    )


@cache
def erasing() -> "Erasing":
    """Erases members."""
    from points_ledger.service.erasing import Erasing

    return Erasing(
        path=_write_path(), programs=programs(), clock=bootstrap.utc_now, personal_data=reader()
    )


@cache
def inviting() -> "Inviting":
    """Invites members to sign in."""
    from points_ledger.adapters.dynamodb.sign_ins import DynamoDbSignIns
    from points_ledger.adapters.user_pool import UserPool
    from points_ledger.service.inviting import Inviting

    settings = load(InvitationsSettings)
    return Inviting(
        store=store(),
        names=DynamoDbSignIns(bootstrap.dynamodb(), settings.table_name),
        sign_ins=UserPool(bootstrap.identities(), settings.user_pool_id),
    )


@cache
def importing() -> "Importing":
    """Takes an existing program over."""
    from points_ledger.service.importing import Importing

    return Importing(
        path=WritePath(store=store(), pause=pause),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_member_id=_new_member_id,
    )


@cache
def finding() -> "Finding":
    """Finds members."""
    from points_ledger.service.finding import Finding

    return Finding(store=store(), lists=reader())


@cache
def statements() -> "Statements":
    """Draws statements up."""
    from points_ledger.service.statements import Statements

    return Statements(store=store(), reader=reader(), programs=programs())


@cache
def exporting() -> "Exporting":
    """Gathers a person's data."""
    from points_ledger.service.exporting import Exporting

    return Exporting(store=store(), reader=reader(), personal_data=reader(), queries=queries())


@cache
def challenges() -> "Challenges":
    """Shows how far members have come with challenges and streaks."""
    from points_ledger.service.challenges import Challenges

    return Challenges(store=store(), programs=programs(), clock=bootstrap.utc_now)


@cache
def leaderboards() -> "Leaderboards":
    """Keeps, freezes and shows leaderboards."""
    from points_ledger.service.leaderboards import Leaderboards

    return Leaderboards(
        path=_write_path(),
        store=store(),
        lists=reader(),
        programs=programs(),
        clock=bootstrap.utc_now,
    )


@cache
def reporting() -> "Reporting":
    """Draws reports up from totals."""
    from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
    from points_ledger.service.reporting import Reporting

    return Reporting(
        totals=DynamoDbTotals(bootstrap.dynamodb(), load(LedgerSettings).table_name),
        store=store(),
        programs=programs(),
        clock=bootstrap.utc_now,
    )


@cache
def ranking_reports() -> "RankingReports":
    """Says who bought, earned and redeemed most."""
    from points_ledger.adapters.dynamodb.rankings import DynamoDbRankings
    from points_ledger.service.ranking_reports import RankingReports

    return RankingReports(
        rankings=DynamoDbRankings(bootstrap.dynamodb(), load(LedgerSettings).table_name),
        store=store(),
        programs=programs(),
        clock=bootstrap.utc_now,
    )


@cache
def engagement_reports() -> "EngagementReports":
    """Says how members take part."""
    from points_ledger.adapters.dynamodb.totals import DynamoDbTotals
    from points_ledger.service.engagement_report import EngagementReports

    return EngagementReports(
        totals=DynamoDbTotals(bootstrap.dynamodb(), load(LedgerSettings).table_name),
        programs=programs(),
        clock=bootstrap.utc_now,
    )


@cache
def queries() -> "Queries":
    """Answers questions."""
    from points_ledger.service.queries import Queries

    return Queries(store=store(), reader=reader(), programs=programs(), clock=bootstrap.utc_now)


@cache
def requested() -> "Requested":
    """Shows what members have asked for."""
    from points_ledger.service.requested import Requested

    return Requested(store=store(), lists=reader(), clock=bootstrap.utc_now)


@cache
def overviews() -> "Overviews":
    """Draws up the whole story of a member."""
    from points_ledger.service.overview import Overviews

    return Overviews(
        store=store(),
        reader=reader(),
        queries=queries(),
        redemptions=redemptions(),
        requested=requested(),
    )


def rule_sentences(version: int) -> Mapping[str, str]:
    """The plain sentence of each rule of a program version, by its id."""
    from points_ledger.domain.explanation import sentences_by_id

    return sentences_by_id(programs().version(version))


def reasons(entries: Sequence["Entry"]) -> Mapping[int, str]:
    """What somebody wrote as the reason of entries, by their numbers."""
    from points_ledger.service import explaining

    return explaining.reasons(reader(), entries)


def described_program(now: datetime) -> dict[str, object]:
    """The program in force: plain sentences, data, and since when."""
    from points_ledger.domain.explanation import describe

    number = programs().number_at(now)
    since = format_instant(programs().effective_from(number))
    return {**describe(programs().version(number)), "effective_from": since}


def exported_programs(entries: Iterable["Entry"], *, as_of: datetime) -> list[dict[str, object]]:
    """The program versions that entries name, and the one that a balance goes by, as exported."""
    from points_ledger.contracts.export import exported_program, versions_named

    return [
        exported_program(programs().stored(number), programs().effective_from(number))
        for number in sorted({*versions_named(entries), programs().number_at(as_of)})
    ]


@cache
def publishing() -> "Publishing":
    """Adds program versions."""
    from points_ledger.service.publishing import Publishing

    return Publishing(path=_write_path(), clock=bootstrap.utc_now)


@cache
def backtesting() -> "Backtesting":
    """Starts and shows backtests."""
    from points_ledger.adapters.sqs import SimulationMessages
    from points_ledger.service.backtesting import Backtesting

    queue_url = load(ProgramSettings).simulation_queue_url
    return Backtesting(
        path=_write_path(),
        store=store(),
        programs=programs(),
        clock=bootstrap.utc_now,
        new_id=_new_simulation_id,
        queue=SimulationMessages(client=bootstrap.sqs(), queue_url=queue_url),
        read_draft=_read_draft,
    )


@cache
def backtest_job() -> "BacktestJob":
    """Works backtests off; members are read side by side."""
    from concurrent.futures import ThreadPoolExecutor

    from points_ledger.service.backtest_job import BacktestJob
    from points_ledger.service.tracing import Tracing

    readers = ThreadPoolExecutor(max_workers=PARALLEL_READERS)
    return BacktestJob(
        path=_write_path(),
        store=store(),
        lists=reader(),
        tracing=Tracing(reader=reader(), lists=reader()),
        programs=programs(),
        read_draft=_read_draft,
        gather=readers.map,
    )


@cache
def outbound() -> "Outbound":
    """Keeps endpoints of outbound webhooks."""
    from points_ledger.adapters.outbound_queue import ErrandQueue
    from points_ledger.runtime.settings import OutboundWebhooksSettings
    from points_ledger.service.outbound import Outbound

    queue_url = load(OutboundWebhooksSettings).outbound_deliveries_queue_url
    return Outbound(
        endpoints=_outbound_store(),
        store=store(),
        errands=ErrandQueue(client=bootstrap.sqs(), queue_url=queue_url),
        clock=bootstrap.utc_now,
        new_id=_new_outbound_id,
        new_secret=_new_signing_secret,
    )


def outbound_endpoints() -> "tuple[Endpoint, ...]":
    """The endpoints of outbound webhooks as they are now."""
    return _outbound_store().endpoints()


@cache
def outbound_delivering() -> "Delivering":
    """Posts events to endpoints."""
    from datetime import timedelta

    from points_ledger.adapters.outbound_http import HttpCourier
    from points_ledger.runtime.settings import OutboundTriesSettings
    from points_ledger.service.outbound_delivery import Delivering

    settings = load(OutboundTriesSettings)
    delays = settings.outbound_retry_delays_seconds.split(",")
    return Delivering(
        store=_outbound_store(),
        courier=HttpCourier(allow_loopback=settings.outbound_allow_loopback),
        clock=bootstrap.utc_now,
        delays=tuple(timedelta(seconds=int(each)) for each in delays),
    )


@cache
def _outbound_store() -> "DynamoDbOutbound":
    from points_ledger.adapters.dynamodb.outbound import DynamoDbOutbound

    return DynamoDbOutbound(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def mail_store() -> "DynamoDbMail":
    """Templates of mails, and who sends which."""
    from points_ledger.adapters.dynamodb.mail import DynamoDbMail

    return DynamoDbMail(bootstrap.dynamodb(), load(LedgerSettings).table_name)


@cache
def mail_templates() -> "MailTemplates":
    """Shows and changes what mails say."""
    from points_ledger.service.mail_templates import MailTemplates

    return MailTemplates(store=mail_store(), programs=programs(), clock=bootstrap.utc_now)


@cache
def unsubscribing() -> "Unsubscribing":
    """Ends the mails of members who have a link that says so."""
    from points_ledger.service.unsubscribing import Unsubscribing

    return Unsubscribing(path=_write_path(), clock=bootstrap.utc_now, key=mail_key)


@cache
def mailing() -> "Mailing":
    """Sends mails."""
    from points_ledger.adapters.ses import SesMailer
    from points_ledger.service.mailing import Mailing

    settings = load(NotificationsSettings)
    reply_to = settings.email_reply_to
    public_url = settings.public_api_url.replace(API_ID, settings.api_id).rstrip("/")
    return Mailing(
        store=mail_store(),
        mailer=SesMailer(
            client=bootstrap.emails(),
            sender=settings.email_sender,
            reply_to=None if reply_to == NONE else reply_to,
        ),
        programs=programs(),
        clock=bootstrap.utc_now,
        key=mail_key,
        new_token=_new_salt,
        unsubscribe_url=f"{public_url}/unsubscribe",
        portal_url=settings.portal_url.replace(API_ID, settings.api_id),
    )


@cache
def mail_key() -> str:
    """The key that signs links in mails; a process reads it once."""
    answer = bootstrap.secrets().get_secret_value(SecretId=load(MessagingSettings).mail_key_arn)
    return answer["SecretString"]


def _read_draft(document: str) -> "Program":
    from points_ledger.contracts.stored_program import program_from_stored
    from points_ledger.service.backtesting import DRAFT_VERSION

    return program_from_stored(document, DRAFT_VERSION)


@cache
def _write_path() -> WritePath:
    return WritePath(store=store(), pause=pause, lost=lambda: observability.count("race_lost"))


def _pause_up_to(seconds: float) -> None:
    time.sleep(random.uniform(0, seconds))  # noqa: S311 - spreads load, guards nothing


def pause(attempt: int) -> None:
    """Exponential backoff with full jitter, so that writers of one member spread out."""
    longest = min(_LONGEST_PAUSE_SECONDS, _FIRST_PAUSE_SECONDS * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing


def _new_member_id() -> MemberId:
    """Unguessable, 80 bits: `mbr_` and 16 characters."""
    return MemberId(f"mbr_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}")


def _new_simulation_id() -> SimulationId:
    return SimulationId(f"sim_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}")


def _new_code() -> CouponCode:
    from points_ledger.domain.coupon import RANDOM_BYTES, code_of

    return code_of(secrets.token_bytes(RANDOM_BYTES))


def _new_outbound_id() -> str:
    return secrets.token_hex(12)


def _new_signing_secret() -> str:
    """As Standard Webhooks writes one: 32 random bytes."""
    return f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"


def _new_salt() -> str:
    return secrets.token_hex(16)
