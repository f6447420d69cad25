// Endpoints that are told of events.

import { get, post, remove } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, counted, label } from "../core/format.js";
import { announce, button, confirm, dialog, empty, field, form, input, section, table, tabs, tag } from "../core/ui.js";
import { inWords, TABS } from "./mails.js";

export const title = "Webhooks";

const EVENTS = [
  "PointsAccrued", "PointsMatured", "PointsReversed", "PointsReserved", "PointsRedeemed", "PointsReleased",
  "PointsExpiring", "PointsExpired", "PointsExtended", "PointsLapsed", "PointsTransferred", "PointsAdjusted",
  "PointsForfeited", "PointsOpened", "TierChanged", "ApprovalRequested", "MemberEnrolled", "MemberChanged",
  "MembersMerged", "LedgerInconsistent",
];

export async function show(page) {
  const list = h("div", {});
  const refresh = async () => {
    const { outbound_webhooks: endpoints } = await get("outbound-webhooks");
    replace(list, endpoints.length ? listed(endpoints, refresh) : empty("Nobody is told of events yet."));
  };
  await refresh();
  replace(
    page,
    tabs("Notifications", TABS, "/notifications/webhooks"),
    section("Endpoints", list),
    section("Add an endpoint", registration(refresh)),
  );
}

export const KINDS = { active: "good", failing: "bad", disabled: "bad" };

const listed = (endpoints, refresh) =>
  table({
    caption: "Endpoints, the oldest first",
    captionHidden: true,
    columns: [
      { title: "Address", value: (each) => [each.url, each.description && h("p", { class: "hint" }, each.description)], isHead: true },
      { title: "Events", value: (each) => (each.events ? each.events.map(inWords).join(", ") : "all") },
      { title: "State", value: state },
      { title: "Since", value: (each) => atTime(each.created_at) },
      { title: "Do", value: (each) => choices(each, refresh) },
    ],
    rows: endpoints,
  });

export const state = (endpoint) => [
  tag(endpoint.status, KINDS[endpoint.status]),
  endpoint.failures > 0 && h("p", { class: "hint" }, `${counted(endpoint.failures, "failure", "failures")} in a row`),
  endpoint.disabled_because && h("p", { class: "hint" }, label(endpoint.disabled_because)),
];

function choices({ webhook_id: id, url, status }, refresh) {
  const path = `outbound-webhooks/${encodeURIComponent(id)}`;
  const named = (text) => ({ "aria-label": `${text}: ${url}` });
  const test = async (key) => {
    await post(`${path}/test`, {}, key);
    announce("A test event is on its way: see the deliveries.");
  };
  const rotate = async (key) => {
    const text = "From now on events are signed with the new secret too; the old one ends after 24 hours.";
    if (!(await confirm({ title: "Make a new secret?", text, yes: "Make a new secret" }))) return;
    shown(await post(`${path}/secret`, {}, key));
  };
  const enable = async () => {
    await post(`${path}/enable`, {});
    await refresh();
    announce("It is told of events again.");
  };
  const end = async () => {
    if (!(await confirm({ title: "Remove this endpoint?", text: `${url} is told nothing more.`, yes: "Remove" }))) return;
    await remove(path);
    await refresh();
    announce("The endpoint is removed.");
  };
  return h(
    "div",
    { class: "actions" },
    h("a", { href: `#/notifications/webhooks/${encodeURIComponent(id)}`, ...named("Deliveries") }, "Deliveries"),
    button("Test", test, { class: "link", ...named("Test") }),
    button("New secret", rotate, { class: "link", ...named("New secret") }),
    status !== "active" && button("Enable", enable, { class: "link", ...named("Enable") }),
    button("Remove", end, { class: "link", ...named("Remove") }),
  );
}

const registration = (refresh) =>
  form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field("Address", input("url", { required: true, type: "url", maxlength: 1000, placeholder: "https://" }), "https, and reachable from the internet."),
        field("Description", input("description", { maxlength: 1000 })),
      ),
      h(
        "details",
        { class: "more" },
        h("summary", {}, "Only some events"),
        h("fieldset", { class: "checks" }, h("legend", {}, "Events (none chosen: all)"), EVENTS.map((each) =>
          h("label", { class: "check" }, h("input", { type: "checkbox", name: each }), ` ${inWords(each)}`))),
      ),
    ],
    submit: "Add",
    send: ({ url, description, ...chosen }, key) => {
      const events = EVENTS.filter((each) => chosen[each]);
      return post("outbound-webhooks", { url, ...(description && { description }), ...(events.length && { events }) }, key);
    },
    done: async (answer, element) => {
      element.reset();
      shown(answer);
      await refresh();
    },
  });

// The only time that a secret is seen.
function shown({ secret }) {
  const copy = async () => {
    await navigator.clipboard.writeText(secret);
    announce("Copied.");
  };
  dialog({
    title: "The secret of this endpoint",
    content: [
      h("p", {}, "It is shown once. Give it to whoever checks the signatures (Standard Webhooks)."),
      h("p", {}, h("code", { class: "secret" }, secret)),
      button("Copy", copy),
    ],
  });
}
