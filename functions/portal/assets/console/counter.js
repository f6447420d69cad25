// The counter: redeem for somebody, and check coupons.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { money, onDay, points } from "../core/format.js";
import { statusTag } from "../core/story.js";
import { announce, dialogForm, facts, field, form, input, section } from "../core/ui.js";
import { memberSearch, storyOf } from "./search.js";

export const title = "Counter";

export function show(page) {
  replace(
    page,
    h(
      "div",
      { class: "columns" },
      section("Redeem points", memberSearch({ href: (member) => `${storyOf(member.member_id)}/redeem` })),
      section("Check a coupon", coupons()),
    ),
  );
}

function coupons() {
  const place = h("div", { role: "status" });
  const element = form({
    fields: [field("Coupon code", input("code", { required: true, maxlength: 100, autocapitalize: "characters", spellcheck: "false" }), "As it is printed; small letters and missing dashes do not matter.")],
    submit: "Check",
    send: ({ code }) => get(`coupons/${encodeURIComponent(code)}`),
    done: (coupon) => replace(place, shown(coupon, place)),
  });
  return [element, place];
}

function shown(coupon, place) {
  const update = (text) => (answer) => {
    announce(text);
    replace(place, shown({ ...coupon, ...answer }, place));
  };
  const code = encodeURIComponent(coupon.code);
  return h(
    "div",
    { class: "coupon" },
    h("p", { class: "row" }, h("code", {}, coupon.code), statusTag(coupon.status)),
    facts([
      ["Worth", coupon.amount === null ? null : money({ amount: coupon.amount, currency: coupon.currency })],
      ["Made from", points(coupon.points)],
      ["Good through", onDay(coupon.last_day)],
      ["Member", h("a", { href: storyOf(coupon.member_id) }, coupon.member_id)],
      coupon.used_on && ["Used on", coupon.used_on],
    ].filter(Boolean)),
    coupon.status === "active" && h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "primary", onclick: () => use(code, update("The coupon is used")) }, "Use"),
      h("button", { type: "button", onclick: () => cancel(code, coupon, update("The coupon is cancelled and its points are back")) }, "Cancel it"),
    ),
  );
}

const use = (code, done) =>
  dialogForm({
    title: "Use this coupon",
    intro: h("p", {}, "A coupon can be used once."),
    fields: [field("Used on", input("used_on", { maxlength: 200 }), "The ticket, if there is one.")],
    submit: "Use it now",
    send: (body, key) => post(`coupons/${code}/use`, body, key),
    done,
  });

const cancel = (code, coupon, done) =>
  dialogForm({
    title: "Cancel this coupon",
    intro: h("p", {}, `It cannot be used any more, and ${points(coupon.points)} go back to the member.`),
    fields: [],
    submit: "Cancel the coupon",
    send: (_, key) => post(`coupons/${code}/cancel`, {}, key),
    done,
  });
