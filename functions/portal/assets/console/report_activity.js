// What happened with points, month by month: the roll-forward, what redemptions cost, what came of
// rules and campaigns.

import { bars, rows } from "../core/chart.js";
import { h } from "../core/dom.js";
import { counted, inMonth, label, money, number, signed } from "../core/format.js";
import { empty, field, input, section, select, table, tag } from "../core/ui.js";
import { MONTH, monthFromNow, report } from "./reports.js";

export const title = "Roll-forward";

const COLUMNS = ["total", "pending", "available", "reserved", "debt"];
const MAX_RESULTS_DRAWN = 15;

export function show(page, { query }) {
  const [from, to] = [query.from ?? monthFromNow(-11), query.to ?? monthFromNow(0)];
  const column = COLUMNS.includes(query.column) ? query.column : "total";
  return report({
    page,
    name: "activity",
    asked: { from, to },
    fields: [
      field("From", input("from", { ...MONTH, required: true, value: from })),
      field("To", input("to", { ...MONTH, required: true, value: to }), "At most 24 months."),
      field("Points that are", select("column", COLUMNS.map((each) => [each, label(each)]), { value: column })),
    ],
    view: (told) => [
      rollForward(told.months, column),
      redemptions(told.redemptions),
      results(told),
      ...analysis(told.analysis),
    ],
    files: [
      ["Roll-forward", { table: "movements" }],
      ["Redemptions", { table: "kinds" }],
      ["Rules and campaigns", { table: "rules" }],
      ["Analysis", { table: "analysis" }],
    ],
  });
}

// ---- Roll-forward

function rollForward(months, column) {
  const movements = Object.keys(months[0]).filter((each) => !["month", "opening", "closing"].includes(each));
  const seen = movements.filter((name) => months.some((month) => month[name][column] !== 0));
  const addsUp = months.every((month) =>
    movements.reduce((sum, name) => sum + month[name][column], month.opening[column]) === month.closing[column]);
  return section(
    "From opening to closing",
    h("p", {}, addsUp ? tag("adds up in every month", "good") : tag("does not add up: see Operations", "bad")),
    closings(months),
    table({
      caption: `${label(column)} points by month`,
      columns: [
        { title: "Month", value: (each) => inMonth(each.month), isHead: true },
        { title: "Opening", value: (each) => number(each.opening[column]), isNumber: true },
        ...seen.map((name) => ({ title: label(name), value: (each) => signed(each[name][column]), isNumber: true })),
        { title: "Closing", value: (each) => number(each.closing[column]), isNumber: true },
      ],
      rows: months,
    }),
  );
}

function closings(months) {
  const last = months.at(-1).closing;
  return bars({
    title: "Points at the end of each month",
    summary: `At the end: ${number(last.available)} available, ${number(last.pending)} pending, ${number(last.reserved)} reserved.`,
    labels: months.map((each) => inMonth(each.month)),
    labelled: "Month",
    series: ["available", "pending", "reserved"].map((name) => ({
      name: label(name),
      values: months.map((each) => each.closing[name]),
    })),
    write: number,
  });
}

// ---- What redemptions cost

function redemptions(told) {
  if (!told.length) return section("What redemptions cost", empty("Nothing was redeemed in these months."));
  const months = [...new Set(told.map((each) => each.month))];
  const kinds = [...new Set(told.map((each) => each.kind))];
  const of = (month, kind) =>
    told.filter((each) => each.month === month && each.kind === kind).reduce((sum, each) => sum + each.points, 0);
  return section(
    "What redemptions cost",
    bars({
      title: "Points redeemed by kind",
      summary: `Redeemed as ${kinds.map((each) => label(each).toLowerCase()).join(", ")}.`,
      labels: months.map(inMonth),
      labelled: "Month",
      series: kinds.map((kind) => ({ name: label(kind), values: months.map((month) => of(month, kind)) })),
      write: number,
    }),
    table({
      caption: "Cost of redemptions by month and kind",
      captionHidden: true,
      columns: [
        { title: "Month", value: (each) => inMonth(each.month), isHead: true },
        { title: "Kind", value: (each) => label(each.kind) },
        { title: "Points", value: (each) => number(each.points), isNumber: true },
        { title: "Cost", value: money, isNumber: true },
      ],
      rows: told,
    }),
  );
}

// ---- What came of rules and campaigns

function results({ results: told, budgets }) {
  if (!told.length) return section("Rules and campaigns", empty("Nothing was earned in these months."));
  const sums = new Map();
  for (const { id, kind, points } of told) {
    const before = sums.get(id) ?? { id, kind, points: 0 };
    sums.set(id, { ...before, points: before.points + points });
  }
  const all = [...sums.values()].sort((one, other) => other.points - one.points);
  const shown = all.slice(0, MAX_RESULTS_DRAWN);
  const budgetOf = (id) => budgets.find((each) => each.campaign === id);
  return section(
    "Rules and campaigns",
    rows({
      title: "Points by rule and campaign",
      summary: `${counted(all.length, "rule or campaign", "rules and campaigns")} gave points.`,
      labels: shown.map((each) => each.id),
      labelled: "Rule or campaign",
      series: [{ name: "Points", values: shown.map((each) => each.points) }],
      write: number,
    }),
    table({
      caption: "Points by rule and campaign",
      captionHidden: true,
      columns: [
        { title: "Rule or campaign", value: (each) => each.id, isHead: true },
        { title: "Kind", value: (each) => (each.kind ? label(each.kind) : "Of an earlier version") },
        { title: "Points", value: (each) => number(each.points), isNumber: true },
        { title: "Budget used", value: (each) => used(budgetOf(each.id)), isNumber: true },
      ],
      rows: all,
    }),
  );
}

const used = (budget) => (budget ? `${number(budget.used_points)} of ${number(budget.budget_points)}` : "–");

// ---- What an analysis would have given

function analysis(told) {
  if (!told.length) return [];
  return [
    section(
      "What the analysis would have given",
      h("p", {}, "Purchases and actions of these months under a program in analysis mode. Nobody was given these points."),
      table({
        caption: "Points that the analysis would have given",
        captionHidden: true,
        columns: [
          { title: "Month", value: (each) => inMonth(each.month), isHead: true },
          { title: "Rule or campaign", value: (each) => each.id },
          { title: "Kind", value: (each) => (each.kind ? label(each.kind) : "Of an earlier version") },
          { title: "Points", value: (each) => number(each.points), isNumber: true },
        ],
        rows: told,
      }),
    ),
  ];
}
