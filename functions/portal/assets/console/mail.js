// One template: its texts with what may stand in them, and the mail that it makes.

import { get, post, Problem, put } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { open } from "../core/router.js";
import { announce, button, checkbox, confirm, failure, field, form, input, section, textarea, values } from "../core/ui.js";
import { inWords, languageName } from "./mails.js";

export const title = "A mail";

const PREVIEW_AFTER_MILLISECONDS = 500;

export async function show(page, { parameters: { event, language }, signal }) {
  const { templates, events } = await get("notifications/templates");
  const known = events.find((each) => each.event === event);
  if (!known) throw new Error("There are no mails about that.");
  const own = templates.find((each) => each.event === event && each.language === language);
  const start = own ?? templates.find((each) => each.event === event && each.language === "en");
  const preview = h("div", { "aria-live": "polite", class: "preview" });
  const editor = written({ event, language, start, isNew: !own, placeholders: known.placeholders });
  const look = previewing(editor, preview, { event, language, signal });
  editor.addEventListener("input", look);
  replace(
    page,
    h("p", {}, h("a", { href: "#/notifications" }, "All templates"), ` · ${inWords(event)}, ${languageName(language)}`),
    h(
      "div",
      { class: "columns" },
      section("Text", editor, own && !own.is_default && shipped(event, language)),
      section("As somebody would get it", h("p", { class: "hint" }, "With invented figures."), preview),
    ),
  );
  await look.now();
}

// ---- Writing

function written({ event, language, start, isNew, placeholders }) {
  const subject = input("subject", { required: true, maxlength: 200, value: start.subject });
  const text = textarea("text", { required: true, rows: 14, value: start.text });
  const html = textarea("html", { rows: 8, class: "code", spellcheck: "false", value: isNew ? "" : start.html ?? "" });
  let last = text;
  for (const control of [subject, text, html]) control.addEventListener("focus", () => (last = control));
  return form({
    fields: [
      field("Subject", subject),
      field("Text", text, "A blank line begins a paragraph."),
      h("details", { class: "more", open: Boolean(html.value) }, h("summary", {}, "HTML of your own"), field("HTML", html, "Empty: made from the text.")),
      h(
        "fieldset",
        { class: "inserts" },
        h("legend", {}, "Insert"),
        h("div", { class: "actions" }, placeholders.map((name) =>
          h("button", { type: "button", onclick: () => insert(last, `{${name}}`) }, `{${name}}`))),
      ),
      checkbox("enabled", "Send these mails", { checked: start.enabled }),
    ],
    submit: "Save",
    send: async (given) => {
      const template = templateOf(given, event, language);
      const book = await get("notifications/templates");
      const others = book.templates.filter((each) => each.event !== event || each.language !== language);
      return renamed(() => put("notifications/templates", { revision: book.revision, templates: [...others, template] }));
    },
    done: () => {
      announce("The template is saved. The next mail uses it.");
      open("/notifications");
    },
  });
}

const templateOf = ({ subject, text, html, enabled }, event, language) => ({
  event, language, subject, text, enabled, ...(html && { html }),
});

function insert(control, text) {
  const { selectionStart: start, selectionEnd: end } = control;
  control.setRangeText(text, start, end, "end");
  control.dispatchEvent(new Event("input", { bubbles: true }));
  control.focus();
}

// What is wrong in one of many templates is said at the field of this one.
async function renamed(send) {
  try {
    return await send();
  } catch (error) {
    if (!(error instanceof Problem) || !error.errors.length) throw error;
    const errors = error.errors.map((each) => ({ ...each, field: each.field.replace(/^templates\.\d+\./, "") }));
    throw new Problem({ ...error.document, errors });
  }
}

function shipped(event, language) {
  return h("div", { class: "actions" }, button("Back to the shipped text", async () => {
    const isSure = await confirm({ title: "Back to the shipped text?", text: "Your own text of this mail is given up.", yes: "Give it up" });
    if (!isSure) return;
    const book = await get("notifications/templates");
    const others = book.templates.filter((each) => each.event !== event || each.language !== language);
    await put("notifications/templates", { revision: book.revision, templates: others });
    announce("The mail is as shipped again.");
    open("/notifications");
  }));
}

// ---- Seeing

function previewing(editor, place, { event, language, signal }) {
  let timer = 0;
  let latest = 0;
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(look.now, PREVIEW_AFTER_MILLISECONDS);
  };
  look.now = async () => {
    latest += 1;
    const turn = latest;
    const given = values(editor);
    if (!given.subject || !given.text) return void replace(place, h("p", { class: "empty" }, "A mail needs a subject and a text."));
    try {
      const mail = await post("notifications/previews", templateOf(given, event, language));
      if (turn === latest && !signal.aborted) replace(place, drawn(mail));
    } catch (error) {
      if (turn === latest && !signal.aborted) replace(place, failure(error));
    }
  };
  signal.addEventListener("abort", () => clearTimeout(timer));
  return look;
}

// The text part as people read it; the HTML as its source: nothing that was typed becomes markup here.
const drawn = ({ subject, text, html }) => [
  h("h3", {}, subject),
  h("p", { class: "letter" }, text),
  h("details", { class: "more" }, h("summary", {}, "The HTML part"), h("pre", { class: "source", tabindex: "0" }, html)),
];
