// What waits for a second person, and the decision. Nobody decides what they asked for themselves.

import { get, post } from "../core/api.js";
import { h, newId, replace } from "../core/dom.js";
import { atTime, label, number, signed } from "../core/format.js";
import { person } from "../core/session.js";
import { paged, statusTag, words } from "../core/story.js";
import { announce, dialogForm, failure, field, loading, section, select, textarea } from "../core/ui.js";
import { storyOf } from "./search.js";

export const title = "Approvals";

const STATUSES = [["open", "Waiting"], ["approved", "Approved"], ["rejected", "Rejected"], ["expired", "Expired"]];
const WHOSE = [["", "Everybody's"], ["true", "My own"]];
const PAGE = 20;

export async function show(page) {
  const status = select("status", STATUSES);
  const mine = select("mine", WHOSE);
  const place = h("div", {}, loading());
  replace(page, section("What was asked for", h("div", { class: "fields" }, field("Show", status), field("Whose", mine)), place));
  let asked = 0;
  const draw = async () => {
    asked += 1;
    const turn = asked;
    replace(place, loading());
    try {
      const found = await approvals(status.value, mine.value);
      if (turn === asked) replace(place, list(found, draw, status.value, mine.value));
    } catch (error) {
      if (turn === asked) replace(place, failure(error, draw));
    }
  };
  status.addEventListener("change", draw);
  mine.addEventListener("change", draw);
  await draw();
}

const approvals = (status, mine, cursor) => get("approvals", { status, mine, limit: PAGE, cursor });

const list = (found, draw, status, mine) =>
  paged({
    items: found.approvals,
    cursor: found.cursor,
    draw: (approval) => item(approval, draw),
    next: async (cursor) => {
      const page = await approvals(status, mine, cursor);
      return { items: page.approvals, cursor: page.cursor };
    },
    none: status === "open" ? "Nothing waits for a decision." : "There is nothing here.",
  });

function item(approval, draw) {
  const count = approval.kind === "adjustment" ? signed(approval.points) : number(approval.points);
  return h(
    "li",
    {},
    h("div", { class: "row" }, h("strong", {}, `${label(approval.kind)}: ${count} points`), statusTag(approval.status)),
    h("p", {}, "For ", h("a", { href: storyOf(approval.member_id) }, approval.member_name ?? approval.member_id)),
    approval.reason && h("p", {}, `Reason: ${words(approval.reason)}`),
    approval.note && h("p", {}, `Note: ${approval.note}`),
    h("p", { class: "hint" }, dates(approval)),
    approval.status === "open" && decisions(approval, draw),
  );
}

const dates = (approval) =>
  [
    `Asked ${atTime(approval.created_at)}${isOwn(approval) ? " by you" : ""}`,
    approval.decided_at ? `decided ${atTime(approval.decided_at)}` : approval.expires_at && `open until ${atTime(approval.expires_at)}`,
  ].filter(Boolean).join(", ");

const isOwn = (approval) => approval.requested_by === person().subject;

function decisions(approval, draw) {
  const why = newId("why");
  const own = isOwn(approval);
  const about = own ? why : undefined;
  const name = `${label(approval.kind)} of ${number(approval.points)} points`;
  const button = (text, kind, isApproved) =>
    h("button", { type: "button", class: kind, disabled: own, "aria-describedby": about, "aria-label": `${text}: ${name}`, onclick: () => decide(approval, isApproved, draw) }, text);
  return h(
    "div",
    { class: "actions" },
    button("Approve", "primary", true),
    button("Reject", "", false),
    own && h("span", { class: "hint", id: why }, "You asked for this yourself: somebody else has to decide."),
  );
}

function decide(approval, isApproved, draw) {
  dialogForm({
    title: isApproved ? "Approve" : "Reject",
    intro: h("p", {}, `${label(approval.kind)} of ${number(approval.points)} points.`),
    fields: [field("Note", textarea("note", { maxlength: 1000 }), "If there is something to say.")],
    submit: isApproved ? "Approve" : "Reject",
    send: (body, key) => post(`approvals/${encodeURIComponent(approval.approval_id)}/${isApproved ? "approve" : "reject"}`, body, key),
    done: async () => {
      announce(isApproved ? "Approved" : "Rejected");
      await draw();
      document.querySelector("main h1")?.focus();
    },
  });
}
