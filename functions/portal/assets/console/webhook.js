// What became of the events that one endpoint was told.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, label, number } from "../core/format.js";
import { announce, button, empty, section, table, tag } from "../core/ui.js";
import { inWords } from "./mails.js";
import { state } from "./webhooks.js";

export const title = "Deliveries";

const KINDS = { delivered: "good", failed: "bad" };

export async function show(page, { parameters: { id } }) {
  const path = `outbound-webhooks/${encodeURIComponent(id)}`;
  const [{ outbound_webhooks: endpoints }, first] = await Promise.all([get("outbound-webhooks"), get(`${path}/deliveries`)]);
  const endpoint = endpoints.find((each) => each.webhook_id === id);
  replace(
    page,
    h("p", {}, h("a", { href: "#/notifications/webhooks" }, "All endpoints"), endpoint && [" · ", endpoint.url, " ", state(endpoint)]),
    section("What it was told", deliveries(path, first)),
  );
}

function deliveries(path, first) {
  const place = h("div", {});
  const more = h("div", { class: "actions" });
  let told = [];

  const add = ({ deliveries: next, cursor }) => {
    told = [...told, ...next];
    replace(place, told.length ? listed(told, again) : empty("Nothing in the last 30 days."));
    replace(
      more,
      button("Look again", look),
      cursor && button("Show more", async () => add(await get(`${path}/deliveries`, { cursor }))),
    );
  };
  const look = async () => {
    const now = await get(`${path}/deliveries`);
    told = [];
    add(now);
    announce("This is how it stands now.");
  };
  const again = async (id) => {
    await post(`${path}/deliveries/${encodeURIComponent(id)}/retry`, {});
    announce("It is tried again now.");
  };

  add(first);
  return [place, more];
}

const listed = (told, again) =>
  table({
    caption: "Deliveries of the last 30 days, newest first",
    columns: [
      { title: "Event", value: (each) => [inWords(each.type), h("p", { class: "hint" }, each.event_id)], isHead: true },
      { title: "Happened", value: (each) => atTime(each.occurred_at) },
      { title: "State", value: (each) => tag(each.status, KINDS[each.status]) },
      { title: "Tries", value: tries, isNumber: false },
      { title: "Next", value: (each) => (each.next_attempt_at ? atTime(each.next_attempt_at) : "–") },
      {
        title: "Again",
        value: (each) => button("Try again", () => again(each.delivery_id), { class: "link", "aria-label": `Try ${inWords(each.type)} ${each.event_id} again` }),
      },
    ],
    rows: told,
  });

const tries = ({ attempts, attempt }) =>
  attempts.length
    ? h("ul", { class: "told" }, attempts.map((each) =>
        h("li", {}, `${atTime(each.attempted_at)}: ${each.status_code ?? label(each.outcome)}, ${number(each.duration_milliseconds)} ms`)),
        attempt > attempts.length && h("li", { class: "hint" }, `${number(attempt - attempts.length)} before`))
    : "none yet";
