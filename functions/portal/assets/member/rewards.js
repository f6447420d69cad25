// What points buy, and the coupons that they became.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { label, money, number, onDay, points } from "../core/format.js";
import { paged } from "../core/story.js";
import { announce, confirm, empty, section, sentence, tag } from "../core/ui.js";
import { actButton } from "./act.js";
import { result } from "./redeem.js";
import { plainly, state } from "./words.js";

export const title = "Rewards and coupons";

const PAGE = 100;

export async function show(page, { signal }) {
  const outcome = h("div", {});
  const catalogue = h("div", {});
  const coupons = h("div", {});
  const refresh = async () => {
    const [rewards, owned, balance] = await Promise.all([
      get("rewards", { limit: PAGE }),
      get("members/me/coupons"),
      get("members/me/balance"),
    ]);
    if (signal.aborted) return;
    replace(catalogue, offers(rewards, balance, claimed));
    replace(coupons, mine(owned));
  };
  const claimed = async (made) => {
    replace(outcome, result(made));
    outcome.firstElementChild.focus();
    announce("It is yours.");
    await refresh();
  };
  await refresh();
  replace(page, outcome, catalogue, coupons);
}

function offers({ rewards, cursor }, balance, claimed) {
  if (!rewards.length && cursor === null) return section("Rewards", empty("There are no rewards at the moment."));
  const list = h("ul", { class: "cards" }, rewards.map((each) => offer(each, balance, claimed)));
  const more = h("div", { class: "actions" });
  const following = (next) => replace(more, next !== null && h("button", { type: "button", onclick: () => go(next) }, "Show more rewards"));
  const go = async (next) => {
    try {
      const page = await get("rewards", { limit: PAGE, cursor: next });
      list.append(...page.rewards.map((each) => offer(each, balance, claimed)));
      following(page.cursor);
    } catch (error) {
      announce(sentence(error), "failed");
    }
  };
  following(cursor);
  return section("Rewards", h("p", { class: "hint" }, `You have ${points(balance.available)} to spend.`), list, more);
}

function offer(reward, balance, claimed) {
  const why = obstacle(reward, balance);
  return h(
    "li",
    { class: "card" },
    h("h3", {}, reward.name),
    reward.description && h("p", {}, reward.description),
    h("p", { class: "amount" }, price(reward)),
    h("p", { class: "hint" }, terms(reward)),
    why
      ? h("p", { class: "hint" }, why)
      : actButton({
          text: "Claim",
          attributes: { class: "primary", "aria-label": `Claim ${reward.name}` },
          send: async (key) =>
            (await confirm({ title: `Claim ${reward.name}?`, text: `It costs ${price(reward)}.`, yes: "Yes, claim it" }))
              ? plainly(post("redemptions", { member_id: "me", kind: "reward", reward_id: reward.reward_id }, key))
              : null,
          done: claimed,
        }),
  );
}

const price = ({ points: count, amount_due: due, currency }) =>
  due ? `${points(count)} and ${money({ amount: due, currency })}` : points(count);

const terms = (reward) =>
  [
    reward.kind === "coupon" && `A coupon worth ${money({ amount: reward.amount, currency: reward.currency })}.`,
    reward.stock !== null && `${number(reward.stock)} left.`,
    reward.valid_until && `Until ${onDay(reward.valid_until.slice(0, 10))}.`,
    reward.grants && `Gives tier ${label(reward.grants.tier)} for ${number(reward.grants.months)} months.`,
  ].filter(Boolean).join(" ");

// Why it cannot be claimed, as far as that is known before asking.
function obstacle(reward, balance) {
  if (reward.stock === 0) return "Sold out.";
  if (reward.valid_from && new Date(reward.valid_from) > new Date()) return `From ${onDay(reward.valid_from.slice(0, 10))}.`;
  if (reward.tiers.length && !reward.tiers.includes(balance.tier)) return `For tier ${reward.tiers.map(label).join(" or ")}.`;
  if (reward.points > balance.available) return `${points(reward.points - balance.available)} more are needed.`;
  return null;
}

// Most redemptions make no coupon, so a page may be empty and still have a next one.
function mine({ coupons, cursor }) {
  const next = async (place) => {
    const page = await get("members/me/coupons", { cursor: place });
    return { items: page.coupons, cursor: page.cursor };
  };
  return section(
    "Your coupons",
    paged({ items: coupons, cursor, draw: (each) => h("li", {}, coupon(each)), next, none: "You have no coupons." }),
    (coupons.length > 0 || cursor !== null) && h("p", { class: "hint" }, "Show the code at the till. Staff can cancel a coupon that was not used; its points come back."),
  );
}

function coupon(each) {
  const [name, kind] = state(each.status === "expired" ? "timed_out" : each.status);
  return [
    h("div", { class: "row" }, h("strong", { class: "code" }, each.code), h("span", { class: "amount" }, money(each))),
    h("p", { class: "hint" }, tag(name, kind), ` good through ${onDay(each.last_day)}, for ${points(each.points)}`),
  ];
}
