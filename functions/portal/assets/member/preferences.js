// What the member says of themselves, and whether mails are welcome.

import { get, patch } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { announce, facts, field, form, input, section, select } from "../core/ui.js";
import { label } from "../core/format.js";

export const title = "Preferences";

const LANGUAGES = [["", "As the program does"], ["en", "English"], ["es", "Español"], ["de", "Deutsch"]];

export async function show(page, { signal }) {
  const member = await get("members/me");
  if (signal.aborted) return;
  replace(page, h("div", { class: "columns" }, section("About you", about(member)), section("Mails", mails(member))), section("What only staff change", kept(member)));
}

const about = (member) =>
  form({
    fields: [
      field("Name", input("name", { required: true, maxlength: 1000, value: member.name ?? "", autocomplete: "name" })),
      field("Email", input("email", { type: "email", maxlength: 300, value: member.email ?? "", autocomplete: "email" })),
      field("Phone", input("phone", { type: "tel", maxlength: 100, value: member.phone ?? "", autocomplete: "tel" })),
      field("Birthday", input("birthday", { type: "date", value: member.birthday ?? "", autocomplete: "bday" })),
    ],
    submit: "Save",
    send: ({ name, email = null, phone = null, birthday = null }) => patch("members/me", { name, email, phone, birthday }),
    done: () => announce("Saved."),
  });

function mails(member) {
  const wanted = h("input", { type: "checkbox", name: "notifications", checked: member.notifications !== false });
  const language = select("language", known(member.language));
  language.value = member.language ?? "";
  return form({
    fields: [
      h("label", { class: "choice" }, wanted, "Tell me by email what happens to my points"),
      field("Language", language),
    ],
    submit: "Save mails",
    send: ({ notifications, language: chosen = null }) => patch("members/me", { notifications, language: chosen }),
    done: () => announce("Saved."),
  });
}

// A language that staff have set is kept, whatever it is.
const known = (language) =>
  language && !LANGUAGES.some(([code]) => code === language) ? [...LANGUAGES, [language, language]] : LANGUAGES;

const kept = (member) =>
  facts([
    ["Member", member.member_id],
    ["Status", label(member.status)],
    ["Organisation", member.organisation],
    ["Region", member.jurisdiction],
  ]);
