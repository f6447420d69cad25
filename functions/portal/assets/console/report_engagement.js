// How many members take part, come back, and spend what they earn.

import { bars, lines } from "../core/chart.js";
import { h } from "../core/dom.js";
import { counted, inMonth, number, percent } from "../core/format.js";
import { empty, field, input, section } from "../core/ui.js";
import { figure, MONTH, monthFromNow, report } from "./reports.js";

export const title = "Engagement";

const HEATS = 10;

export function show(page, { query }) {
  const [from, to] = [query.from ?? monthFromNow(-11), query.to ?? monthFromNow(0)];
  return report({
    page,
    name: "engagement",
    asked: { from, to },
    fields: [
      field("From", input("from", { ...MONTH, required: true, value: from })),
      field("To", input("to", { ...MONTH, required: true, value: to })),
    ],
    view,
    files: [
      ["Months", { table: "months" }],
      ["Cohorts", { table: "cohorts" }],
      ["First redemptions", { table: "first_redemption" }],
    ],
  });
}

const share = (text) => (text === null ? "–" : percent(text));

function view(told) {
  const last = told.months.at(-1);
  const { first_redemption: first } = told;
  return [
    h("dl", { class: "figures" }, [
      h("div", { class: "main" }, h("dt", {}, "Members"), h("dd", {}, number(told.members), h("p", { class: "hint" }, `${number(told.enrolled)} ever enrolled`))),
      last && figure("Participation", share(last.participation), `${number(last.active)} active in ${inMonth(last.month)}`),
      figure("Redemption rate", share(told.redemption_rate), `${number(told.redeemed)} of ${number(told.issued)} points, all time`),
      figure("First redemption", first.median_days ? within(first.median_days) : "–", first.mean_days ? `median; mean ${first.mean_days} days` : "nobody yet"),
    ]),
    told.months.length ? [taking(told.months), segments(told.months)] : empty("No months."),
    retention(told.cohorts),
    firstRedemptions(first),
  ];
}

function taking(months) {
  const rate = (text) => (text === null ? 0 : Number(text) * 100);
  const last = months.at(-1);
  return section(
    "Participation and redemption",
    lines({
      title: "Participation and redemption rate by month",
      summary: `In ${inMonth(last.month)}, ${share(last.participation)} of the members were active, and ${share(last.redemption_rate)} of the points issued were redeemed.`,
      labels: months.map((each) => inMonth(each.month)),
      labelled: "Month",
      series: [
        { name: "Participation", values: months.map((each) => rate(each.participation)) },
        { name: "Redemption rate", values: months.map((each) => rate(each.redemption_rate)) },
      ],
      write: (value) => percent(value / 100),
    }),
  );
}

function segments(months) {
  const last = months.at(-1).segments;
  return section(
    "Segments",
    bars({
      title: "Members by how often they buy",
      summary: `By now ${number(last.frequent)} frequent, ${number(last.occasional)} occasional, ${number(last.inactive)} inactive.`,
      labels: months.map((each) => inMonth(each.month)),
      labelled: "Month",
      series: [
        ["frequent", "Frequent"],
        ["occasional", "Occasional"],
        ["inactive", "Inactive"],
      ].map(([key, name]) => ({ name, values: months.map((each) => each.segments[key]) })),
      write: number,
    }),
  );
}

// ---- Cohorts

function retention(cohorts) {
  const known = cohorts.filter((each) => each.members > 0);
  if (!known.length) return section("Retention", empty("Nobody enrolled in these months."));
  const ages = Math.max(...known.map((each) => each.retention.length));
  const head = h("tr", {}, h("th", { scope: "col" }, "Enrolled"), h("th", { scope: "col", class: "number" }, "Members"),
    Array.from({ length: ages }, (_, age) => h("th", { scope: "col", class: "number" }, age === 0 ? "same month" : `+${age}`)));
  const body = known.map((cohort) =>
    h("tr", {}, h("th", { scope: "row" }, inMonth(cohort.month)), h("td", { class: "number" }, number(cohort.members)),
      Array.from({ length: ages }, (_, age) => cell(cohort.retention[age]))));
  return section(
    "Retention",
    h("p", { class: "hint" }, "Of the members who enrolled in a month, how many were active so many months later."),
    h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Retention by cohort" },
      h("table", { class: "heat" }, h("caption", { class: "hidden" }, "Retention by cohort"), h("thead", {}, head), h("tbody", {}, body))),
  );
}

function cell(told) {
  if (!told || told.share === null) return h("td", {});
  const heat = Math.round(Number(told.share) * HEATS);
  return h("td", { class: `number heat-${Math.min(HEATS, heat)}`, title: counted(told.active, "member", "members") }, percent(told.share));
}

// ---- The first redemption

const within = ({ from_days: from, to_days: to }) =>
  to === 0 ? "same day" : to === null ? `${number(from)} days or more` : from === to ? counted(from, "day", "days") : `${number(from)}–${number(to)} days`;

function firstRedemptions(told) {
  if (!told.members) return section("Time to the first redemption", empty("Nobody has redeemed yet."));
  return section(
    "Time to the first redemption",
    bars({
      title: "Days from enrolment to the first redemption",
      summary: `${counted(told.members, "member has", "members have")} redeemed. The one in the middle: ${within(told.median_days)}.`,
      labels: told.buckets.map(within),
      labelled: "Days",
      series: [{ name: "Members", values: told.buckets.map((each) => each.members) }],
      write: number,
    }),
  );
}
