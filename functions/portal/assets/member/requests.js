// What the member has asked for that somebody has to approve, and what became of it.

import { get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, money, points } from "../core/format.js";
import { empty, failure, keepFresh, section, tag } from "../core/ui.js";
import { cancelButton } from "./overview.js";
import { state } from "./words.js";

export const title = "Requests";

const REFRESH_SECONDS = 15;

export async function show(page, { signal }) {
  const list = h("div", {});
  const more = h("div", { class: "actions" });
  let shown = "";
  const refresh = async () => {
    const found = await get("members/me/requests");
    const text = JSON.stringify(found);
    if (signal.aborted || text === shown) return;
    shown = text;
    const items = h("ul", { class: "list" }, found.requests.map((each) => item(each, refresh)));
    replace(list, found.requests.length ? items : empty("You have asked for nothing that has to be approved."));
    following(items, found.cursor);
  };
  const following = (items, cursor) =>
    replace(more, cursor && h("button", { type: "button", onclick: () => go(items, cursor) }, "Show more"));
  const go = async (items, cursor) => {
    try {
      const found = await get("members/me/requests", { cursor });
      const count = items.children.length;
      items.append(...found.requests.map((each) => item(each, refresh)));
      following(items, found.cursor);
      items.children[count]?.focus();
    } catch (error) {
      replace(more, failure(error, () => go(items, cursor)));
    }
  };
  await refresh();
  replace(page, section("Your requests", list, more));
  keepFresh(() => refresh().catch(() => {}), { seconds: REFRESH_SECONDS, signal });
}

function item(request, refresh) {
  const [name, kind] = state(request.status);
  const isWaiting = request.status === "pending";
  return h(
    "li",
    { tabindex: "-1" },
    h("div", { class: "row" }, h("strong", {}, request.kind === "transfer" ? "Transfer" : "Redemption"), h("span", { class: "amount" }, what(request))),
    h("p", {}, tag(name, kind)),
    h("p", { class: "hint" }, when(request)),
    isWaiting && request.redemption_id && h("div", { class: "actions" }, cancelButton(request.redemption_id, what(request), refresh)),
  );
}

const what = ({ points: count, amount, currency }) => (amount ? `${points(count)} (${money({ amount, currency })})` : points(count));

const when = (request) =>
  [
    `Asked ${atTime(request.created_at)}`,
    request.decided_at && `decided ${atTime(request.decided_at)}`,
    request.status === "pending" && request.expires_at && `decided by ${atTime(request.expires_at)} at the latest`,
  ].filter(Boolean).join(", ");
