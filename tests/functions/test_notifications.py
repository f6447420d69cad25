"""notifications: one mail per event and member, at a fair hour, and only to who wants it."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from points_ledger.domain.identity import MemberId
from points_ledger.domain.unsubscribing import member_of
from points_ledger.runtime import bootstrap, services
from tests.functions import records
from tests.functions.deployed import (
    MAIL_KEY,
    NOW,
    Context,
    Deploy,
    Deployed,
    failures,
    program,
    settled,
    sold,
)
from tests.functions.gateway import ADMIN

Json = dict[str, Any]

SENDER = "points@ledger.test"
HALF_A_DAY_SECONDS = 43_200


class KilledError(BaseException):
    """The process ends in the middle of a request."""


def refused(code: str, status: int = 400) -> ClientError:
    answer: Any = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(answer, "SendEmail")


@dataclass
class Post:
    """Stands for SES: what was sent, and what goes wrong next."""

    sent: list[Json] = field(default_factory=list)
    failures: list[BaseException] = field(default_factory=list)

    def send_email(self, **request: object) -> Json:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append(dict(request))
        return {"MessageId": f"mail-{len(self.sent)}"}

    @property
    def subjects(self) -> list[str]:
        return [each["Content"]["Simple"]["Subject"]["Data"] for each in self.sent]

    def texts(self) -> list[str]:
        return [each["Content"]["Simple"]["Body"]["Text"]["Data"] for each in self.sent]


@dataclass
class Bench:
    """A stack with a queue of events, and the mails that come of them."""

    deployed: Deployed
    post: Post
    queue_url: str
    told: int = 0

    def told_of(self, member_id: str, *, since: int = 0) -> list[Json]:
        """The events of a member's entries, as the bus hands them to the queue."""
        names = {
            "accrual": "PointsAccrued",
            "maturation": "PointsMatured",
            "redemption": "PointsRedeemed",
            "reversal": "PointsReversed",
            "notice": "PointsExpiring",
            "expiry": "PointsExpired",
        }
        return [
            event(member_id, entry["entry"], names[entry["type"]])
            for entry in self.deployed.entries(member_id)
            if entry["type"] in names and entry["entry"] > since
        ]

    def tell(self, *events: Json | str, context: Context | None = None) -> list[str]:
        """Hand events to the worker in one batch; the ids of those that come again."""
        texts = [each if isinstance(each, str) else json.dumps(each) for each in events]
        batch = [records.message(text, f"message-{n}") for n, text in enumerate(texts, 1)]
        return failures(
            self.deployed.invoke("notifications", records.batch(*batch), context=context)
        )

    @property
    def outcomes(self) -> list[str]:
        return self.deployed.printed.messages


def event(member_id: str, number: int, name: str = "PointsMatured") -> Json:
    return {
        "version": "0",
        "id": "6f2c",
        "source": "points-ledger",
        "detail-type": name,
        "detail": {
            "id": f"{member_id}#{number}",
            "member_id": member_id,
            "entry": {"entry": number},
        },
    }


@pytest.fixture
def bench(deployed: Deployed) -> Bench:
    return opened(deployed)


def opened(deployed: Deployed) -> Bench:
    post = Post()
    url = deployed.open_post(post, sender=SENDER)
    return Bench(deployed, post, url)


@pytest.fixture
def member_id(bench: Bench) -> str:
    """A member with 120 points that have matured: entries 2 and 3."""
    id_ = bench.deployed.enrol("C-1")
    bench.deployed.give("C-1", 120)
    assert bench.deployed.types(id_) == ["enrolment", "accrual", "maturation"]
    return id_


def claims(bench: Bench) -> dict[str, str]:
    """What became of each mail."""
    return {
        key: item["status"]["S"]
        for key, item in bench.deployed.stored().items()
        if key.startswith("MAIL#")
    }


def put_templates(bench: Bench, **body: object) -> None:
    answer = bench.deployed.ask("PUT /notifications/templates", ADMIN, body=body)
    assert answer.status == 200, answer.body


# --- What is sent ---------------------------------------------------------------------------


def test_a_mail_says_what_happened(bench: Bench, member_id: str) -> None:
    assert bench.tell(event(member_id, 3)) == []
    assert bench.outcomes == ["mail_sent"]
    [request] = bench.post.sent
    assert request["FromEmailAddress"] == f"Acme Rewards <{SENDER}>"
    assert request["Destination"] == {"ToAddresses": ["dana@example.com"]}
    assert "ReplyToAddresses" not in request
    simple = request["Content"]["Simple"]
    assert simple["Subject"]["Data"] == "120 points are ready to be spent"
    text = simple["Body"]["Text"]["Data"]
    assert "Hello Dana Reyes,\n\n120 points (1.20 USD) are yours to spend" in text
    assert "What for: ticket sale-" in text
    assert "Rules: retail." in text
    assert "Last day to use them: 30 September 2028." in text
    assert "Available now: 120 points, worth 1.20 USD. Pending: 0." in text
    assert "https://portal.test" in text
    headers = {each["Name"]: each["Value"] for each in simple["Headers"]}
    link = headers["List-Unsubscribe"]
    assert link.startswith("<https://a1b2.api.test/unsubscribe?token=")
    assert link.strip("<>") in text
    assert member_of(link.strip("<>").partition("token=")[2], MAIL_KEY) == MemberId(member_id)
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_reply_goes_where_the_program_wants_it(bench: Bench, member_id: str) -> None:
    bench.deployed.monkeypatch.setenv("EMAIL_REPLY_TO", "help@ledger.test")
    bench.tell(event(member_id, 3))
    assert bench.post.sent[0]["ReplyToAddresses"] == ["help@ledger.test"]


def test_every_event_of_a_history_is_told_once(bench: Bench, member_id: str) -> None:
    redeemed = bench.deployed.ask(
        "POST /redemptions",
        body={"member_id": member_id, "points": 20, "kind": "cash"},
        key="r",
    )
    assert redeemed.status == 201
    events = bench.told_of(member_id)
    assert bench.tell(*events, *events) == []
    assert bench.post.subjects == [
        "You have earned 120 points",
        "120 points are ready to be spent",
        "You have redeemed 20 points",
    ]
    assert bench.outcomes == ["mail_sent"] * 3 + ["duplicate"] * 3


def test_a_tier_that_changes_is_told_by_the_entry_that_changed_it(bench: Bench) -> None:
    member_id = bench.deployed.enrol("C-1")
    bench.deployed.give("C-1", 1200)
    number = next(
        each["entry"] for each in bench.deployed.entries(member_id) if each["details"].get("tier")
    )
    bench.tell(event(member_id, number, "TierChanged"))
    assert "is now: silver. Before, it was: none." in bench.post.texts()[0]


def test_what_matured_at_one_instant_is_one_mail(bench: Bench) -> None:
    member_id = bench.deployed.enrol("C-1")
    for number in range(3):
        bench.deployed.accrue(sold("10.00", id_=f"T-{number}"))
        bench.deployed.mature(settled(f"T-{number}"))
    matured = [e for e in bench.told_of(member_id) if e["detail-type"] == "PointsMatured"]
    assert len(matured) == 3
    assert bench.tell(*matured) == []
    assert bench.outcomes == ["mail_sent", "duplicate", "duplicate"]
    assert bench.post.subjects == ["30 points are ready to be spent"]
    assert "What for: several purchases or actions." in bench.post.texts()[0]


def test_the_language_of_the_member_comes_first_then_that_of_the_program(
    bench: Bench, member_id: str
) -> None:
    put_templates(bench, settings={"default_language": "es"})
    bench.tell(event(member_id, 3))
    path = {"member_id": member_id}
    bench.deployed.ask("PATCH /members/{member_id}", path=path, body={"language": "de-CH"})
    bench.tell(event(member_id, 2, "PointsAccrued"))
    assert bench.post.subjects == [
        "120 puntos están disponibles",
        "Sie haben 120 Punkte gesammelt",
    ]
    assert "30 de septiembre de 2028" in bench.post.texts()[0]


def test_what_a_person_is_called_is_text_everywhere(bench: Bench) -> None:
    name = 'Dana "><img src=x onerror=alert(1)> {unsubscribe_url}'
    member_id = bench.deployed.enrol("C-1", name=name)
    bench.deployed.give("C-1", 120)
    html = '<p title="{member_name}">{member_name}</p>'
    own = {
        "event": "PointsMatured",
        "language": "en",
        "subject": "{member_name}",
        "text": "{member_name}",
        "html": html,
    }
    put_templates(bench, templates=[own])
    bench.tell(event(member_id, 3))
    simple = bench.post.sent[0]["Content"]["Simple"]
    assert "<img" not in simple["Body"]["Html"]["Data"]
    assert "&quot;&gt;&lt;img" in simple["Body"]["Html"]["Data"]
    assert simple["Subject"]["Data"] == name
    assert simple["Body"]["Text"]["Data"].startswith(name)


# --- What is not sent -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wish", "outcome"),
    [
        ({"notifications": False}, "mail_unsubscribed"),
        ({"email": None}, "mail_no_address"),
        ({"status": "frozen"}, "mail_member_inactive"),
        ({"status": "closed"}, "mail_member_inactive"),
    ],
)
def test_who_is_not_to_be_mailed_is_not(
    wish: Json, outcome: str, bench: Bench, member_id: str
) -> None:
    path = {"member_id": member_id}
    changed = bench.deployed.ask("PATCH /members/{member_id}", path=path, body=wish, key="w")
    assert changed.status == 200
    assert bench.tell(event(member_id, 3)) == []
    assert bench.outcomes == [outcome]
    assert (bench.post.sent, claims(bench)) == ([], {})


def test_nobody_is_mailed_about_a_person_who_was_erased(bench: Bench, member_id: str) -> None:
    erased = bench.deployed.ask(
        "DELETE /members/{member_id}", ADMIN, path={"member_id": member_id}, key="e"
    )
    assert erased.status == 200
    bench.tell(event(member_id, 3), event("mbr_nobody", 1))
    assert bench.outcomes == ["mail_member_inactive"] * 2
    assert bench.post.sent == []


def test_what_is_three_days_old_is_no_news(bench: Bench, member_id: str) -> None:
    bench.deployed.clock.move(days=3, seconds=1)
    bench.tell(event(member_id, 3))
    assert (bench.outcomes, bench.post.sent) == (["mail_too_old"], [])


def test_a_template_that_is_switched_off_sends_nothing(bench: Bench, member_id: str) -> None:
    off = {
        "event": "PointsMatured",
        "language": "en",
        "subject": "x",
        "text": "x",
        "enabled": False,
    }
    put_templates(bench, templates=[off])
    bench.tell(event(member_id, 3), event(member_id, 2, "PointsAccrued"))
    assert bench.outcomes == ["mail_disabled", "mail_sent"]


def test_without_a_sender_mails_are_off(bench: Bench, member_id: str) -> None:
    bench.deployed.monkeypatch.setenv("EMAIL_SENDER", "none")
    assert bench.tell(event(member_id, 3)) == []
    assert bench.outcomes == ["mails_off"]


def test_a_program_that_only_analyses_mails_nobody(deploy: Deploy) -> None:
    bench = opened(deploy(program(mode="analysis")))
    member_id = bench.deployed.enrol("C-1")
    adjusted = bench.deployed.ask(
        "POST /adjustments", body={"member_id": member_id, "points": 5, "reason": "x"}, key="a"
    )
    assert adjusted.status == 201
    own = {"event": "PointsAdjusted", "language": "en", "subject": "x", "text": "x"}
    put_templates(bench, templates=[own])
    bench.tell(event(member_id, 2, "PointsAdjusted"))
    assert (bench.outcomes, bench.post.sent) == (["mail_analysis"], [])


def test_other_events_are_left_alone_and_what_is_no_event_is_set_aside(
    bench: Bench, member_id: str
) -> None:
    other = event(member_id, 1, "MemberEnrolled")
    wrong: list[Json | str] = [
        "",
        "[]",
        "{}",
        {**event(member_id, 3), "source": "somebody"},
        {**event(member_id, 3), "detail": {"member_id": member_id}},
        event(member_id, 0),
        event("", 3),
    ]
    again = bench.tell(other, *wrong, event(member_id, 3))
    assert again == [f"message-{n}" for n in range(2, 9)]
    assert bench.outcomes == ["ignored", *["refused"] * 7, "mail_sent"]


# --- Quiet hours ----------------------------------------------------------------------------


def quiet(bench: Bench) -> None:
    """Nobody is mailed at seven in the morning of Chicago, which is when these tests play."""
    put_templates(bench, settings={"quiet_hours": {"from": "21:00", "to": "08:00"}})


def received(bench: Bench, sent: Json) -> Json:
    """An event taken off the queue as the event source takes it."""
    bootstrap.sqs().send_message(QueueUrl=bench.queue_url, MessageBody=json.dumps(sent))
    [message] = bootstrap.sqs().receive_message(QueueUrl=bench.queue_url)["Messages"]
    record = records.message(message["Body"], "message-1")
    return {**record, "receiptHandle": message["ReceiptHandle"]}


def test_a_mail_waits_for_the_end_of_the_quiet_hours(bench: Bench, member_id: str) -> None:
    quiet(bench)
    hidden: list[int] = []
    bootstrap.sqs().meta.events.register(
        "provide-client-params.sqs.ChangeMessageVisibility",
        lambda params, **_: hidden.append(params["VisibilityTimeout"]),
    )
    record = received(bench, event(member_id, 3))
    again = failures(bench.deployed.invoke("notifications", records.batch(record)))
    assert again == ["message-1"]
    assert bench.outcomes == ["mail_quiet"]
    assert (bench.post.sent, claims(bench)) == ([], {})
    # It is 7:00 in Chicago.
    assert hidden == [3601]
    bench.deployed.clock.move(seconds=hidden[0])
    assert failures(bench.deployed.invoke("notifications", records.batch(record))) == []
    assert bench.outcomes == ["mail_sent"]


@pytest.mark.parametrize("received_at_minute", [0, 1, 60, 300, 659, 719])
def test_two_turns_are_enough_for_the_longest_quiet_hours(
    received_at_minute: int, bench: Bench, member_id: str
) -> None:
    """From 20:00 to 08:00, on any minute of them: what is hidden is never hidden three times."""
    put_templates(bench, settings={"quiet_hours": {"from": "20:00", "to": "08:00"}})
    seconds: list[int] = []
    bench.deployed.monkeypatch.setattr(
        bootstrap.sqs(),
        "change_message_visibility",
        lambda **request: seconds.append(request["VisibilityTimeout"]),
    )
    evening = datetime(2026, 9, 6, 1, 0, tzinfo=UTC)
    bench.deployed.clock.now = evening + timedelta(minutes=received_at_minute)
    turns = 0
    while bench.tell(event(member_id, 3)):
        turns += 1
        assert 0 < seconds[-1] < HALF_A_DAY_SECONDS
        bench.deployed.clock.move(seconds=seconds[-1])
    assert turns <= 2
    assert len(bench.post.sent) == 1


# --- Faults ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "failure",
    [
        refused("TooManyRequestsException", 429),
        refused("LimitExceededException"),
        refused("ServiceUnavailable", 503),
        refused("AccessDeniedException", 403),
        refused("SendingPausedException"),
        ConnectTimeoutError(endpoint_url="https://email"),
    ],
)
def test_what_was_not_sent_comes_again_and_is_sent_then(
    failure: BaseException, bench: Bench, member_id: str
) -> None:
    bench.post.failures.append(failure)
    assert bench.tell(event(member_id, 3)) == ["message-1"]
    assert bench.outcomes == ["mail_not_sent"]
    assert list(claims(bench).values()) == ["open"]
    assert bench.tell(event(member_id, 3)) == []
    assert (bench.outcomes, list(claims(bench).values())) == (["mail_sent"], ["sent"])
    assert len(bench.post.sent) == 1


@pytest.mark.parametrize("code", ["MessageRejected", "BadRequestException"])
def test_what_is_refused_for_good_is_recorded_and_not_tried_again(
    code: str, bench: Bench, member_id: str
) -> None:
    bench.post.failures.append(refused(code))
    assert bench.tell(event(member_id, 3)) == []
    assert bench.deployed.printed.line()["code"] == code
    assert bench.tell(event(member_id, 3)) == []
    assert (bench.outcomes, bench.post.sent) == (["duplicate"], [])
    assert list(claims(bench).values()) == ["rejected"]


@pytest.mark.parametrize(
    "failure",
    [ReadTimeoutError(endpoint_url="https://email"), refused("InternalFailure", 500)],
)
def test_what_may_have_been_sent_is_not_sent_again(
    failure: BaseException, bench: Bench, member_id: str
) -> None:
    bench.post.failures.append(failure)
    assert bench.tell(event(member_id, 3)) == []
    assert bench.tell(event(member_id, 3)) == []
    assert (bench.outcomes, bench.post.sent) == (["mail_unknown"], [])
    assert list(claims(bench).values()) == ["claimed"]


def test_a_worker_that_is_killed_while_it_sends_leaves_no_second_mail(
    bench: Bench, member_id: str
) -> None:
    bench.post.failures.append(KilledError())
    with pytest.raises(KilledError):
        bench.tell(event(member_id, 3))
    assert bench.tell(event(member_id, 3)) == []
    assert (bench.outcomes, bench.post.sent) == (["mail_unknown"], [])


def test_a_worker_that_is_killed_before_it_claims_changes_nothing(
    bench: Bench, member_id: str
) -> None:
    store = services.mail_store()
    bench.deployed.monkeypatch.setattr(store, "claim", killed)
    with pytest.raises(KilledError):
        bench.tell(event(member_id, 3))
    bench.deployed.monkeypatch.undo()
    assert claims(bench) == {}


@pytest.mark.parametrize("read", ["entries", "key"])
def test_what_cannot_be_read_for_a_mail_only_puts_it_off(
    read: str, bench: Bench, member_id: str
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise refused("ThrottlingException")

    with pytest.MonkeyPatch.context() as patched:
        if read == "entries":
            patched.setattr(services.mail_store(), "entries", fails)
        else:
            patched.setattr("points_ledger.service.mailing.token_of", fails)
        assert bench.tell(event(member_id, 3)) == ["message-1"]
    assert list(claims(bench).values()) == ["open"]
    assert bench.tell(event(member_id, 3)) == []
    assert (bench.outcomes, len(bench.post.sent)) == (["mail_sent"], 1)


def killed(_: object) -> None:
    raise KilledError


def test_a_claim_that_was_stored_twice_by_a_retry_is_ones_own(bench: Bench, member_id: str) -> None:
    store = services.mail_store()
    claim = store.claim

    def twice(mine: Any) -> object:  # noqa: ANN401 - a claim
        assert claim(mine) is None
        return claim(mine)

    bench.deployed.monkeypatch.setattr(store, "claim", twice)
    assert bench.tell(event(member_id, 3)) == []
    assert bench.outcomes == ["mail_sent"]


def test_a_mail_that_there_is_no_time_for_comes_again(bench: Bench, member_id: str) -> None:
    assert bench.tell(event(member_id, 3), context=Context(14_000)) == ["message-1"]
    assert (bench.outcomes, bench.post.sent) == (["postponed"], [])


def test_claims_are_forgotten_after_a_month(bench: Bench, member_id: str) -> None:
    bench.tell(event(member_id, 3))
    [item] = [item for key, item in bench.deployed.stored().items() if key.startswith("MAIL#")]
    expires_at = datetime.fromtimestamp(int(item["expires_at_epoch"]["N"]), UTC)
    assert expires_at == NOW + timedelta(days=30)
    assert item["message_id"]["S"] == "mail-1"
