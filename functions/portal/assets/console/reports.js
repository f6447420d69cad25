// What all reports have in common: their tabs, their questions, and their tables as files.

import { download, get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime } from "../core/format.js";
import { open } from "../core/router.js";
import { announce, button, failure, form, loading, save, tabs } from "../core/ui.js";

const TABS = [
  ["/reports/liability", "What is owed"],
  ["/reports/activity", "Roll-forward"],
  ["/reports/sales", "Sales"],
  ["/reports/engagement", "Engagement"],
  ["/reports/leaderboard", "Top members"],
];
const MAX_PAGES = 100;
const LINES_PER_PAGE = 100;

// Asks for a report and shows it. `fields` are the controls of its questions, begun with the answers
// of `asked`; `view(told)` returns what is shown; `files` are [name, query] of its tables as CSV.
export async function report({ page, name, asked, fields, view, files }) {
  const questions = form({
    fields: h("div", { class: "fields" }, fields),
    submit: "Show",
    send: async (values) => open(`/reports/${name}?${new URLSearchParams(values)}`),
    attributes: { "aria-label": "What to show" },
  });
  const place = h("div", { class: "page" }, loading());
  replace(page, tabs("Reports", TABS, `/reports/${name}`), h("div", { class: "card" }, questions), place);
  // What was asked wrongly is said under the question, which stays.
  const load = async () => {
    try {
      const told = await get(`reports/${name}`, asked);
      replace(place, view(told), downloads(name, asked, files), h("p", { class: "hint" }, age(told)));
    } catch (error) {
      replace(place, failure(error, load));
    }
  };
  await load();
}

function age({ as_of: asOf, counted_through: through }) {
  const counted = through ? `, with changes up to ${atTime(through)}` : "";
  return `As of ${atTime(asOf)}${counted}.`;
}

const downloads = (name, asked, files) =>
  h("div", { class: "actions" }, files.map(([text, query]) =>
    button(`${text} as CSV`, () => take(name, { ...asked, ...query }))));

async function take(name, query) {
  const parts = [name, query.table, query.by, query.month ?? query.period ?? query.at].filter(Boolean);
  save(await all(`reports/${name}`, query), `${parts.join("-")}.csv`, "text/csv");
  announce("The file is saved.");
}

// All pages of a table: of the further ones without the line of names.
async function all(path, query) {
  const isPaged = "limit" in query;
  const pages = [];
  let cursor = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const { text, response } = await download(path, isPaged ? { ...query, limit: LINES_PER_PAGE, cursor } : query, "text/csv");
    pages.push(page === 0 ? text : text.slice(text.indexOf("\n") + 1));
    cursor = response.headers.get("x-cursor");
    if (cursor === null) return pages.join("");
  }
  throw new Error("This table is too long for one file.");
}

// A first page of rows, with the next ones on request. `draw(rows)` shows all of them.
export function growing({ first, rowsOf, next, draw }) {
  const place = h("div", {});
  const more = h("div", { class: "actions" });
  let rows = [];

  function add(page) {
    rows = [...rows, ...rowsOf(page)];
    replace(place, draw(rows));
    replace(more, page.cursor && button("Show more", async () => add(await next(page.cursor))));
  }

  add(first);
  return [place, more];
}

// "2026-11", some months from now.
export function monthFromNow(offset) {
  const now = new Date();
  const month = new Date(now.getFullYear(), now.getMonth() + offset, 1);
  return `${month.getFullYear()}-${String(month.getMonth() + 1).padStart(2, "0")}`;
}

export const MONTH = { type: "month", pattern: "[0-9]{4}-[0-9]{2}", placeholder: "YYYY-MM" };

// How many decimals an amount is written with.
export const decimals = (amount) => (amount.split(".")[1] ?? "").length;

export const figure = (name, value, hint) =>
  h("div", {}, h("dt", {}, name), h("dd", {}, value, hint && h("p", { class: "hint" }, hint)));

// A member by name, where there still is one; the id leads to the story.
export const who = ({ member_id: id, name, merged_into: survivor }) =>
  h("span", {}, h("a", { href: `#/members/${encodeURIComponent(survivor ?? id)}` }, name ?? id), !name && h("span", { class: "hint" }, " (erased)"), survivor && h("span", { class: "hint" }, " (merged)"));
