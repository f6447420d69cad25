// What the member has.

import { get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { money, number } from "../core/format.js";
import { keepFresh } from "../core/ui.js";

export const title = "Overview";

const REFRESH_SECONDS = 10;

export async function show(page, { signal }) {
  const refresh = async () => replace(page, figures(await get("members/me/balance")));
  await refresh();
  keepFresh(refresh, { seconds: REFRESH_SECONDS, signal });
}

const figures = (balance) =>
  h(
    "dl",
    { class: "figures" },
    h("div", { class: "main" }, h("dt", {}, "Available"), h("dd", {}, number(balance.available), h("p", { class: "hint" }, `worth ${money(balance.value)}`))),
    h("div", {}, h("dt", {}, "Pending"), h("dd", {}, number(balance.pending))),
    h("div", {}, h("dt", {}, "Reserved"), h("dd", {}, number(balance.reserved))),
  );
