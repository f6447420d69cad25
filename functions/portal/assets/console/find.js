// Find a member.

import { h, replace } from "../core/dom.js";
import { section } from "../core/ui.js";
import { memberSearch, storyOf } from "./search.js";

export const title = "Members";

export function show(page, { query }) {
  replace(
    page,
    section("Find a member", memberSearch({ href: (member) => storyOf(member.member_id), term: query.term, found: keep })),
    h("p", {}, "Not a member yet? ", h("a", { href: "#/enrol" }, "Enrol somebody"), "."),
  );
}

// The address knows the search, so that going back shows it again.
function keep(term) {
  history.replaceState(null, "", `#/members?${new URLSearchParams({ term })}`);
}
