// A draft of the program: written with its errors at their lines, compared with what is in force,
// backtested, and published.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, label } from "../core/format.js";
import { person } from "../core/session.js";
import { announce, confirm, empty, failure, field, form, input, section, sentence } from "../core/ui.js";
import { backtest } from "./backtest.js";
import { codeArea } from "./code_area.js";
import { difference, hunks } from "./difference.js";
import { lineAt, placeOf, readJson, writeJson } from "./json_text.js";

export const title = "Change the rules";

const JUDGE_AFTER_MILLISECONDS = 400;
const MAX_ERRORS_SHOWN = 50;
const MAX_PAGES = 100;
const KEPT = "points-ledger-program-draft";

export async function show(page, { query, signal }) {
  if (!person().isAdmin) return void replace(page, empty("Rules are changed by an administrator."));
  const [inForce, begun] = await Promise.all([get("program"), query.from && versionOf(query.from)]);
  const start = kept(query.from) ?? writeJson((begun || inForce).program);

  const changes = h("div", {});
  const judged = new EventTarget();
  const tell = (isValid) => judged.dispatchEvent(new CustomEvent("judged", { detail: isValid }));
  const draft = editor({
    start,
    inForce,
    signal,
    onjudging: () => (keep(draft.text(), query.from), tell(false)),
    onjudged: (judgement) => {
      replace(changes, compared(judgement, inForce));
      tell(judgement.valid);
    },
  });
  replace(
    page,
    h("p", {}, `In force: version ${inForce.version}, since ${atTime(inForce.effective_from)}. Nothing changes before you publish.`),
    draft.element,
    section("What changes", changes),
    backtest({ judged, document: draft.document, signal }),
    publication(draft, judged, () => changes.querySelectorAll(".sentences li").length),
  );
  await draft.judge();
}

// What was typed outlives a reload; a copy of another version is begun anew.
const keep = (text, from) => sessionStorage.setItem(KEPT, JSON.stringify({ text, from }));

function kept(from) {
  const draft = JSON.parse(sessionStorage.getItem(KEPT));
  return draft && (from === undefined || from === draft.from) ? draft.text : null;
}

async function versionOf(number) {
  let cursor = null;
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const told = await get("program/versions", { cursor });
    const found = told.versions.find((each) => String(each.version) === number);
    if (found || !told.cursor) return found;
    cursor = told.cursor;
  }
  return undefined;
}

// ---- Writing

// `onjudging` is called when the text changes, `onjudged` with each judgement: { valid, sentences } or
// { valid: false, errors }; where the text can be read at all, what it says is in `document`.
function editor({ start, inForce, signal, onjudging, onjudged }) {
  const status = h("p", { role: "status", class: "judgement" });
  const errors = h("ul", { class: "list errors" });
  const area = codeArea("document", { value: start, oninput: judgeSoon });
  let timer = 0;
  let latest = 0;
  let reading = readJson(start);

  function judgeSoon() {
    clearTimeout(timer);
    // What stands there now was not judged yet: nobody publishes it, or what stood there before.
    latest += 1;
    status.className = "judgement";
    status.textContent = "…";
    onjudging();
    timer = setTimeout(judge, JUDGE_AFTER_MILLISECONDS);
  }
  signal.addEventListener("abort", () => clearTimeout(timer));

  async function judge() {
    latest += 1;
    const turn = latest;
    reading = readJson(area.control.value);
    if (reading.error) return tell({ valid: false, errors: [], unreadable: reading.error });
    try {
      const judgement = await post("program/validations", { program: reading.value });
      // What was judged may have been changed meanwhile.
      if (turn === latest && !signal.aborted) tell({ ...judgement, document: reading.value });
    } catch (error) {
      if (turn === latest && !signal.aborted) replace(errors, h("li", {}, failure(error, judge)));
    }
  }

  function tell(judgement) {
    const found = judgement.unreadable
      ? [{ ...judgement.unreadable, path: "" }]
      : (judgement.errors ?? []).map((each) => placed(reading, each));
    found.sort((one, other) => one.start - other.start);
    const text = area.control.value;
    area.mark(found.map((each) => lineAt(text, each.start)));
    area.control.setAttribute("aria-invalid", String(!judgement.valid));
    status.className = `judgement ${judgement.valid ? "good" : "bad"}`;
    status.textContent = judgement.valid
      ? "This draft can be published."
      : found.length === 1 ? "One thing is wrong." : `${found.length} things are wrong.`;
    replace(errors, found.slice(0, MAX_ERRORS_SHOWN).map((each) => line(area, text, each)));
    onjudged(judgement);
  }

  const write = (text) => {
    area.set(text);
    judgeSoon();
  };
  const tidy = () => (reading.error ? announce("First it has to be readable.", "failed") : write(writeJson(reading.value)));
  const begin = async () => {
    const isSure = await confirm({ title: "Start again?", text: "What you have written is replaced by the version in force.", yes: "Start again" });
    if (isSure) write(writeJson(inForce.program));
  };
  const element = section(
    "The draft",
    field("Program document", area.control, "JSON, as described in docs/program.md. It is judged while you type."),
    status,
    errors,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", onclick: tidy }, "Tidy up"),
      h("button", { type: "button", onclick: begin }, "Start again"),
    ),
  );
  // The field holds the control alone; its lines stand beside it.
  element.querySelector("label").after(area.element);
  area.element.append(area.control);
  return { element, judge, text: () => area.control.value, document: () => reading.value };
}

function placed(reading, { field: name, message }) {
  const path = name.replace(/^program\.?/, "");
  return { ...placeOf(reading.places, path), path, message };
}

const line = (area, text, { start, end, path, message }) =>
  h(
    "li",
    {},
    h("button", { type: "button", class: "link", onclick: () => area.select({ start, end }) }, `Line ${lineAt(text, start)}`),
    path && [" ", h("code", {}, path)],
    `: ${message}`,
  );

// ---- Comparing

function compared(judgement, inForce) {
  if (!judgement.document) return empty("The draft cannot be read yet.");
  const before = writeJson(inForce.program).split("\n");
  const steps = difference(before, writeJson(judgement.document).split("\n"));
  if (steps.every((each) => each.kind === "same")) return empty(`The draft says what version ${inForce.version} says.`);
  return [
    judgement.valid && [h("h3", {}, "In plain words"), spoken(difference(inForce.sentences, judgement.sentences))],
    h("h3", {}, "Line by line"),
    written(hunks(steps)),
  ];
}

function spoken(steps) {
  const changed = steps.filter((each) => each.kind !== "same");
  if (!changed.length) return empty("The rules read the same as before.");
  const item = ({ kind, text }) =>
    kind === "removed"
      ? h("li", { class: "removed" }, h("span", { class: "hidden" }, "No longer: "), h("del", {}, text))
      : h("li", { class: "added" }, h("span", { class: "hidden" }, "New: "), h("ins", {}, text));
  return h("ul", { class: "sentences list" }, changed.map(item));
}

const SIGNS = { same: " ", removed: "−", added: "+" };

const written = (runs) =>
  h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": "Changed lines" },
    runs.map((run) =>
      h(
        "table",
        { class: "difference" },
        h("caption", { class: "hidden" }, `Lines ${run[0].new ?? run[0].old} and after`),
        h("tbody", {}, run.map((step) =>
          h(
            "tr",
            { class: step.kind },
            h("td", { class: "number" }, step.old ?? ""),
            h("td", { class: "number" }, step.new ?? ""),
            h("td", {}, h("span", { "aria-hidden": "true" }, SIGNS[step.kind]), step.kind !== "same" && h("span", { class: "hidden" }, `${label(step.kind)}: `)),
            h("td", {}, h("code", {}, step.text)),
          ))),
      )),
  );

// ---- Publishing

function publication(draft, judged, changes) {
  const element = form({
    fields: [
      field(
        "In force from",
        input("effective_from", { type: "datetime-local" }),
        "In the time of this computer, at least two minutes ahead. Empty: as soon as possible. A version never changes afterwards.",
      ),
    ],
    submit: "Publish",
    send: async ({ effective_from: from }, key) => {
      const count = changes();
      const text = `${count === 1 ? "One sentence changes" : `${count} sentences change`}. It counts for what is posted from then on.`;
      if (!(await confirm({ title: "Publish this draft?", text, yes: "Publish" }))) return null;
      const body = { program: draft.document() };
      if (from) body.effective_from = new Date(from).toISOString();
      return post("program/versions", body, key);
    },
    done: (answer) => answer && published(answer),
  });
  const button = element.querySelector("button[type=submit]");
  button.disabled = true;
  judged.addEventListener("judged", ({ detail: isValid }) => (button.disabled = !isValid));
  return section("Publish", element);
}

function published({ version, effective_from: from }) {
  sessionStorage.removeItem(KEPT);
  location.hash = "#/program";
  announce(`Version ${version} is published and begins ${atTime(from)}.`);
}
