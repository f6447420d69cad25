"""The program in the console: reading it, drafting, comparing, backtesting and publishing."""

import json
import random
from datetime import timedelta

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import NARROW, NewVisitor
from tests.browser.visitor import MAX_CALLS_PER_PAGE, Visitor, account_of
from tests.stack.client import StackClient, now

pytestmark = pytest.mark.stack

DIFFERENCES = """async (pairs) => {
    const main = document.querySelector("script[type=module]").src;
    const { difference } = await import(main.replace("main.js", "difference.js"));
    return pairs.map(([before, after]) => difference(before, after));
}"""


def _drafting(visitor: Visitor) -> Locator:
    """An admin at the draft; what is typed."""
    visitor.enter("console", account_of(visitor.stack, "admin"))
    visitor.go("/program/draft")
    return visitor.page.get_by_label("Program document")


def _document(area: Locator) -> dict[str, object]:
    document = json.loads(area.input_value())
    assert isinstance(document, dict)
    return document


def test_staff_read_the_rules_in_plain_words_and_cannot_change_them(visitor: Visitor) -> None:
    visitor.enter("console", account_of(visitor.stack, "staff"))
    visitor.go("/program")

    expect(visitor.page.get_by_role("heading", name="the rules in force")).to_be_visible()
    expect(visitor.page.get_by_text("Rules are changed by an administrator.")).to_be_visible()
    expect(visitor.page.get_by_role("link", name="Change the rules")).to_have_count(0)
    assert visitor.violations() == []


def test_an_admin_reads_the_versions_and_what_each_says(visitor: Visitor) -> None:
    visitor.enter("console", account_of(visitor.stack, "admin"))
    visitor.go("/program")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls

    visitor.page.get_by_role("button", name="Show version 1", exact=True).click()

    expect(visitor.page.get_by_role("dialog", name="Version 1")).to_contain_text('"Acme Rewards"')
    assert visitor.violations() == []
    visitor.page.keyboard.press("Escape")
    expect(visitor.page.get_by_role("dialog")).to_have_count(0)


def test_what_is_wrong_in_a_draft_is_shown_at_its_line_while_typing(visitor: Visitor) -> None:
    area = _drafting(visitor)
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    status = visitor.page.get_by_text("This draft can be published.")
    expect(status).to_be_visible()
    document = _document(area)
    rules = document["earning_rules"]
    assert isinstance(rules, list)
    rules[1]["points"] = -1
    text = json.dumps(document, indent=2)
    line = 1 + text[: text.index('"points": -1')].count("\n")

    area.fill(text)
    error = visitor.page.get_by_role("button", name=f"Line {line}", exact=True)
    expect(error).to_be_visible()
    expect(visitor.page.get_by_text("earning_rules.1.points")).to_be_visible()
    expect(visitor.page.get_by_role("button", name="Publish")).to_be_disabled()
    expect(visitor.page.get_by_role("button", name="Run the backtest")).to_be_disabled()
    error.click()

    selected = area.evaluate("each => each.value.slice(each.selectionStart, each.selectionEnd)")
    assert selected == "-1"
    assert visitor.violations() == []
    area.fill(text.replace('"points": -1', '"points": 1'))
    expect(status).to_be_visible()


def test_a_document_that_is_no_json_is_shown_at_its_line_and_sent_nowhere(
    visitor: Visitor,
) -> None:
    area = _drafting(visitor)
    lines = area.input_value().split("\n")
    visitor.calls.clear()

    area.fill("\n".join([*lines[:3], "  nonsense,", *lines[3:]]))

    expect(visitor.page.get_by_role("button", name="Line 4", exact=True)).to_be_visible()
    expect(visitor.page.get_by_text("A name in double quotes was expected")).to_be_visible()
    assert visitor.calls == []


def test_a_draft_is_compared_with_what_is_in_force(visitor: Visitor) -> None:
    area = _drafting(visitor)
    expect(visitor.page.get_by_text("The draft says what version")).to_be_visible()
    document = _document(area)
    document["name"] = "<img src=x onerror=alert(1)>"
    rules = document["earning_rules"]
    assert isinstance(rules, list)
    rules[1]["points"] = 2

    area.fill(json.dumps(document, indent=2))

    changes = visitor.page.get_by_role("region", name="What changes")
    expect(changes.get_by_role("heading", name="In plain words")).to_be_visible()
    expect(changes.locator(".sentences del").first).to_be_visible()
    expect(changes.locator("tr.added")).to_have_count(2)
    expect(changes.locator("tr.removed")).to_have_count(2)
    expect(changes.locator("tr.added").first).to_contain_text("<img src=x onerror=alert(1)>")
    assert visitor.page.locator("main img").count() == 0
    visitor.screenshot("console_draft")
    assert visitor.violations() == []


def test_a_draft_outlives_a_reload_until_one_starts_again(visitor: Visitor) -> None:
    area = _drafting(visitor)
    original = area.input_value()
    visitor.go("/program/draft?from=1")
    assert 0 < len(visitor.calls) <= MAX_CALLS_PER_PAGE, visitor.calls
    document = _document(area) | {"name": "Half done"}
    area.fill(json.dumps(document))
    expect(visitor.page.get_by_role("heading", name="Line by line")).to_be_visible()

    visitor.page.reload()
    visitor.settle()
    expect(area).to_have_value(json.dumps(document))
    visitor.page.get_by_role("button", name="Start again").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Start again").click()

    expect(area).to_have_value(original)


def test_a_draft_is_backtested_before_it_is_published(
    visitor: Visitor, ledger: StackClient
) -> None:
    ledger.rich_member(30)
    area = _drafting(visitor)
    document = _document(area)
    rules = document["earning_rules"]
    assert isinstance(rules, list)
    rules[0]["points"] = 6
    area.fill(json.dumps(document, indent=2))
    expect(visitor.page.get_by_text("This draft can be published.")).to_be_visible()

    visitor.page.get_by_role("button", name="Run the backtest").click()

    backtest = visitor.page.get_by_role("region", name="Backtest")
    expect(backtest.get_by_text("Points issued")).to_be_visible(timeout=60_000)
    expect(backtest.get_by_role("img", name="Points by rule")).to_be_visible()
    expect(backtest.get_by_role("heading", name="Who would gain most")).to_be_visible()
    visitor.screenshot("console_backtest")
    assert visitor.violations() == []


def test_a_draft_is_published_once_and_listed(visitor: Visitor) -> None:
    area = _drafting(visitor)
    document = _document(area)
    area.fill(json.dumps({**document, "name": "Published by a test"}))
    expect(visitor.page.get_by_text("This draft can be published.")).to_be_visible()
    begins = now() + timedelta(days=3650)
    visitor.page.get_by_label("In force from").fill(begins.strftime("%Y-%m-%dT%H:%M"))
    visitor.calls.clear()

    visitor.page.get_by_role("button", name="Publish").dblclick()
    dialog = visitor.page.get_by_role("dialog", name="Publish this draft?")
    assert visitor.violations() == []
    dialog.get_by_role("button", name="Publish").click()

    expect(visitor.page.get_by_role("heading", name="Program", exact=True)).to_be_visible()
    expect(visitor.page.get_by_role("row").nth(1)).to_contain_text("scheduled")
    assert visitor.calls.count("POST /program/versions") == 1


def test_a_version_cannot_begin_in_the_past_and_the_draft_stays(visitor: Visitor) -> None:
    area = _drafting(visitor)
    text = area.input_value().replace("Acme Rewards", "Never published")
    area.fill(text)
    expect(visitor.page.get_by_text("This draft can be published.")).to_be_visible()
    begins = visitor.page.get_by_label("In force from")
    begins.fill("2020-01-01T00:00")

    visitor.page.get_by_role("button", name="Publish").click()
    visitor.page.get_by_role("dialog").get_by_role("button", name="Publish").click()

    expect(begins).to_have_attribute("aria-invalid", "true")
    expect(area).to_have_value(text)


def test_differences_lead_from_one_text_to_the_other_by_the_fewest_lines(
    visitor: Visitor,
) -> None:
    visitor.open("console")
    drawn = random.Random(5)  # noqa: S311 - the same texts in every run
    pairs = [
        [[drawn.choice("abcd") for _ in range(drawn.randrange(12))] for _ in range(2)]
        for _ in range(300)
    ]

    found = visitor.page.evaluate(DIFFERENCES, pairs)

    for (before, after), steps in zip(pairs, found, strict=True):
        assert [each["text"] for each in steps if each["kind"] != "added"] == before
        assert [each["text"] for each in steps if each["kind"] != "removed"] == after
        kept = sum(each["kind"] == "same" for each in steps)
        assert kept == _longest_in_common(before, after)


def _longest_in_common(one: list[str], other: list[str]) -> int:
    """How many lines two texts have in common, in the same order."""
    lengths = [0] * (len(other) + 1)
    for each in one:
        before = lengths
        lengths = [0]
        for place, its in enumerate(other):
            longer = before[place] + 1 if each == its else max(lengths[place], before[place + 1])
            lengths.append(longer)
    return lengths[-1]


def test_the_draft_fits_a_phone(new_visitor: NewVisitor) -> None:
    visitor = new_visitor(size=NARROW)
    _drafting(visitor)

    wide = visitor.page.evaluate("document.documentElement.scrollWidth")

    assert wide <= NARROW[0]
    assert visitor.violations() == []
