// What the pages about one member have in common: who it is, and the way back.

import { get } from "../core/api.js";
import { h } from "../core/dom.js";
import { number } from "../core/format.js";
import { statusTag } from "../core/story.js";
import { tag } from "../core/ui.js";
import { nameOf, storyOf } from "./search.js";

export const overviewOf = (memberId) => get(`members/${encodeURIComponent(memberId)}/overview`);

// Who this page is about, with the points that can be spent.
export function memberLine({ member, balance }) {
  return h(
    "p",
    { class: "row member-line" },
    h("span", {}, h("a", { href: storyOf(member.member_id) }, nameOf(member)), " ", member.organisation && h("span", { class: "hint" }, member.organisation)),
    h("span", {}, `${number(balance.available)} available `, member.status === "active" ? member.tier && tag(member.tier) : statusTag(member.status)),
  );
}

// The heading of the page, once it is known who it is about.
export function call(page, text) {
  page.parentElement.querySelector("h1").textContent = text;
}

// "-5" or "12" as a number; the field itself has made sure that it is one.
export const whole = (text) => Number(text);

// "12,50" is written in some countries; the API reads "12.50".
export const decimal = (text) => text?.replace(",", ".");

export const AMOUNT = { inputmode: "decimal", pattern: "\\d{1,9}([.,]\\d{1,3})?", title: "An amount such as 12.50" };
