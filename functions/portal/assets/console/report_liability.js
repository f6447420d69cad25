// What is owed in points, now or at the end of a day, by month of expiry.

import { bars } from "../core/chart.js";
import { h } from "../core/dom.js";
import { inMonth, money, number, onDay, percent, points } from "../core/format.js";
import { empty, field, input, section, table, tag } from "../core/ui.js";
import { figure, report } from "./reports.js";

export const title = "What is owed";

const MAX_BARS = 36;
const NAMED = { later: "After 2099", never: "Never" };

export const show = (page, { query }) =>
  report({
    page,
    name: "liability",
    asked: { at: query.at, breakage: part(query.percent) },
    fields: [
      field("At the end of", input("at", { type: "date", value: query.at ?? "" }), "Empty: now."),
      field(
        "Breakage in percent",
        input("percent", { type: "number", min: 0, max: 100, step: "0.01", inputmode: "decimal", value: query.percent ?? "" }),
        "The part of the points that will never be redeemed.",
      ),
    ],
    view,
    files: [["Worksheet", {}]],
  });

// "20" percent as the API writes it: "0.2".
const part = (text) => (text ? String(Number((Number(text) / 100).toFixed(6))) : undefined);

function view(told) {
  const worth = (amount) => money({ amount, currency: told.currency });
  const { outstanding, pending, debt } = told;
  return [
    told.at && h("p", {}, `The end of ${onDay(told.at)} `, told.closed && tag("this day is over: the answer stays", "good")),
    h("dl", { class: "figures" }, [
      h("div", { class: "main" }, h("dt", {}, "Outstanding"), h("dd", {}, number(outstanding.points), h("p", { class: "hint" }, `worth ${worth(outstanding.value)}`))),
      figure("Reserve", worth(outstanding.reserve), `with a breakage of ${percent(told.breakage)}`),
      figure("Pending", number(pending.points), `worth ${worth(pending.value)}; may still lapse`),
      figure("Debt of members", number(debt.points), `worth ${worth(debt.value)}; not set against the rest`),
      figure("A point costs", price(told.cost_per_point, told.currency), `expected: ${price(told.expected_cost_per_point, told.currency)}`),
    ]),
    section("When they expire", told.expiring.length ? [drawn(told), listed(told, worth)] : empty("Nothing is outstanding.")),
    told.passed !== 0 && h("p", { class: "hint" }, `${points(told.passed)} of months that are over will be posted as expired within the hour.`),
  ];
}

// A part of a cent is no amount of money: as it is written, with the currency.
const price = (text, currency) => `${text} ${currency}`;

const named = (month) => NAMED[month] ?? inMonth(month);

function drawn({ expiring }) {
  const shown = expiring.slice(0, MAX_BARS);
  const rest = expiring.slice(MAX_BARS).reduce((sum, each) => sum + each.points, 0);
  const labels = shown.map((each) => named(each.month));
  const values = shown.map((each) => each.points);
  if (expiring.length > MAX_BARS) [labels, values].forEach((list, index) => list.push([`From ${named(expiring[MAX_BARS].month)}`, rest][index]));
  const largest = expiring.reduce((one, other) => (other.points > one.points ? other : one));
  return bars({
    title: "Points by month of expiry",
    summary: `Most points, ${number(largest.points)}, ${largest.month === "never" ? "never expire" : `expire in ${named(largest.month)}`}.`,
    labels,
    labelled: "Month",
    series: [{ name: "Points", values }],
    write: number,
  });
}

const listed = ({ expiring }, worth) =>
  table({
    caption: "Outstanding points by month of expiry",
    captionHidden: true,
    columns: [
      { title: "Month", value: (each) => named(each.month), isHead: true },
      { title: "Points", value: (each) => number(each.points), isNumber: true },
      { title: "Value", value: (each) => worth(each.value), isNumber: true },
      { title: "Reserve", value: (each) => worth(each.reserve), isNumber: true },
    ],
    rows: expiring,
  });
