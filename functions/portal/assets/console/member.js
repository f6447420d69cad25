// A member's full story on one page.

import { download, get, post } from "../core/api.js";
import { progress } from "../core/chart.js";
import { h, replace } from "../core/dom.js";
import { atTime, label, number, onDay, points } from "../core/format.js";
import { entryItem, entryTypes, expiring, figures, paged, pendingList, statusTag } from "../core/story.js";
import { announce, dialogForm, empty, facts, failure, field, input, loading, save, section, select, tag, wideSection } from "../core/ui.js";
import { call, overviewOf } from "./frame.js";
import { redemptionList } from "./redemptions.js";
import { nameOf, storyOf, written } from "./search.js";

export const title = "Member";

export async function show(page, { parameters }) {
  const asked = parameters.id;
  const draw = async () => {
    const overview = await overviewOf(asked);
    call(page, nameOf(overview.member));
    replace(page, story(overview, asked, draw));
  };
  await draw();
}

function story(overview, asked, draw) {
  const { member, balance } = overview;
  return [
    asked !== member.member_id && h("p", { class: "notice" }, "This member was merged: what you see is the member that both are now."),
    who(member),
    member.status !== "erased" && ways(member),
    figures(balance),
    h(
      "div",
      { class: "columns" },
      section("Pending", pendingSection(overview)),
      section("What expires when", expiring(balance.lots)),
      section("Tier and lifetime", tier(overview.benefits), lifetime(balance)),
      section("Redemptions", redemptionSection(overview, draw)),
      section("Requests", requestSection(overview)),
      section("Sharing plan", sharing(overview.sharing.shares)),
    ),
    wideSection("Profile", profile(member)),
    section("History", history(overview)),
  ];
}

const who = (member) =>
  h(
    "p",
    { class: "tags" },
    statusTag(member.status),
    " ",
    member.tier && [tag(label(member.tier)), " "],
    member.organisation && [tag(member.organisation), " "],
    member.tags.map((each) => [tag(each), " "]),
    !member.earns && tag("does not earn"),
  );

const ways = (member) => {
  const id = encodeURIComponent(member.member_id);
  const link = (path, text) => h("a", { class: "button", href: `#/members/${id}/${path}` }, text);
  return h(
    "nav",
    { class: "actions", "aria-label": "What to do for this member" },
    link("redeem", "Redeem"),
    link("adjust", "Adjust points"),
    link("action", "Record an action"),
    link("edit", "Edit"),
    link("merge", "Merge"),
    h("button", { type: "button", onclick: () => invite(member) }, "Invite to the portal"),
    h("button", { type: "button", onclick: () => statement(member) }, "Statement"),
  );
};

// ---- Parts

const lifetime = ({ lifetime: counts }) => facts(Object.entries(counts).map(([name, count]) => [`${label(name)} in all`, number(count)]));

const pendingSection = ({ member, pending }) =>
  pending.cursor === null
    ? pendingList(pending.earnings)
    : paged({
        items: [pending],
        cursor: pending.cursor,
        draw: (each) => h("li", {}, pendingList(each.earnings)),
        next: async (cursor) => {
          const page = await get(`members/${member.member_id}/pending`, { limit: 20, cursor });
          return { items: [page], cursor: page.cursor };
        },
        none: "Nothing is pending.",
      });

function tier(benefits) {
  const { tier: now, progress: way, tier_until: until } = benefits;
  const goal = way.qualifying_points + (way.points_needed ?? 0);
  return [
    facts([
      ["Now", now ? label(now) : "No tier"],
      until && ["Until", onDay(until)],
      benefits.multiplier !== "1" && ["Earns", `${benefits.multiplier} times the points`],
      ...benefits.memberships.map((each) => [label(each.membership_id ?? "a reward"), `${label(each.tier)} through ${onDay(each.last_day)}`]),
    ].filter(Boolean)),
    way.next_tier &&
      progress({
        label: `To ${label(way.next_tier)}`,
        share: goal ? way.qualifying_points / goal : 0,
        text: `${points(way.points_needed)} to go, ${number(way.qualifying_points)} collected since ${onDay(way.window.from)}`,
      }),
  ];
}

function redemptionSection({ member, redemptions }, draw) {
  const place = h("div", {}, redemptions.length ? redemptionList(redemptions, { changed: draw }) : empty("Nothing is reserved."));
  const all = h("button", { type: "button", onclick: onAll }, "Show all redemptions");
  async function onAll() {
    all.disabled = true;
    replace(place, loading());
    try {
      const page = await get("redemptions", { member_id: member.member_id, limit: 20 });
      replace(place, redemptionList(page.redemptions, { changed: draw, cursor: page.cursor, memberId: member.member_id }));
      all.hidden = true;
    } catch (error) {
      replace(place, failure(error, onAll));
    } finally {
      all.disabled = false;
    }
  }
  return [place, h("p", {}, all)];
}

const requestSection = ({ member, requests }) =>
  paged({
    items: requests.requests,
    cursor: requests.cursor,
    draw: requestItem,
    next: async (cursor) => {
      const page = await get(`members/${member.member_id}/requests`, { limit: 20, cursor });
      return { items: page.requests, cursor: page.cursor };
    },
    none: "Nothing was put before a second person.",
  });

const requestItem = (request) =>
  h(
    "li",
    {},
    h("div", { class: "row" }, h("span", {}, `${label(request.kind)} of ${points(request.points)}`), statusTag(request.status)),
    h(
      "p",
      { class: "hint" },
      `Asked ${atTime(request.created_at)}${request.decided_at ? `, decided ${atTime(request.decided_at)}` : ""} `,
      request.status === "pending" && h("a", { href: "#/approvals" }, "Go to approvals"),
    ),
  );

const sharing = (shares) =>
  shares.length
    ? h("ul", { class: "list" }, shares.map((each) =>
        h("li", { class: "row" }, h("a", { href: storyOf(each.member_id) }, each.member_id), h("span", { class: "amount" }, `${each.percent} %`))))
    : empty("All points stay with this member.");

const profile = (member) =>
  facts([
    ["Email", member.email],
    ["Phone", member.phone],
    ["Birthday", member.birthday && onDay(member.birthday)],
    ["Language", member.language],
    ["Mails", member.notifications === null ? null : member.notifications ? "yes" : "no"],
    ["Jurisdiction", member.jurisdiction],
    ["External ids", member.external_ids.length ? h("ul", { class: "plain" }, member.external_ids.map((each) => h("li", {}, written(each)))) : null],
    ["Referred by", member.referred_by && h("a", { href: storyOf(member.referred_by) }, member.referred_by)],
    ["Merged into this", member.aliases?.length ? h("ul", { class: "plain" }, member.aliases.map((each) => h("li", {}, each))) : null],
    ["Member id", h("code", {}, member.member_id)],
  ]);

function history({ member, entries }) {
  const place = h("div", {}, listOf(entries, ""));
  const type = select("type", [["", "Everything"], ...entryTypes]);
  let asked = 0;
  type.addEventListener("change", async () => {
    asked += 1;
    const turn = asked;
    replace(place, loading());
    try {
      const page = await entriesOf(type.value);
      if (turn === asked) replace(place, listOf(page, type.value));
    } catch (error) {
      if (turn === asked) replace(place, failure(error));
    }
  });
  const entriesOf = (wanted, cursor) =>
    get(`members/${member.member_id}/entries`, { limit: 20, sentences: true, type: wanted, cursor });

  function listOf(page, wanted) {
    return paged({
      items: page.entries,
      cursor: page.cursor,
      draw: (entry) => entryItem(entry, { isDetailed: true }),
      next: async (cursor) => {
        const following = await entriesOf(wanted, cursor);
        return { items: following.entries, cursor: following.cursor };
      },
      none: "There is no such entry.",
    });
  }

  return [h("div", { class: "narrow" }, field("Show", type)), place];
}

// ---- Small things to do

function invite(member) {
  dialogForm({
    title: "Invite to the portal",
    intro: h("p", {}, "A mail with a first password is sent to this address; it is what the member signs in with."),
    fields: [field("Email", input("email", { type: "email", required: true, maxlength: 255, value: member.email ?? "" }))],
    submit: "Send the invitation",
    send: ({ email }, key) => post(`members/${member.member_id}/invitation`, { email }, key),
    done: () => announce(`${nameOf(member)} is invited`),
  });
}

function statement(member) {
  const month = new Date().toISOString().slice(0, 7);
  dialogForm({
    title: "Statement of a month",
    fields: [field("Month", input("month", { type: "month", required: true, value: month, max: month }))],
    submit: "Download as CSV",
    send: ({ month: wanted }) => download(`members/${member.member_id}/statement`, { month: wanted }, "text/csv"),
    done: ({ text, response }) => {
      save(text, "statement.csv", response.headers.get("content-type"));
      announce("The statement is downloaded");
    },
  });
}
