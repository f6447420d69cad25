"""Every sample delivery is read as its name says, and docs/providers.md says what comes out."""

import json
import re
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import pytest

from points_ledger.adapters.providers import (
    PROVIDERS,
    Complete,
    IncompletePayloadError,
    PrivacyRequestError,
)
from points_ledger.contracts.messages import decode, encode
from points_ledger.domain.error import InvalidRequestError
from points_ledger.domain.fact import Earner, Fact, PurchasePosted
from points_ledger.domain.identity import ExternalId, MemberId
from tests.unit.providers.payloads import REPOSITORY, SAMPLES, money, read, sample, topic_of

REFUSED = {
    "stripe_invoice_finalized_rejected": "data.object.lines.data.1.amount",
    "stripe_invoice_finalized_malformed": "body",
    "square_order_updated_rejected": "data.object.order.line_items.1.total_money.amount",
    "square_order_updated_malformed": "body",
    "square_payment_updated_rejected": "data.object.payment.amount_money.currency",
    "shopify_orders_create_rejected": "line_items.0.quantity",
    "shopify_orders_create_malformed": "body",
    "standard_purchase_posted_rejected": "data.purchase.total",
    "standard_purchase_posted_malformed": "body",
    "standard_purchase_paid_rejected": "data.payment.amount",
}
SILENT = {
    "stripe_charge_refunded_ok",
    "stripe_customer_deleted_ok",
    "stripe_invoice_marked_uncollectible_ok",
    "stripe_product_created_ignored",
    "square_payment_created_approved",
    "square_refund_created_pending",
    "square_invoice_updated_scheduled",
    "square_invoice_payment_made_partial",
    "square_invoice_refunded_ok",
    "square_customer_deleted_ok",
    "square_payout_sent_ignored",
    "shopify_orders_edited_ok",
    "shopify_orders_partially_fulfilled_ok",
    "shopify_orders_fulfilled_ok",
    "shopify_refunds_create_shipping",
    "shopify_order_transactions_create_authorization",
    "shopify_customers_delete_ok",
    "shopify_customers_merge_failed",
    "shopify_products_create_ignored",
}
FOR_A_PERSON = {
    "shopify_customers_data_request_ok": "customers/data_request:7710000029001",
    "shopify_customers_redact_ok": "customers/redact:7710000029001",
    "shopify_shop_redact_ok": "shop/redact:954000101",
}
CUT_OFF = {
    "stripe_invoice_finalized_cut_off",
    "square_order_created_cut_off",
    "square_order_updated_cut_off",
    "square_order_fulfillment_updated_cut_off",
    "square_invoice_published_cut_off",
    "square_invoice_updated_cut_off",
}
READABLE = sorted(
    {path.stem for path in SAMPLES.iterdir()} - REFUSED.keys() - CUT_OFF - FOR_A_PERSON.keys()
)


def _read(name: str, complete: Complete | None = None) -> tuple[Fact, ...]:
    return read(name.partition("_")[0], sample(name), complete, topic=topic_of(name))


@pytest.mark.parametrize("name", READABLE)
def test_sample_becomes_facts_that_travel(name: str) -> None:
    facts = _read(name)
    assert bool(facts) is (name not in SILENT)
    assert tuple(decode(encode(fact)) for fact in facts) == facts


@pytest.mark.parametrize(("name", "field"), sorted(REFUSED.items()))
def test_sample_is_refused_at_the_field(name: str, field: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        _read(name)
    assert [error.field for error in caught.value.errors] == [field]


@pytest.mark.parametrize("name", sorted(CUT_OFF))
def test_sample_is_incomplete(name: str) -> None:
    with pytest.raises(IncompletePayloadError):
        _read(name)


@pytest.mark.parametrize(("name", "subject"), sorted(FOR_A_PERSON.items()))
def test_sample_is_for_a_person_to_decide(name: str, subject: str) -> None:
    with pytest.raises(PrivacyRequestError) as caught:
        _read(name)
    assert (caught.value.code, caught.value.subject) == ("privacy_request", subject)


def test_samples_are_named_after_what_they_hold() -> None:
    for name in READABLE:
        provider, _, rest = name.partition("_")
        type_ = _type_of(name)
        assert provider in PROVIDERS
        assert rest.startswith(re.sub("[./]", "_", type_) + "_"), name


@pytest.mark.parametrize("name", sorted(name for name in READABLE if name.endswith("_duplicate")))
def test_a_duplicate_is_the_same_delivery_again(name: str) -> None:
    assert sample(name) != sample(name.replace("_duplicate", "_ok"))
    assert _read(name) == _read(name.replace("_duplicate", "_ok"))


def test_old_and_new_shape_of_one_invoice_are_one_snapshot() -> None:
    newer, older = _read("stripe_invoice_paid_ok"), _read("stripe_invoice_paid_before_2025")
    assert older[:2] == newer
    posted = newer[0]
    assert isinstance(posted, PurchasePosted)
    assert [
        (line.item, line.product, line.category, line.amount) for line in posted.snapshot.lines
    ] == [
        ("price_1TktOriginal", "prod_TktTranscript", "original", money("1200.00")),
        ("price_1TktMug", "prod_TktMug", "retail", money("10.00")),
    ]
    assert posted.snapshot.total == money("1210.80")


def test_who_earns_in_the_samples() -> None:
    dana = ExternalId(source="stripe", id="cus_TktDana01")
    shopper = ExternalId(source="shopify", id="7710000029001")
    expected = {
        "stripe_invoice_finalized_ok": Earner(external_id=dana),
        "stripe_invoice_updated_ok": Earner(external_id=dana, member_id=MemberId("M-1001")),
        "shopify_orders_create_ok": Earner(external_id=shopper),
        "shopify_orders_updated_ok": Earner(external_id=shopper, member_id=MemberId("M-1001")),
        "standard_purchase_posted_ok": Earner(external_id=ExternalId(source="pos", id="C-88")),
        "standard_purchase_posted_copy_order": Earner(
            external_id=ExternalId(source="pos", id="C-88")
        ),
    }
    for name, earner in expected.items():
        (posted,) = _read(name)
        assert isinstance(posted, PurchasePosted)
        assert posted.snapshot.earner == earner


def _type_of(name: str) -> str:
    topic = topic_of(name)
    if topic is not None:
        return topic
    found = re.search(rb'"type": "([a-z_]+(?:\.[a-z_]+)+)"', sample(name))
    assert found is not None
    return found[1].decode()


def _square_orders(path: str) -> Mapping[str, object]:
    """Square's API, which knows the orders that are whole in the samples."""
    for name in ("square_order_updated_ok", "square_order_updated_returned"):
        order: Mapping[str, object] = json.loads(sample(name))["data"]["object"]["order"]
        if path == f"/v2/orders/{order['id']}":
            return {"order": order}
    raise LookupError(path)


def _documented(provider: str) -> dict[str, set[str]]:
    """Event type → facts, from the table in the provider's section of docs/providers.md."""
    text = Path(REPOSITORY / "docs" / "providers.md").read_text()
    section = text.partition(f"\n## {provider.title()}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z_./]+)` \| ([^|]*) \|", section, flags=re.MULTILINE)
    assert len({type_ for type_, _ in rows}) == len(rows)
    return {type_: set(re.findall(r"`(\w+)`", facts)) for type_, facts in rows}


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
class TestDocument:
    def test_lists_the_event_types_in_the_order_of_the_module(self, provider: str) -> None:
        assert list(_documented(provider)) == list(PROVIDERS[provider].events)

    def test_names_the_facts_that_the_samples_become(self, provider: str) -> None:
        seen: defaultdict[str, set[str]] = defaultdict(set)
        complete = _square_orders if provider == "square" else None
        for name in [*READABLE, *(CUT_OFF if complete else ())]:
            if name.startswith(f"{provider}_") and not name.endswith("_ignored"):
                facts = _read(name, complete)
                seen[_type_of(name)] |= {type(fact).__name__ for fact in facts}
        seen |= {_type_of(name): set() for name in FOR_A_PERSON if name.startswith(provider)}
        assert dict(seen) == _documented(provider)
