// Revenue by the person who ordered, or by organisation; own orders apart from copies.

import { get } from "../core/api.js";
import { rows } from "../core/chart.js";
import { h } from "../core/dom.js";
import { counted, money, number } from "../core/format.js";
import { empty, field, input, section, select, table } from "../core/ui.js";
import { decimals, figure, growing, MONTH, report, who } from "./reports.js";

export const title = "Sales";

const PAGE = 25;
const MAX_DRAWN = 10;
const BY = [
  ["member", "Who ordered"],
  ["organisation", "Organisation"],
];

export function show(page, { query }) {
  const asked = { month: query.month, by: query.by === "organisation" ? "organisation" : "member", limit: PAGE };
  return report({
    page,
    name: "sales",
    asked,
    fields: [
      field("Month", input("month", { ...MONTH, value: query.month ?? "" }), "Empty: all time."),
      field("By", select("by", BY, { value: asked.by })),
    ],
    view: (told) => view(told, asked),
    files: [["Sales", {}]],
  });
}

function view(told, asked) {
  const worth = (amount) => money({ amount, currency: told.currency });
  const rowsOf = (page) => page[`${page.by}s`];
  const name = (each) => (told.by === "member" ? who(each) : each.organisation);
  const { total } = told;
  return [
    h("dl", { class: "figures" }, [
      h("div", { class: "main" }, h("dt", {}, "Revenue"), h("dd", {}, worth(total.revenue), h("p", { class: "hint" }, counted(total.purchases, "purchase", "purchases")))),
      figure("Own orders", worth(total.own.revenue), counted(total.own.purchases, "purchase", "purchases")),
      figure("Copies of others' orders", worth(total.copy.revenue), counted(total.copy.purchases, "purchase", "purchases")),
    ]),
    section(
      told.by === "member" ? "By the person who ordered" : "By organisation",
      h("p", { class: "hint" }, "After refunds and voids, whoever was billed."),
      rowsOf(told).length
        ? [drawn(told, rowsOf(told).slice(0, MAX_DRAWN), worth), growing({
            first: told,
            rowsOf,
            next: (cursor) => get("reports/sales", { ...asked, cursor }),
            draw: (all) => listed(all, name, worth),
          })]
        : empty("Nothing was sold."),
    ),
  ];
}

const drawn = (told, shown, worth) =>
  rows({
    title: "Revenue of the first ten",
    summary: "Own orders, and copies of what others on the same job ordered.",
    labels: shown.map((each) => (told.by === "member" ? each.name ?? each.member_id : each.organisation)),
    labelled: told.by === "member" ? "Member" : "Organisation",
    series: [
      { name: "Own orders", values: shown.map((each) => Number(each.own.revenue)) },
      { name: "Copies", values: shown.map((each) => Number(each.copy.revenue)) },
    ],
    write: (value) => worth(value.toFixed(decimals(told.total.revenue))),
  });

const listed = (all, name, worth) =>
  table({
    caption: "Revenue, most first",
    captionHidden: true,
    columns: [
      { title: "Who", value: name, isHead: true },
      { title: "Own orders", value: (each) => worth(each.own.revenue), isNumber: true },
      { title: "Copies", value: (each) => worth(each.copy.revenue), isNumber: true },
      { title: "Together", value: (each) => worth(each.revenue), isNumber: true },
      { title: "Purchases", value: (each) => number(each.purchases), isNumber: true },
    ],
    rows: all,
  });
