// A member's redemptions, and what can still be done with each.

import { get, post } from "../core/api.js";
import { h } from "../core/dom.js";
import { atTime, label, money, points } from "../core/format.js";
import { paged, statusTag } from "../core/story.js";
import { announce, dialogForm, field, input } from "../core/ui.js";
import { whole } from "./frame.js";

// `changed` is called after each step. With a cursor the list goes on.
export const redemptionList = (items, { changed, cursor = null, memberId }) =>
  paged({
    items,
    cursor,
    draw: (each) => redemptionItem(each, changed),
    next: async (after) => {
      const page = await get("redemptions", { member_id: memberId, limit: 20, cursor: after });
      return { items: page.redemptions, cursor: page.cursor };
    },
    none: "Nothing was redeemed yet.",
  });

function redemptionItem(redemption, changed) {
  const { amount, currency } = redemption;
  const value = amount === null ? "" : ` (${money({ amount, currency })})`;
  return h(
    "li",
    {},
    h("div", { class: "row" }, h("strong", {}, `${label(redemption.kind)}: ${points(redemption.points)}${value}`), statusTag(redemption.status)),
    h("p", { class: "hint" }, facts(redemption).join(" · ")),
    h("div", { class: "actions" }, steps(redemption, changed)),
  );
}

const facts = (redemption) =>
  [
    atTime(redemption.created_at),
    redemption.ticket && `on ${redemption.ticket.kind} ${redemption.ticket.id}`,
    redemption.coupon && `coupon ${redemption.coupon.code}`,
    redemption.expires_at && redemption.status === "reserved" && `until ${atTime(redemption.expires_at)}`,
    redemption.captured > 0 && redemption.captured !== redemption.points && `${points(redemption.captured)} spent`,
    redemption.reversed > 0 && `${points(redemption.reversed)} given back`,
  ].filter(Boolean);

function steps(redemption, changed) {
  const button = (text, step) => h("button", { type: "button", onclick: () => ask(redemption, step, changed) }, text);
  const spent = redemption.captured;
  return [
    redemption.status === "reserved" && button("Capture", "capture"),
    ["reserved", "awaiting_approval"].includes(redemption.status) && button("Cancel", "cancel"),
    redemption.status === "completed" && redemption.reversed < spent && button("Reverse", "reverse"),
  ];
}

const STEPS = {
  capture: { title: "Capture the reserved points", submit: "Capture", hint: "What is left over is released.", past: "captured" },
  cancel: { title: "Cancel this redemption", submit: "Cancel it and release the points", past: "cancelled" },
  reverse: { title: "Reverse this redemption", submit: "Give points back", hint: "They go back into the lots that they came from.", past: "reversed" },
};

function ask(redemption, step, changed) {
  const { title, submit, hint, past } = STEPS[step];
  const left = step === "reverse" ? redemption.captured - redemption.reversed : redemption.points;
  dialogForm({
    title,
    intro: step === "cancel" && h("p", {}, `${points(redemption.points)} can be spent again at once.`),
    fields: step === "cancel" ? [] : [field("Points", input("points", { type: "number", required: true, min: 1, max: left, step: 1, value: left }), hint)],
    submit,
    send: ({ points: some }, key) => {
      const body = some === undefined || whole(some) === left ? {} : { points: whole(some) };
      return post(`redemptions/${encodeURIComponent(redemption.redemption_id)}/${step}`, body, key);
    },
    done: (answer) => {
      announce(`The redemption is ${past}: ${points(answer.balance.available)} are available now`);
      changed();
    },
  });
}
