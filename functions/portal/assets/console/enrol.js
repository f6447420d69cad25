// Enrol a member. Whoever has the same email, name or external id is shown while one types.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { open } from "../core/router.js";
import { announce, checkbox, field, form, input, section } from "../core/ui.js";
import { nameOf, storyOf, written } from "./search.js";

export const title = "Enrol a member";

const MAX_HINTS = 5;

export function show(page) {
  const hints = new Map(["external_id", "email", "name"].map((each) => [each, h("div", { role: "status" })]));
  const element = form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field("Name", input("name", { required: true, maxlength: 1000 })),
        field("Email", input("email", { type: "email", maxlength: 255 })),
        field("Phone", input("phone", { type: "tel", maxlength: 1000 })),
        field("Birthday", input("birthday", { type: "date" })),
        field("Organisation", input("organisation", { maxlength: 1000 }), "The firm or household that the member belongs to."),
        field("Jurisdiction", input("jurisdiction", { maxlength: 1000 }), "Such as US-TX, where the law asks for it."),
        field("Tags", input("tags", { maxlength: 1000 }), "Separated by commas."),
        field("External id", input("external_id", { maxlength: 1000, pattern: "[^:]+:.+", title: "source:id, such as pos:1234" }), "The customer at a till or billing system, such as pos:1234."),
        field("Referred by", input("referred_by", { maxlength: 200 }), "The id of the member who brought this one."),
      ),
      [...hints.values()],
      checkbox("earns", "Earns points", { checked: true }),
    ],
    submit: "Enrol",
    send: enrolled,
    done: ({ member, isKnown }) => {
      announce(isKnown ? `${nameOf(member)} is a member already` : `${nameOf(member)} is enrolled`);
      open(`/members/${encodeURIComponent(member.member_id)}`);
    },
  });
  for (const [name, place] of hints) element.elements[name].addEventListener("change", (event) => hint(event.target, name, place));
  replace(page, section("Who it is", element));
}

async function enrolled({ tags, external_id: externalId, ...rest }, key) {
  if (externalId) {
    const { members } = await get("members", { external_id: externalId });
    if (members.length) return { member: members[0], isKnown: true };
  }
  const [source, ...id] = (externalId ?? "").split(":");
  const body = {
    ...rest,
    ...(tags && { tags: listed(tags) }),
    ...(externalId && { external_ids: [{ source, id: id.join(":") }] }),
  };
  return { member: await post("members", body, key), isKnown: false };
}

export const listed = (text) => (text ?? "").split(",").map((each) => each.trim()).filter(Boolean);

// Those who may be the same person. That a look fails hinders nobody.
async function hint(control, name, place) {
  const term = control.value.trim();
  replace(place);
  if (!term || !control.validity.valid) return;
  try {
    const { members } = await get("members", { [name]: term, limit: MAX_HINTS });
    if (control.value.trim() !== term || !members.length) return;
    const links = members.map((each) => h("li", {}, h("a", { href: storyOf(each.member_id) }, nameOf(each)), ` ${about(each)}`));
    replace(place, h("div", { class: "notice" }, h("p", {}, `There is already a member with this ${name.replace("_", " ")}:`), h("ul", {}, links)));
  } catch {
    replace(place);
  }
}

const about = (member) => [member.email, member.organisation, ...member.external_ids.map(written)].filter(Boolean).join(", ");
