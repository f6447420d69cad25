// Spending points: what could be redeemed, told while one types, and redeeming it.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, money, number, onDay, points, worth } from "../core/format.js";
import { theProgram } from "../core/frame.js";
import { announce, facts, field, form, input, section, select, sentence, tag } from "../core/ui.js";
import { plainly, redemptionName, refusalText, state } from "./words.js";

export const title = "Redeem";

const KINDS = ["ticket", "gift_card", "cash", "coupon"];
const TYPING_MILLISECONDS = 300;

export async function show(page, { signal }) {
  const [program, first] = await Promise.all([theProgram(), quoted(null)]);
  const offer = h("div", { role: "status" });
  const outcome = h("div", {});
  replace(offer, quote(first));
  const asking = debounced(async (ticket) => {
    try {
      const found = await quoted(ticket);
      if (!signal.aborted) replace(offer, quote(found));
    } catch (error) {
      if (!signal.aborted) replace(offer, h("p", { class: "notice failed" }, sentence(error)));
    }
  });
  const element = order(program, {
    changed: asking,
    done: async (made) => {
      replace(outcome, result(made));
      outcome.firstElementChild.focus();
      announce("Done.");
      asking(null);
    },
  });
  replace(page, outcome, h("div", { class: "columns" }, section("Redeem points", element), section("What you can redeem now", offer)));
}

const quoted = (ticket) => post("redemptions/quote", { member_id: "me", ...(ticket ? { ticket } : {}) });

function quote({ max_points: most, max_amount: amount, minimum_amount: minimum, currency, allowed, reasons }) {
  return [
    facts([
      ["At most", `${points(most)}, worth ${money({ amount, currency })}`],
      ["At least", money({ amount: minimum, currency })],
    ]),
    !allowed && h("p", {}, "Nothing can be redeemed at the moment."),
    reasons.length > 0 && h("ul", {}, reasons.map((code) => h("li", {}, refusalText(code)))),
  ];
}

// ---- The form

function order(program, { changed, done }) {
  const value = h("p", { class: "hint", role: "status" });
  const kind = select("kind", KINDS.map((each) => [each, redemptionName(each)]));
  const count = input("points", { inputmode: "numeric", pattern: "[0-9]{1,10}", required: true });
  const amount = input("amount", { inputmode: "decimal", pattern: "[0-9]{1,9}([.][0-9]{1,3})?", required: true, disabled: true });
  const byPoints = field("Points", count);
  const byAmount = field(`Amount in ${program.currency}`, amount);
  byAmount.hidden = true;
  const ticketId = input("ticket", { maxlength: 255 });
  const ticketAmount = input("ticket_amount", { inputmode: "decimal", pattern: "[0-9]{1,9}([.][0-9]{1,3})?" });
  const ticket = h("fieldset", {}, h("legend", {}, "The ticket, if there is one"), h("div", { class: "fields" }, field("Number", ticketId), field(`What it comes to, in ${program.currency}`, ticketAmount)));
  const reserve = h("input", { type: "checkbox", name: "reserve" });
  const later = check("Only set the points aside for now", reserve, `They are kept for ${number(program.program.redemption?.reservation_minutes ?? 15)} minutes, until a till takes them.`);
  const how = h(
    "fieldset",
    {},
    h("legend", {}, "How much"),
    h("div", { class: "choices" }, choice("how", "points", "By points", true), choice("how", "amount", "By amount", false)),
    byPoints,
    byAmount,
    value,
  );

  const element = form({
    fields: [field("What for", kind), how, ticket, later, field("Note", h("textarea", { name: "note", maxlength: 1000 }))],
    submit: "Redeem",
    send: (given, key) => plainly(post("redemptions", body(given), key)),
    done: async (made, form_) => {
      form_.reset();
      arrange();
      await done(made);
    },
  });
  const arrange = () => {
    const isByAmount = element.elements.how.value === "amount";
    byPoints.hidden = count.disabled = isByAmount;
    byAmount.hidden = amount.disabled = !isByAmount;
    ticket.hidden = ticketId.disabled = ticketAmount.disabled = kind.value !== "ticket";
    later.hidden = reserve.disabled = kind.value === "coupon";
    replace(value, /^[0-9]{1,10}$/.test(count.value) && !isByAmount ? `worth ${money(worth(Number(count.value), program.point_value, program.currency))}` : "");
  };
  element.addEventListener("input", (event) => {
    arrange();
    if ([ticketId, ticketAmount, kind].includes(event.target)) changed(ticketOf(element));
  });
  arrange();
  return element;
}

const choice = (name, value, text, checked) => {
  const control = h("input", { type: "radio", name, value, checked });
  return h("label", { class: "choice" }, control, text);
};

function check(text, control, hint) {
  const id = `${control.name}-hint`;
  control.setAttribute("aria-describedby", id);
  return h("div", { class: "field" }, h("label", { class: "choice" }, control, text), h("p", { class: "hint", id }, hint));
}

// Null as long as it is not complete.
function ticketOf({ elements }) {
  const id = elements.ticket.value.trim();
  const amount = elements.ticket_amount.value.trim();
  return elements.kind.value === "ticket" && id && /^[0-9]+([.][0-9]+)?$/.test(amount) ? { id, amount } : null;
}

function body({ kind, how, points: count, amount, ticket, ticket_amount: ticketAmount, reserve, note }) {
  return {
    member_id: "me",
    kind,
    ...(how === "amount" ? { amount } : { points: Number(count) }),
    ...(ticket ? { ticket: { id: ticket, amount: ticketAmount ?? "" } } : {}),
    ...(reserve ? { reserve } : {}),
    ...(note ? { note } : {}),
  };
}

// ---- What came of it

export function result(made) {
  const [name, kind] = state(made.status);
  return h(
    "section",
    { class: "card", tabindex: "-1", "aria-label": "What came of it" },
    h("div", { class: "row" }, h("h2", {}, `${points(made.points)}, worth ${money(made)}`), tag(name, kind)),
    made.coupon && h("p", {}, "Your coupon: ", h("strong", { class: "code" }, made.coupon.code), `, good through ${onDay(made.coupon.last_day)}`),
    made.expires_at && h("p", {}, made.status === "reserved" ? `Set aside until ${atTime(made.expires_at)}.` : `Somebody decides before ${atTime(made.expires_at)}.`),
    h("p", { class: "hint" }, `${points(made.balance.available)} are left.`),
  );
}

function debounced(ask) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask(...given), TYPING_MILLISECONDS);
  };
}
