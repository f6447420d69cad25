// Redeem at the counter: what can be redeemed is quoted while one types.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { theProgram } from "../core/frame.js";
import { label, money, points, worth } from "../core/format.js";
import { announce, checkbox, failure, field, form, input, loading, section, select, textarea } from "../core/ui.js";
import { AMOUNT, call, decimal, memberLine, overviewOf, whole } from "./frame.js";
import { redemptionList } from "./redemptions.js";
import { nameOf } from "./search.js";

export const title = "Redeem";

const KINDS = [["ticket", "On a ticket"], ["gift_card", "Gift card"], ["cash", "Cash"], ["coupon", "Coupon"], ["reward", "Reward"]];
const QUOTE_PAUSE_MILLISECONDS = 300;

export async function show(page, { parameters, signal }) {
  const overview = await overviewOf(parameters.id);
  const { member } = overview;
  const { currency } = overview.balance.value;
  call(page, `Redeem for ${nameOf(member)}`);
  const line = h("div", {}, memberLine(overview));
  const list = h("div", {}, loading());
  const counter = redeeming(member, currency, signal, async (answer) => {
    replace(line, memberLine({ member, balance: { ...overview.balance, ...answer.balance } }));
    await refreshList();
  });
  const refreshList = async () => {
    try {
      const found = await get("redemptions", { member_id: member.member_id, limit: 20 });
      replace(list, redemptionList(found.redemptions, { changed, cursor: found.cursor, memberId: member.member_id }));
    } catch (error) {
      replace(list, failure(error, refreshList));
    }
  };
  const changed = async () => {
    const { balance } = await overviewOf(member.member_id);
    replace(line, memberLine({ member, balance }));
    await refreshList();
    await counter.quote();
  };
  replace(page, line, h("div", { class: "columns" }, section("New redemption", counter.element), section("Redemptions", list)));
  await refreshList();
}

function redeeming(member, currency, signal, redeemed) {
  const told = h("div", { class: "notice", role: "status" });
  const outcome = h("div", { role: "status" });
  const kind = select("kind", KINDS);
  const reward = select("reward_id", [], { disabled: true });
  const unit = select("unit", [["amount", currency], ["points", "points"]]);
  const count = input("quantity", { required: true, ...AMOUNT });
  const rewards = h("div", { hidden: true }, field("Reward", reward));
  const howMuch = h("div", { class: "fields" }, field("How much", count), field("In", unit));
  const ticket = [
    field("Ticket id", input("ticket_id", { maxlength: 200 })),
    field(`Ticket amount in ${currency}`, input("ticket_amount", AMOUNT), "Before points."),
  ];
  const value = h("p", { class: "hint" });
  const reserve = checkbox("reserve", "Only reserve, and finish later");
  const element = form({
    fields: [
      field("What for", kind),
      rewards,
      h("div", { class: "fields" }, ticket),
      told,
      howMuch,
      value,
      reserve,
      field("Note", textarea("note", { maxlength: 1000 })),
    ],
    submit: "Redeem",
    send: (values, key) => post("redemptions", body(member, values), key),
    done: async (answer) => {
      replace(outcome, h("p", { class: "notice" }, said(answer)));
      announce(said(answer));
      element.reset();
      await adapt();
      await redeemed(answer);
      await quote();
    },
  });
  let turn = 0;
  let timer;

  async function quote() {
    turn += 1;
    const asked = turn;
    const { ticket_id: id, ticket_amount: amount } = element.elements;
    const known = id.value.trim() && amount.value.trim() && amount.validity.valid;
    try {
      const found = await post("redemptions/quote", {
        member_id: member.member_id,
        ...(known && { ticket: { id: id.value.trim(), amount: decimal(amount.value.trim()) } }),
      });
      if (asked === turn) replace(told, quoted(found, take));
    } catch (error) {
      if (asked === turn) replace(told, failure(error, quote));
    }
  }

  function take(amount) {
    unit.value = "amount";
    count.value = amount;
    element.dispatchEvent(new Event("input"));
    tellValue();
    count.focus();
  }

  // A reward has its price; it and a coupon cannot be reserved.
  async function adapt() {
    const isReward = kind.value === "reward";
    rewards.hidden = !isReward;
    reward.disabled = !isReward;
    howMuch.hidden = isReward;
    count.disabled = isReward;
    value.hidden = isReward;
    const isFixed = isReward || kind.value === "coupon";
    reserve.hidden = isFixed;
    element.elements.reserve.disabled = isFixed;
    if (isReward && !reward.options.length) await offer();
  }

  async function offer() {
    try {
      const found = await get("rewards", { limit: 100 });
      reward.append(...found.rewards.filter((each) => each.active).map((each) => h("option", { value: each.reward_id }, `${each.name}: ${points(each.points)}`)));
    } catch (error) {
      replace(outcome, failure(error, offer));
    }
  }

  async function tellValue() {
    const text = count.value.trim();
    const isPoints = () => unit.value === "points" && count.value.trim() === text && /^\d{1,10}$/.test(text);
    const rate = isPoints() && (await theProgram()).point_value;
    value.textContent = isPoints() && rate ? `Worth ${money(worth(whole(text), rate, currency))}.` : "";
  }

  kind.addEventListener("change", adapt);
  howMuch.addEventListener("input", tellValue);
  for (const name of ["ticket_id", "ticket_amount"]) {
    element.elements[name].addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(quote, QUOTE_PAUSE_MILLISECONDS);
    });
  }
  signal.addEventListener("abort", () => clearTimeout(timer));
  quote();
  return { element: [element, outcome], quote };
}

function body(member, values) {
  const { kind, ticket_id: id, ticket_amount: amount, quantity, unit, reward_id: rewardId, reserve, note } = values;
  const much = kind === "reward" ? { reward_id: rewardId } : unit === "points" ? { points: pointsIn(quantity) } : { amount: decimal(quantity) };
  return {
    member_id: member.member_id,
    kind,
    ...much,
    ...((id || amount) && { ticket: ticketIn(id, amount) }),
    ...(reserve && { reserve }),
    ...(note && { note }),
  };
}

function ticketIn(id, amount) {
  if (!id || !amount) throw new Error("A ticket has an id and an amount.");
  return { id, amount: decimal(amount) };
}

function pointsIn(quantity) {
  if (!/^\d+$/.test(quantity)) throw new Error("Points are whole numbers.");
  return whole(quantity);
}

const WHY = {
  below_minimum: ({ minimum_amount: amount, currency }) => `The least that can be redeemed is ${money({ amount, currency })}.`,
  ticket_too_low: () => "The ticket has to be above the value redeemed.",
  earned_on_same_ticket: () => "Points that this ticket earned cannot be spent on it.",
  yearly_cap_exceeded: () => "The member reaches the yearly cap.",
  insufficient_points: () => "There are no more points.",
  member_inactive: () => "The member is not active.",
  redemption_paused: () => "Redemptions are paused.",
  redemption_not_permitted: () => "Redemption is not permitted for this member.",
};

function quoted(quote, take) {
  const { max_amount: amount, currency } = quote;
  return [
    h(
      "p",
      {},
      quote.max_points > 0 ? `Up to ${money({ amount, currency })} (${points(quote.max_points)}) ` : "Nothing can be redeemed now. ",
      quote.max_points > 0 && h("button", { type: "button", class: "link", onclick: () => take(amount) }, "Use it all"),
    ),
    quote.reasons.length > 0 && h("p", { class: "hint" }, quote.reasons.map((code) => WHY[code]?.(quote) ?? label(code)).join(" ")),
  ];
}

function said(answer) {
  const { status, points: count, amount, currency, coupon } = answer;
  const much = amount === null ? points(count) : `${points(count)} (${money({ amount, currency })})`;
  if (status === "awaiting_approval") return `${much} are reserved until a second person has approved it.`;
  if (status === "reserved") return `${much} are reserved.`;
  return coupon ? `${much} redeemed. The coupon's code is ${coupon.code}.` : `${much} redeemed.`;
}
