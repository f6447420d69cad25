// Who has earned, redeemed or bought most.

import { get } from "../core/api.js";
import { rows } from "../core/chart.js";
import { label, money, number } from "../core/format.js";
import { empty, field, input, section, select, table } from "../core/ui.js";
import { decimals, growing, MONTH, report, who } from "./reports.js";

export const title = "Top members";

const PAGE = 25;
const MAX_DRAWN = 10;
const BY = [
  ["earned", "Points earned"],
  ["redeemed", "Points redeemed"],
  ["revenue", "Revenue"],
];

export function show(page, { query }) {
  const by = BY.some(([each]) => each === query.by) ? query.by : "earned";
  const asked = { by, period: query.month || "lifetime", limit: PAGE };
  return report({
    page,
    name: "leaderboard",
    asked,
    fields: [
      field("By", select("by", BY, { value: by })),
      field("Month", input("month", { ...MONTH, value: query.month ?? "" }), "Empty: all time."),
    ],
    view: (told) => view(told, asked),
    files: [["Top members", {}]],
  });
}

function view(told, asked) {
  const measure = told.by === "revenue" ? "revenue" : "points";
  const write = (value) => (measure === "revenue" ? money({ amount: value, currency: told.currency }) : number(value));
  const name = Object.fromEntries(BY)[told.by];
  if (!told.members.length) return section(name, empty("Nobody yet."));
  const shown = told.members.slice(0, MAX_DRAWN);
  return section(
    name,
    rows({
      title: `${name}: the first ten`,
      summary: `First is ${shown[0].name ?? shown[0].member_id}.`,
      labels: shown.map((each) => each.name ?? each.member_id),
      labelled: "Member",
      series: [{ name, values: shown.map((each) => Number(each[measure])) }],
      write: (value) => (measure === "revenue" ? write(value.toFixed(decimals(shown[0].revenue))) : write(value)),
    }),
    growing({
      first: told,
      rowsOf: (page) => page.members,
      next: (cursor) => get("reports/leaderboard", { ...asked, cursor }),
      draw: (all) =>
        table({
          caption: `${name}, most first`,
          captionHidden: true,
          columns: [
            { title: "Rank", value: (each) => number(each.rank), isNumber: true },
            { title: "Member", value: who, isHead: true },
            { title: label(measure), value: (each) => write(each[measure]), isNumber: true },
          ],
          rows: all,
        }),
    }),
  );
}
