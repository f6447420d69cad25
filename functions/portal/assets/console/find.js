// Find a member.

import { get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { empty, field, form, input, section, table } from "../core/ui.js";

export const title = "Members";

export async function show(page) {
  const found = h("div", { role: "status" });
  const search = form({
    attributes: { role: "search" },
    fields: [field("Name, email or external id", input("term", { required: true, type: "search", maxlength: 200 }), "An external id is source:id, such as pos:1234.")],
    submit: "Find",
    send: ({ term }) => get("members", query(term)),
    done: ({ members }) => replace(found, members.length ? results(members) : empty("Nobody was found.")),
  });
  replace(page, section("Find a member", search), found);
}

const query = (term) => (term.includes("@") ? { email: term } : term.includes(":") ? { external_id: term } : { name: term });

const results = (members) =>
  table({
    caption: "Members found",
    columns: [
      { title: "Name", value: (each) => each.name ?? "–", isHead: true },
      { title: "Email", value: (each) => each.email ?? "–" },
      { title: "Organisation", value: (each) => each.organisation ?? "–" },
    ],
    rows: members,
  });
