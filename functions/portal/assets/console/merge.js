// Make two members one.

import { post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { label, number, points } from "../core/format.js";
import { open } from "../core/router.js";
import { announce, facts, field, form, input, section } from "../core/ui.js";
import { call, memberLine, overviewOf } from "./frame.js";
import { memberSearch, nameOf, storyOf, written } from "./search.js";

export const title = "Merge";

const WORD = "MERGE";

export async function show(page, { parameters, query }) {
  const [one, other] = await Promise.all([overviewOf(parameters.id), query.with && overviewOf(query.with)]);
  call(page, `Merge ${nameOf(one.member)}`);
  if (!other) replace(page, memberLine(one), section("Who is the same person?", searchOther(one.member)));
  else if (other.member.member_id === one.member.member_id) replace(page, h("p", { class: "notice" }, "These two are one member already."), h("p", {}, h("a", { href: storyOf(one.member.member_id) }, "See the member")));
  else replace(page, comparison(one, other));
}

const searchOther = (member) =>
  memberSearch({ href: (other) => `#/members/${encodeURIComponent(member.member_id)}/merge?${new URLSearchParams({ with: other.member_id })}` });

function comparison(one, other) {
  const consequences = h("div", {});
  const keep = h(
    "fieldset",
    {},
    h("legend", {}, "Who stays?"),
    [one, other].map((each, index) => choice(each, index === 0)),
  );
  const element = form({
    fields: [keep, consequences, field(`Type ${WORD} to go on`, input("word", { required: true, pattern: WORD, title: WORD }))],
    submit: "Merge for good",
    send: ({ keep: kept }, key) => {
      const [target, source] = inOrder(kept);
      return post(`members/${encodeURIComponent(source.member.member_id)}/merge`, { into: target.member.member_id }, key);
    },
    done: () => {
      const [target] = inOrder(element.elements.keep.value);
      announce(`${nameOf(one.member)} and ${nameOf(other.member)} are one member now`);
      open(`/members/${encodeURIComponent(target.member.member_id)}`);
    },
  });
  const inOrder = (kept) => (kept === one.member.member_id ? [one, other] : [other, one]);
  const explain = () => replace(consequences, whatHappens(...inOrder(element.elements.keep.value)));
  keep.addEventListener("change", explain);
  explain();
  return [
    h("div", { class: "columns" }, side(one), side(other)),
    section("Become one member", element),
  ];
}

const choice = ({ member }, isFirst) => {
  const id = `keep-${member.member_id}`;
  return h(
    "div",
    { class: "field inline" },
    h("input", { type: "radio", name: "keep", id, value: member.member_id, checked: isFirst }),
    h("label", { for: id }, `${nameOf(member)} (${member.member_id})`),
  );
};

const side = ({ member, balance, redemptions, sharing }) =>
  section(
    nameOf(member),
    facts([
      ["Member id", member.member_id],
      ["Status", label(member.status)],
      ["Email", member.email],
      ["Phone", member.phone],
      ["Organisation", member.organisation],
      ["Tier", member.tier && label(member.tier)],
      ["External ids", member.external_ids.map(written).join(", ") || null],
      ["Available", number(balance.available)],
      ["Pending", number(balance.pending)],
      ["Debt", number(balance.debt)],
      ["Reserved", redemptions.length ? `${number(balance.reserved)} for ${redemptions.length} redemptions` : number(balance.reserved)],
      ["Sharing plan", sharing.shares.length ? `with ${sharing.shares.length} members` : "none"],
    ]),
  );

function whatHappens(target, source) {
  const [stays, goes] = [nameOf(target.member), nameOf(source.member)];
  const available = target.balance.available + source.balance.available;
  return h(
    "ul",
    {},
    h("li", {}, `${goes} passes ${points(source.balance.available)} and ${number(source.balance.pending)} pending to ${stays}, who then has ${number(available)} available.`),
    source.balance.debt + target.balance.debt > 0 && h("li", {}, "Debt of one is paid from the points of the other."),
    h("li", {}, "External ids, lifetime counters, the higher tier and shares in plans of others pass along. A sharing plan of one's own ends."),
    h("li", {}, `The id ${source.member.member_id} stays good: it means ${stays} from then on.`),
    h("li", {}, "Nobody can undo this."),
    source.balance.reserved > 0 && h("li", {}, h("strong", {}, `${goes} has open reservations: finish or cancel them first.`)),
  );
}
