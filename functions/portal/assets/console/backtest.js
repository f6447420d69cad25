// What a draft would have given, on what really happened, before it is published.

import { get, post } from "../core/api.js";
import { progress, rows } from "../core/chart.js";
import { h, replace } from "../core/dom.js";
import { counted, label, money, number, signed } from "../core/format.js";
import { empty, failure, field, form, input, section, table } from "../core/ui.js";

const LOOK_EVERY_MILLISECONDS = 1_500;
const MAX_LOOKS = 2_400;
const DAYS_BACK = 90;
const MAX_RULES_DRAWN = 12;

// `judged` tells whether the draft is valid, `document()` is the draft.
export function backtest({ judged, document: draft, signal }) {
  const outcome = h("div", { class: "outcome" });
  const element = form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field("From", input("from", { type: "date", required: true, value: day(-DAYS_BACK) })),
        field("To", input("to", { type: "date", required: true, value: day(1) }), "This day is not in it."),
      ),
    ],
    submit: "Run the backtest",
    send: ({ from, to }, key) => post("program/simulations", { program: draft(), from, to }, key),
    done: ({ simulation_id: id }) => follow(id, outcome, signal),
  });
  const button = element.querySelector("button[type=submit]");
  button.disabled = true;
  judged.addEventListener("judged", ({ detail: isValid }) => (button.disabled = !isValid));
  return section(
    "Backtest",
    h("p", {}, "Values what was really bought and done in a period by the draft, beside what was given. It changes nothing."),
    element,
    outcome,
  );
}

function day(offset) {
  const at = new Date();
  at.setDate(at.getDate() + offset);
  return [at.getFullYear(), at.getMonth() + 1, at.getDate()].map((each) => String(each).padStart(2, "0")).join("-");
}

async function follow(id, outcome, signal) {
  try {
    for (let look = 0; look < MAX_LOOKS && !signal.aborted; look += 1) {
      const backtested = await get(`program/simulations/${encodeURIComponent(id)}`);
      if (backtested.status === "done") return void replace(outcome, result(backtested.result));
      if (backtested.status === "failed") return void replace(outcome, failure(new Error(`It failed: ${label(backtested.reason)}.`)));
      waiting(outcome, backtested.progress);
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MILLISECONDS));
    }
  } catch (error) {
    replace(outcome, failure(error, () => follow(id, outcome, signal)));
  }
}

function waiting(outcome, share) {
  const text = `${Math.round(share * 100)} % of the members`;
  replace(outcome, h("div", { role: "status" }, progress({ label: "Backtest", share, text })));
}

// ---- The result

function result(told) {
  return [
    h("p", { role: "status" }, `${counted(told.earnings, "purchase or action", "purchases and actions")} of ${counted(told.members, "member", "members")}.`),
    figures(told),
    told.by_rule.length ? byRule(told.by_rule) : empty("Nothing was earned in this period."),
    told.tier_moves.length > 0 && moves(told.tier_moves),
    h(
      "div",
      { class: "columns" },
      people("Who would gain most", told.gainers, told.members_gaining),
      people("Who would lose most", told.losers, told.members_losing),
    ),
  ];
}

const figures = ({ points_issued: issued, cost, liability }) =>
  h("dl", { class: "figures" }, [
    figure("Points issued", number(issued.draft), `instead of ${number(issued.actual)}: ${signed(issued.draft - issued.actual)}`),
    figure("They cost", money({ amount: cost.draft, currency: cost.currency }), `instead of ${money({ amount: cost.actual, currency: cost.currency })}`),
    figure(
      "Owed of them",
      number(liability.draft),
      `instead of ${number(liability.actual)}; worth ${money({ amount: liability.amount.draft, currency: liability.amount.currency })}`,
    ),
  ]);

const figure = (name, value, hint) => h("div", {}, h("dt", {}, name), h("dd", {}, value, h("p", { class: "hint" }, hint)));

function byRule(all) {
  const largest = [...all].sort((one, other) => weight(other) - weight(one)).slice(0, MAX_RULES_DRAWN);
  const changed = all.filter((each) => each.actual !== each.draft).length;
  return rows({
    title: "Points by rule",
    summary: `${changed} of ${counted(all.length, "rule", "rules")} would give another number of points.`,
    labels: largest.map((each) => each.id),
    labelled: "Rule",
    series: [
      { name: "Really given", values: largest.map((each) => each.actual) },
      { name: "By the draft", values: largest.map((each) => each.draft) },
    ],
    write: number,
  });
}

const weight = ({ actual, draft }) => Math.max(actual, draft);

const moves = (told) =>
  table({
    caption: "Members who would hold another tier",
    columns: [
      { title: "Really", value: (each) => each.from ?? "none", isHead: true },
      { title: "By the draft", value: (each) => each.to ?? "none" },
      { title: "Members", value: (each) => number(each.members), isNumber: true },
    ],
    rows: told,
  });

function people(caption, changes, count) {
  if (!changes.length) return h("div", {}, h("h3", {}, caption), empty("Nobody."));
  return h(
    "div",
    {},
    h("h3", {}, `${caption} (of ${number(count)})`),
    table({
      caption,
      captionHidden: true,
      columns: [
        { title: "Member", value: (each) => h("a", { href: `#/members/${encodeURIComponent(each.member_id)}` }, each.member_id), isHead: true },
        { title: "Really", value: (each) => number(each.actual), isNumber: true },
        { title: "Draft", value: (each) => number(each.draft), isNumber: true },
        { title: "Change", value: (each) => signed(each.points), isNumber: true },
      ],
      rows: changes,
    }),
  );
}
