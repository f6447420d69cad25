// Every entry of the member, with the reason and the rule behind it.

import { download, get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, number, points } from "../core/format.js";
import { open } from "../core/router.js";
import { announce, empty, failure, field, form, input, loading, save, section, select } from "../core/ui.js";
import { changes, entryName, KINDS, kindName, reasonText, sourceText } from "./words.js";

export const title = "History";

const PAGE = 20;

export async function show(page, { query, signal }) {
  const list = h("ul", { class: "list" });
  const more = h("div", { class: "actions" });
  let cursor = null;

  const load = async () => {
    replace(more, loading());
    try {
      const found = await get("members/me/entries", { limit: PAGE, sentences: true, type: query.type, cursor });
      if (signal.aborted) return;
      cursor = found.cursor;
      const items = found.entries.map(entryItem);
      list.append(...items);
      replace(more, following(items));
    } catch (error) {
      replace(more, failure(error, load));
    }
  };
  // The focus goes to what has come, so that reading goes on there.
  const further = async () => {
    const count = list.children.length;
    await load();
    list.children[count]?.focus();
  };
  const following = () =>
    cursor
      ? h("button", { type: "button", onclick: further }, "Show more")
      : !list.children.length && empty(query.type ? "There is nothing of this kind." : "Nothing has happened yet.");

  replace(page, h("div", { class: "columns" }, filter(query), statement()), section("Entries", list, more));
  await load();
}

function filter(query) {
  const kinds = select("type", [["", "Everything"], ...KINDS.map((each) => [each, kindName(each)])], {
    onchange: (event) => open(event.target.value ? `/history?type=${event.target.value}` : "/history"),
  });
  kinds.value = query.type ?? "";
  return section("What to show", field("Kind", kinds));
}

function statement() {
  const now = new Date();
  const month = `${now.getFullYear()}-${String(now.getMonth() + 1).padStart(2, "0")}`;
  return section(
    "Statement",
    form({
      fields: [field("Month", input("month", { type: "month", value: month, max: month, required: true, placeholder: "2026-11", pattern: "[0-9]{4}-[0-9]{2}" }))],
      submit: "Download as CSV",
      send: ({ month: chosen }) => wholeStatement(chosen),
      done: ({ text, month: chosen }) => {
        save(text, `statement-${chosen}.csv`, "text/csv");
        announce("The statement has been downloaded.");
      },
    }),
  );
}

const MAX_PAGES = 50;

// All pages of a month as one table: the line of names is only kept once.
async function wholeStatement(month) {
  let text = "";
  let cursor;
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const found = await download("members/me/statement", { month, cursor }, "text/csv");
    text += count === 0 ? found.text : found.text.slice(found.text.indexOf("\n") + 1);
    cursor = found.response.headers.get("x-cursor");
    if (!cursor) break;
  }
  return { text, month };
}

// One entry, as it stands in lists.
export function entryItem(entry) {
  const parts = changes(entry);
  return h(
    "li",
    { tabindex: "-1" },
    h(
      "div",
      { class: "row" },
      h("strong", {}, entryName(entry)),
      h("span", { class: "amount" }, parts.map(([name, change], index) => [index > 0 && ", ", h("span", { class: sign(entry, name) }, change), ` ${name}`])),
    ),
    h("p", { class: "hint" }, [atTime(entry.recorded_at), sourceText(entry.source)].filter(Boolean).join(" · ")),
    reason(entry) && h("p", {}, reason(entry)),
    entry.rules.map((rule) => h("p", { class: "why" }, `${points(rule.points)}: ${rule.sentence ?? rule.id}`)),
    parts.length > 0 && h("p", { class: "hint" }, `Afterwards ${number(entry.balance.available)} available, ${number(entry.balance.pending)} pending`),
  );
}

const reason = (entry) => entry.reason_text ?? reasonText(entry.reason);

const sign = (entry, name) => (name === "available" ? (entry[name] > 0 ? "plus" : "minus") : null);
