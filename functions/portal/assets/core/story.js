// The parts of a member's story, as portal and console show them alike.

import { bars } from "./chart.js";
import { h } from "./dom.js";
import { atTime, inMonth, label, money, number, onDay, points, signed, waitingFor } from "./format.js";
import { announce, empty, facts, sentence, tag } from "./ui.js";

const MAX_MONTHS_SHOWN = 12;

// ---- What there is

export function figures(balance) {
  const figure = (name, value, hint, kind) =>
    h("div", { class: kind }, h("dt", {}, name), h("dd", {}, number(value), hint && h("p", { class: "hint" }, hint)));
  return h(
    "dl",
    { class: "figures" },
    figure("Available", balance.available, `worth ${money(balance.value)}`, "main"),
    figure("Pending", balance.pending, "earned, not yet available"),
    figure("Reserved", balance.reserved, "set aside for redemptions"),
    balance.debt > 0 && figure("Debt", balance.debt, "repaid by the next points"),
  );
}

// Which points end when, by month; lots that never end are one bar.
export function expiring(lots) {
  if (!lots.length) return empty("There are no points that could expire.");
  const months = [...Map.groupBy(lots, (lot) => lot.last_day?.slice(0, 7) ?? "never")];
  const shown = months.slice(0, MAX_MONTHS_SHOWN).map(([month, of]) => [month, sum(of)]);
  const rest = months.slice(MAX_MONTHS_SHOWN).flatMap(([, of]) => of);
  if (rest.length) shown.push(["later", sum(rest)]);
  const [first] = lots;
  return bars({
    title: "Points by the month in which they expire",
    summary: first.last_day
      ? `${points(first.points)} can be used through ${onDay(first.last_day)}; ${points(sum(lots))} in all.`
      : `${points(sum(lots))} never expire.`,
    labelled: "Month",
    labels: shown.map(([month]) => (/\d/.test(month) ? inMonth(month) : month)),
    series: [{ name: "Points", values: shown.map(([, count]) => count) }],
    write: number,
  });
}

const sum = (lots) => lots.reduce((total, lot) => total + lot.points, 0);

// ---- What is coming

export function pendingList(earnings) {
  if (!earnings.length) return empty("Nothing is pending.");
  return h("ul", { class: "list" }, earnings.map((each) =>
    h(
      "li",
      {},
      h("div", { class: "row" }, h("span", {}, sourceName(each.source)), h("span", { class: "amount" }, points(each.points))),
      h("p", { class: "hint" }, waits(each)),
    )));
}

function waits({ waiting_for: reasons, matures_at: maturesAt, since }) {
  const what = reasons.length ? `Waits for ${waitingFor(reasons)}` : "Becomes available soon";
  const when = maturesAt ? `, available on ${atTime(maturesAt)} if nothing else is missing` : "";
  return `${what}${since ? `, since ${atTime(since)}` : ""}${when}.`;
}

// ---- What happened

const TYPES = {
  enrolment: "Enrolled",
  accrual: "Earned",
  maturation: "Became available",
  reversal: "Taken back",
  lapse: "Lapsed",
  redemption: "Redeemed",
  reservation: "Reserved",
  capture: "Reserved points spent",
  release: "Reserved points released",
  expiry: "Expired",
  notice: "Warned of expiry",
  extension: "Kept longer",
  adjustment: "Adjusted",
  transfer: "Transferred",
  merge: "Merged",
  forfeit: "Forfeited",
  opening: "Opening balance",
  change: "Details changed",
};

export const entryTypes = Object.entries(TYPES);

export const typeName = (type) => TYPES[type] ?? label(type);

export const sourceName = (source) => `${label(source.kind)} ${source.id} (${source.system})`;

// One entry: what it changed, why, and the rule's own words. `isDetailed` adds what staff look for.
export function entryItem(entry, { isDetailed = false } = {}) {
  return h(
    "li",
    {},
    h("div", { class: "row" }, h("strong", {}, typeName(entry.type)), h("span", { class: "amount" }, changes(entry))),
    h("p", { class: "hint" }, `${atTime(entry.at)} · ${points(entry.balance.available)} available afterwards`),
    entry.source && h("p", {}, sourceName(entry.source)),
    reasonOf(entry) && h("p", {}, `Reason: ${reasonOf(entry)}`),
    entry.rules.length > 0 && h("ul", { class: "rules" }, entry.rules.map((rule) =>
      h("li", {}, `${signed(rule.points)}: ${rule.sentence ?? label(rule.id)}`))),
    isDetailed && h("details", {}, h("summary", {}, `Entry ${entry.entry}`), facts(details(entry))),
  );
}

// What somebody wrote, or else the code; an adjustment's own name is no reason.
const reasonOf = ({ type, reason, reason_text: text }) => text ?? (reason === type ? null : reason && words(reason));

// A code such as "earned_on_same_ticket" as words; what a person wrote stays as it is.
export const words = (text) => (/^[a-z0-9]+(_[a-z0-9]+)+$/.test(text) ? label(text) : text);

const SHORT = [
  ["available", "available"],
  ["pending", "pending"],
  ["reserved", "reserved"],
  ["debt", "debt"],
];

function changes(entry) {
  const changed = SHORT.filter(([name]) => entry[name] !== 0);
  return changed.map(([name, text], index) => [
    index > 0 && " · ",
    h("span", { class: name === "available" ? (entry[name] < 0 ? "minus" : "plus") : "hint" }, `${signed(entry[name])} ${text}`),
  ]);
}

const details = (entry) => [
  ["Recorded", atTime(entry.recorded_at)],
  ["Program version", entry.program_version === null ? null : String(entry.program_version)],
  ["By", entry.actor],
  ["Lots", Object.entries(entry.lots).map(([day, count]) => `${signed(count)} until ${day === "never" ? day : onDay(day)}`).join("; ") || null],
  ["Balance after", SHORT.map(([name, text]) => `${number(entry.balance[name])} ${text}`).join(", ")],
  ...Object.entries(entry.details ?? {}).map(([name, value]) => [label(name), value]),
  ["Hash", h("code", {}, entry.hash.slice(0, 16))],
];

// ---- Lists that go on

// A list with a button for more. `draw(item)` makes one <li>; `next(cursor)` answers { items, cursor }.
export function paged({ items, cursor, draw, next, none }) {
  const list = h("ul", { class: "list" }, items.map(draw));
  const nothing = empty(none);
  const more = h("button", { type: "button", onclick: onMore }, "Show more");
  const element = h("div", {}, list, nothing, more);
  settle();

  async function onMore() {
    if (more.disabled) return;
    more.disabled = true;
    try {
      const page = await next(cursor);
      ({ cursor } = page);
      const added = page.items.map(draw);
      list.append(...added);
      announce(added.length === 1 ? "One more is shown" : `${added.length} more are shown`);
      if (cursor === null) focusOn(added[0] ?? list);
    } catch (error) {
      announce(sentence(error), "failed");
    } finally {
      more.disabled = false;
      settle();
    }
  }

  function settle() {
    more.hidden = cursor === null;
    nothing.hidden = list.childElementCount > 0 || cursor !== null;
    list.hidden = list.childElementCount === 0;
  }

  return element;
}

function focusOn(element) {
  element.setAttribute("tabindex", "-1");
  element.focus();
}

// ---- States of redemptions and requests

const GOOD = new Set(["completed", "approved", "active", "used"]);
const BAD = new Set(["rejected", "cancelled", "timed_out", "expired", "frozen", "closed", "erased", "merged"]);

export const statusTag = (status) => tag(label(status), GOOD.has(status) ? "good" : BAD.has(status) ? "bad" : "");
