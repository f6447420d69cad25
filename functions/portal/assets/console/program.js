// The program: the rules in force in plain words, and its versions.

import { get } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime } from "../core/format.js";
import { person } from "../core/session.js";
import { button, dialog, empty, section, table, tag } from "../core/ui.js";
import { writeJson } from "./json_text.js";

export const title = "Program";

export async function show(page) {
  const isAdmin = person().isAdmin;
  const [program, versions] = await Promise.all([get("program"), isAdmin ? get("program/versions") : null]);
  replace(page, rules(program), versions && history(versions, program));
}

const rules = (program) =>
  section(
    `${program.name}: the rules in force`,
    h("ul", { class: "rules" }, program.sentences.map((each) => h("li", {}, each))),
    person().isAdmin
      ? h("div", { class: "actions" }, h("a", { class: "button primary", href: "#/program/draft" }, "Change the rules"))
      : h("p", { class: "hint" }, "Rules are changed by an administrator."),
  );

function history(first, inForce) {
  const place = h("div", {});
  const more = h("div", { class: "actions" });
  let versions = [];

  function add({ versions: next, cursor }) {
    versions = [...versions, ...next];
    replace(place, versions.length ? listed(versions, inForce) : empty("Nothing was published yet."));
    replace(more, cursor && button("Earlier versions", async () => add(await get("program/versions", { cursor }))));
  }

  add(first);
  return section("Versions", place, more);
}

const listed = (versions, inForce) =>
  table({
    caption: "Versions of the program, newest first",
    captionHidden: true,
    columns: [
      { title: "Version", value: (each) => String(each.version), isHead: true },
      { title: "State", value: (each) => state(each, inForce) },
      { title: "From", value: (each) => atTime(each.effective_from) },
      { title: "Until", value: (each) => (each.effective_until ? atTime(each.effective_until) : "–") },
      { title: "Published", value: (each) => atTime(each.published_at) },
      { title: "By", value: (each) => each.published_by || "the deployment" },
      { title: "Document", value: choices },
    ],
    rows: versions,
  });

// The clock of this computer may be wrong: what is in force is for the ledger to say.
function state(version, inForce) {
  if (version.version === inForce.version) return tag("in force", "good");
  return tag(Date.parse(version.effective_from) > Date.parse(inForce.effective_from) ? "scheduled" : "over");
}

const choices = (version) =>
  h(
    "span",
    { class: "row" },
    h("button", { type: "button", class: "link", "aria-label": `Show version ${version.version}`, onclick: () => read(version) }, "Show"),
    h("a", { href: `#/program/draft?from=${version.version}`, "aria-label": `Change a copy of version ${version.version}` }, "Change a copy"),
  );

function read(version) {
  const text = h("pre", { tabindex: "0", role: "region", "aria-label": "Document" }, writeJson(version.program));
  dialog({ title: `Version ${version.version}`, content: text }).classList.add("wide");
}
