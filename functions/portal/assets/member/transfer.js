// Giving points to somebody else.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { money, onDay, points } from "../core/format.js";
import { theProgram } from "../core/frame.js";
import { announce, empty, facts, field, form, input, section } from "../core/ui.js";
import { entryItem } from "./history.js";
import { plainly } from "./words.js";

export const title = "Transfer";

const SHOWN = 10;

export async function show(page, { signal }) {
  const program = await theProgram();
  const terms = program.program.transfers ?? {};
  if (terms.enabled === false) {
    replace(page, section("Transfers", empty("This program has no transfers.")));
    return;
  }
  const outcome = h("div", {});
  const have = h("div", {});
  const past = h("div", {});
  const refresh = async () => {
    const [balance, entries] = await Promise.all([
      get("members/me/balance"),
      get("members/me/entries", { type: "transfer", limit: SHOWN }),
    ]);
    if (signal.aborted) return;
    replace(have, available(balance, terms));
    replace(past, transfers(entries.entries));
  };
  const element = form({
    fields: [
      field("Email of the member who gets them", input("email", { type: "email", required: true, maxlength: 300 }), circle(terms)),
      field("Points", input("points", { inputmode: "numeric", pattern: "[0-9]{1,10}", required: true })),
      field("Note", h("textarea", { name: "note", maxlength: 1000 })),
    ],
    submit: "Transfer",
    send: ({ email, points: count, note }, key) =>
      plainly(post("transfers", { from_member_id: "me", to: { email }, points: Number(count), ...(note ? { note } : {}) }, key)),
    done: async (made, form_) => {
      form_.reset();
      replace(outcome, h("p", { class: "notice", tabindex: "-1" }, said(made)));
      outcome.firstElementChild.focus();
      announce(said(made));
      await refresh();
    },
  });
  await refresh();
  replace(page, outcome, h("div", { class: "columns" }, section("Give points away", element), have), past);
}

const said = ({ status, points: count }) =>
  status === "completed" ? `${points(count)} were transferred.` : `${points(count)} are set aside until somebody has approved the transfer.`;

const circle = ({ within }) =>
  within === "anyone" ? "Any member of this program." : "A member of your own organisation.";

const available = (balance, terms) =>
  section(
    "What you have",
    facts([
      ["Available", `${points(balance.available)}, worth ${money(balance.value)}`],
      ["Soonest last day", balance.lots.length ? onDay(balance.lots[0].last_day) : "–"],
      ["At least", points(terms.minimum_points ?? 1)],
    ]),
    h("p", { class: "hint" }, "Points keep their last day when they are transferred. The ones that expire first go first."),
  );

const transfers = (entries) =>
  section(
    "Your last transfers",
    entries.length ? h("ul", { class: "list" }, entries.map(entryItem)) : empty("There were none."),
  );
