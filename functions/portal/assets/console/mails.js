// Mails: the templates in force, and when and in which language they are sent.

import { get, put } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { label } from "../core/format.js";
import { open } from "../core/router.js";
import { announce, field, form, input, section, select, table, tabs, tag } from "../core/ui.js";

export const title = "Notifications";

export const TABS = [
  ["/notifications", "Mails"],
  ["/notifications/webhooks", "Webhooks"],
];

export const inWords = (event) => event.replaceAll(/(?<=[a-z])(?=[A-Z])/g, " ");

const NAMES = new Intl.DisplayNames(["en"], { type: "language" });

export const languageName = (tagged) => {
  try {
    return NAMES.of(tagged);
  } catch {
    return tagged;
  }
};

export async function show(page) {
  const book = await get("notifications/templates");
  replace(page, tabs("Notifications", TABS, "/notifications"), section("Templates", listed(book)), section("A further language", further(book)), section("When and how", settings(book)));
}

const path = ({ event, language }) => `/notifications/mails/${encodeURIComponent(event)}/${encodeURIComponent(language)}`;

const listed = ({ templates }) =>
  table({
    caption: "Templates in force, by event and language",
    captionHidden: true,
    columns: [
      { title: "When", value: (each) => inWords(each.event), isHead: true },
      { title: "Language", value: (each) => languageName(each.language) },
      { title: "Subject", value: (each) => each.subject },
      { title: "Sent", value: (each) => (each.enabled ? tag("yes", "good") : tag("no")) },
      { title: "Text", value: (each) => (each.is_default ? "as shipped" : "your own") },
      { title: "Change", value: (each) => h("a", { href: `#${path(each)}`, "aria-label": `Change ${inWords(each.event)} in ${languageName(each.language)}` }, "Change") },
    ],
    rows: templates,
  });

const further = ({ events }) =>
  form({
    fields: h(
      "div",
      { class: "fields" },
      field("When", select("event", events.map(({ event }) => [event, inWords(event)]))),
      field("Language", input("language", { required: true, maxlength: 35, pattern: "[A-Za-z]{2,3}(-[A-Za-z0-9]+)*" }), "A code such as fr or pt-BR."),
    ),
    submit: "Write it",
    send: async (values) => open(path(values)),
    attributes: { "aria-label": "A further template" },
  });

function settings({ settings: now, languages }) {
  return form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field("Quiet from", input("from", { type: "time", value: now.quiet_hours?.from ?? "" }), "Nothing is sent before the quiet hours end. Empty: at any time."),
        field("Quiet to", input("to", { type: "time", value: now.quiet_hours?.to ?? "" }), "In the time zone of the program, at most 12 hours."),
        field(
          "Language of those who chose none",
          select("default_language", languages.map((each) => [each, languageName(each)]), { value: now.default_language }),
        ),
      ),
    ],
    submit: "Save",
    // What was changed meanwhile is read again: the templates stay as they are.
    send: async ({ from, to, default_language: language }) => {
      if (Boolean(from) !== Boolean(to)) throw new Error("Quiet hours need both a beginning and an end.");
      const { revision } = await get("notifications/templates");
      const quiet = from ? { from, to } : null;
      return put("notifications/templates", { revision, settings: { quiet_hours: quiet, default_language: language } });
    },
    done: ({ settings: saved }) =>
      announce(saved.quiet_hours ? `Saved: quiet from ${saved.quiet_hours.from} to ${saved.quiet_hours.to}.` : `Saved: ${label("no quiet hours")}.`),
  });
}
