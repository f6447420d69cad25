// What the member has, what it waits for, what expires when, and what happened last.

import { get, post } from "../core/api.js";
import { bars, progress } from "../core/chart.js";
import { h, replace } from "../core/dom.js";
import { atTime, inMonth, label, money, number, onDay, points, waitingFor, worth } from "../core/format.js";
import { theProgram } from "../core/frame.js";
import { announce, confirm, empty, facts, keepFresh, section, tag } from "../core/ui.js";
import { actButton } from "./act.js";
import { entryItem } from "./history.js";
import { missing, plainly, redemptionName, state } from "./words.js";

export const title = "Overview";

const REFRESH_SECONDS = 10;
const MONTHS_SHOWN = 12;

export async function show(page, { signal }) {
  const [program, first] = await Promise.all([theProgram(), get("members/me/overview")]);
  const parts = { figures: h("div", {}), rest: h("div", { class: "page" }) };
  replace(page, parts.figures, parts.rest);
  let shown = null;
  const refresh = async () => {
    const found = await get("members/me/overview");
    if (!signal.aborted) draw(found);
  };
  const draw = (found) => {
    if (shown && same(found, shown)) return;
    if (shown) tell(found.balance, shown.balance);
    replace(parts.figures, figures(found.balance));
    // What somebody is reading or reaching for stays as it is where it has not changed.
    if (!shown || !same({ ...found, balance: null }, { ...shown, balance: null }) || !same(found.balance.lots, shown.balance.lots)) {
      replace(parts.rest, rest(found, program, refresh));
    }
    shown = found;
  };
  draw(first);
  keepFresh(() => refresh().catch(() => {}), { seconds: REFRESH_SECONDS, signal });
}

// The moment of an answer is no change of what it says.
const same = (one, other) => text(one) === text(other);

const text = (value) => JSON.stringify(value, (name, inner) => (name === "as_of" ? undefined : inner));

function tell(now, before) {
  const changed = ["available", "pending", "reserved"].filter((name) => now[name] !== before[name]);
  if (changed.length) announce(changed.map((name) => `${label(name)}: ${points(now[name])}`).join(", "));
}

const figures = (balance) =>
  h(
    "dl",
    { class: "figures" },
    figure("Available", number(balance.available), `worth ${money(balance.value)}`, "main"),
    figure("Pending", number(balance.pending), "earned, not yet spendable"),
    figure("Reserved", number(balance.reserved), "set aside for something open"),
    balance.debt > 0 && figure("To be made up", number(balance.debt), "taken back after they were spent"),
  );

const figure = (term, value, hint, kind) =>
  h("div", { class: kind }, h("dt", {}, term), h("dd", {}, value, h("p", { class: "hint" }, hint)));

const rest = (found, program, refresh) => [
  h(
    "div",
    { class: "columns" },
    h("div", { class: "page" }, pending(found.pending, program), open(found, refresh)),
    h("div", { class: "page" }, expiring(found.balance, program), tier(found.benefits, program)),
  ),
  recent(found.entries),
  games(found.progress, program),
];

// ---- What is pending

function pending({ earnings, cursor }, program) {
  if (!earnings.length) return section("Pending", empty("Nothing is pending."));
  return section(
    "Pending",
    h("ul", { class: "list" }, earnings.map((each) => h("li", {}, pendingItem(each, program)))),
    cursor && h("p", { class: "hint" }, "The oldest are shown."),
  );
}

const pendingItem = (earning, program) => [
  h("div", { class: "row" }, h("strong", {}, `${label(earning.source.kind)} ${earning.source.id}`), h("span", { class: "amount" }, points(earning.points))),
  h("p", { class: "hint" }, waits(earning), program.mode === "analysis" ? "" : earning.since ? ` Since ${atTime(earning.since)}.` : ""),
];

function waits(earning) {
  if (earning.matures_at) return `Available from ${atTime(earning.matures_at)}.`;
  return earning.waiting_for.length ? `Waits for ${waitingFor(earning.waiting_for)}.` : "Becomes available soon.";
}

// ---- What expires

function expiring(balance, program) {
  const lots = balance.lots.filter((each) => each.points > 0);
  if (!lots.length) return section("What expires when", empty("There are no available points."));
  const dated = lots.filter((each) => each.last_day !== null);
  const lasting = lots.filter((each) => each.last_day === null).reduce((sum, each) => sum + each.points, 0);
  const forever = lasting > 0 && h("p", {}, `${points(lasting)} never expire.`);
  if (!dated.length) return section("What expires when", forever);
  const months = byMonth(dated);
  const shown = months.slice(0, MONTHS_SHOWN);
  const [next] = dated;
  const summary = `${points(next.points)}, worth ${money(worth(next.points, program.point_value, program.currency))}, are good through ${onDay(next.last_day)}${
    dated.length > 1 ? `; the last of the others through ${onDay(dated.at(-1).last_day)}` : ""
  }.`;
  return section(
    "What expires when",
    bars({
      title: "Points by the month in which they expire",
      summary,
      labelled: "Month",
      labels: shown.map(([month]) => inMonth(month)),
      series: [{ name: "Points", values: shown.map(([, sum]) => sum) }],
      write: number,
    }),
    months.length > shown.length && h("p", { class: "hint" }, `The next ${MONTHS_SHOWN} months are shown.`),
    forever,
  );
}

function byMonth(lots) {
  const sums = new Map();
  for (const { points: count, last_day: day } of lots) {
    const month = day.slice(0, 7);
    sums.set(month, (sums.get(month) ?? 0) + count);
  }
  return [...sums].sort(([one], [other]) => (one < other ? -1 : 1));
}

// ---- What is open

function open({ redemptions, requests }, refresh) {
  const waiting = requests.requests.filter((each) => each.status === "pending" && each.kind === "transfer");
  if (!redemptions.length && !waiting.length) return section("Open", empty("Nothing is reserved, and nothing waits for approval."));
  return section(
    "Open",
    h("ul", { class: "list" }, redemptions.map((each) => h("li", {}, openItem(each, refresh))), waiting.map((each) => h("li", {}, transferItem(each)))),
  );
}

function openItem(redemption, refresh) {
  const [name, kind] = state(redemption.status);
  const what = `${points(redemption.points)} (${money({ amount: redemption.amount, currency: redemption.currency })})`;
  return [
    h("div", { class: "row" }, h("strong", {}, redemptionName(redemption.kind)), h("span", { class: "amount" }, what)),
    h("p", { class: "hint" }, tag(name, kind), ` until ${atTime(redemption.expires_at)}`),
    h("div", { class: "actions" }, cancelButton(redemption.redemption_id, what, refresh)),
  ];
}

// Gives a reservation up, after a question.
export const cancelButton = (id, what, done) =>
  actButton({
    text: "Cancel",
    attributes: { "aria-label": `Cancel ${what}` },
    send: async (key) =>
      (await confirm({ title: "Cancel this?", text: `${what} go back to your available points.`, yes: "Yes, cancel" }))
        ? plainly(post(`redemptions/${encodeURIComponent(id)}/cancel`, {}, key))
        : null,
    done: async () => {
      announce("Cancelled. The points are available again.");
      await done();
    },
  });

const transferItem = (request) => [
  h("div", { class: "row" }, h("strong", {}, "Transfer"), h("span", { class: "amount" }, points(request.points))),
  h("p", { class: "hint" }, tag("Waiting for approval"), ` until ${atTime(request.expires_at)}`),
];

// ---- Tier, challenges

function tier(benefits, program) {
  if (!program.tiers.length) return null;
  const { progress: way } = benefits;
  const next = program.tiers.find((each) => each.id === way.next_tier);
  return section(
    "Tier",
    facts([
      ["Your tier", benefits.tier ? label(benefits.tier) : "None yet"],
      benefits.tier_until && ["At least until", onDay(benefits.tier_until)],
      ["Purchases earn", `${Number(benefits.multiplier)} times the points`],
    ].filter(Boolean)),
    next &&
      progress({
        label: `On the way to ${label(next.id)}`,
        share: way.qualifying_points / next.points,
        text: `${number(way.qualifying_points)} of ${number(next.points)} qualifying points: ${missing(way)}`,
      }),
    !next && h("p", {}, "There is no higher tier."),
    benefits.benefits.length > 0 && [h("h3", {}, "What it gives you"), h("ul", {}, benefits.benefits.map((each) => h("li", {}, each.description)))],
  );
}

function games({ challenges, streaks }, program) {
  const sentences = new Map([...program.challenges, ...program.streaks].map((each) => [each.id, each.sentence]));
  const items = [...challenges, ...streaks].map((each) =>
    h("li", {}, progress({
      label: label(each.id),
      share: each.count / each.of,
      text: `${number(each.count)} of ${number(each.of)}${each.won ? ", won" : ""}. ${sentences.get(each.id) ?? ""}`,
    })));
  return items.length > 0 && section("Challenges", h("ul", { class: "list" }, items));
}

// ---- What happened last

const RECENT = 5;

const recent = ({ entries }) =>
  section(
    "What happened last",
    h("ul", { class: "list" }, entries.slice(0, RECENT).map(entryItem)),
    h("p", {}, h("a", { href: "#/history" }, "The whole history")),
  );
