// A member's profile, and what decides about the member's points.

import { patch, remove } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { number } from "../core/format.js";
import { open } from "../core/router.js";
import { person } from "../core/session.js";
import { announce, checkbox, dialogForm, field, form, input, section, select } from "../core/ui.js";
import { listed } from "./enrol.js";
import { call, memberLine, overviewOf } from "./frame.js";
import { nameOf } from "./search.js";

export const title = "Edit";

const STATUSES = [
  ["active", "Active"],
  ["frozen", "Frozen: nothing can be spent"],
  ["closed", "Closed: nothing is earned or spent"],
];
const LANGUAGES = [["", "As the program says"], ["en", "English"], ["es", "Spanish"], ["de", "German"]];

export async function show(page, { parameters }) {
  const overview = await overviewOf(parameters.id);
  const { member } = overview;
  call(page, `Edit ${nameOf(member)}`);
  replace(
    page,
    memberLine(overview),
    section("Profile", changes(member, [
      field("Name", input("name", { required: true, maxlength: 1000, value: member.name ?? "" })),
      field("Email", input("email", { type: "email", maxlength: 255, value: member.email ?? "" })),
      field("Phone", input("phone", { type: "tel", maxlength: 1000, value: member.phone ?? "" })),
      field("Birthday", input("birthday", { type: "date", value: member.birthday ?? "" })),
      field("Language of mails", select("language", languages(member), { value: member.language ?? "" })),
      checkbox("notifications", "Gets mails", { checked: member.notifications !== false }),
    ])),
    section("Standing", changes(member, [
      field("Status", select("status", STATUSES, { value: member.status })),
      field("Organisation", input("organisation", { maxlength: 1000, value: member.organisation ?? "" })),
      field("Jurisdiction", input("jurisdiction", { maxlength: 1000, value: member.jurisdiction ?? "" })),
      field("Tags", input("tags", { maxlength: 1000, value: member.tags.join(", ") }), "Separated by commas."),
      !member.referred_by && field("Referred by", input("referred_by", { maxlength: 200 }), "A member's id. It cannot be changed once it is set."),
      checkbox("earns", "Earns points", { checked: member.earns }),
    ])),
    section("Another external id", another(member)),
    person().isAdmin && section("Erase this person", erasing(overview)),
  );
}

const languages = ({ language }) =>
  LANGUAGES.some(([each]) => each === (language ?? "")) ? LANGUAGES : [...LANGUAGES, [language, language]];

const address = (member) => `members/${encodeURIComponent(member.member_id)}`;

function saved(answer) {
  announce(`${nameOf(answer)} is saved`);
  open(`/members/${encodeURIComponent(answer.member_id)}`);
}

// Sends what differs from the member as it was read; a field that was emptied is cleared.
function changes(member, fields) {
  const element = form({
    fields: h("div", { class: "fields" }, fields),
    submit: "Save",
    send: (values, key) => {
      const changed = difference(element, member, values);
      if (!Object.keys(changed).length) throw new Error("Nothing was changed.");
      return patch(address(member), changed, key);
    },
    done: saved,
  });
  return element;
}

function difference(element, member, values) {
  const changed = {};
  for (const { name } of element.elements) {
    if (!name) continue;
    const value = name === "tags" ? listed(values.tags) : (values[name] ?? null);
    if (JSON.stringify(value) !== JSON.stringify(member[name] ?? null)) changed[name] = value;
  }
  return changed;
}

const another = (member) =>
  form({
    fields: h(
      "div",
      { class: "fields" },
      field("Source", input("source", { required: true, maxlength: 200, pattern: "[^:]+" }), "The till or billing system, such as pos or stripe."),
      field("Customer id there", input("id", { required: true, maxlength: 800 })),
    ),
    submit: "Add",
    send: ({ source, id }, key) => patch(address(member), { external_ids: [{ source, id }] }, key),
    done: saved,
  });

function erasing({ member, balance }) {
  const word = "ERASE";
  const ask = () =>
    dialogForm({
      title: "Erase this person for good",
      intro: h("p", {}, `Name, addresses, notes and external ids are deleted, ${number(balance.available)} available and ${number(balance.pending)} pending points are forfeited. The ledger keeps its entries without a name. Nobody can undo this.`),
      fields: [field(`Type ${word} to go on`, input("word", { required: true, pattern: word, title: word }))],
      submit: "Erase",
      send: (_, key) => remove(address(member), key),
      done: () => {
        announce("The person is erased");
        open("/members");
      },
    });
  return [
    h("p", {}, "On request of the person. The points are forfeited, the ledger stays."),
    h("button", { type: "button", class: "danger", onclick: ask }, "Erase …"),
  ];
}
