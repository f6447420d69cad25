// What every page is made of: notices, states, forms, tables, dialogs.

import { newKey, Problem } from "./api.js";
import { h, newId, replace } from "./dom.js";

// ---- What happened, said politely

const ANNOUNCED_SECONDS = 12;

export function announce(text, kind = "done") {
  const region = document.getElementById("announcements");
  const notice = h("p", { class: `notice ${kind}` }, text);
  replace(region, notice);
  setTimeout(() => notice.remove(), ANNOUNCED_SECONDS * 1000);
}

export const loading = () => h("p", { class: "loading", role: "status" }, "Loading …");

export const empty = (text, ...more) => h("p", { class: "empty" }, text, ...more);

export function failure(error, again) {
  return h(
    "div",
    { class: "notice failed", role: "alert" },
    h("p", {}, sentence(error)),
    again && h("button", { type: "button", onclick: again }, "Try again"),
  );
}

export function sentence(error) {
  if (error instanceof Problem) {
    if (error.status === 403) return "You may not do this.";
    if (error.status === 409) return "Another change was made at the same moment. Try again.";
    if (error.status === 429) return "Too many requests at once. Wait a moment and try again.";
    return error.errors.length ? error.errors.map((each) => `${each.field}: ${each.message}`).join("; ") : error.message;
  }
  if (error instanceof TypeError) return "The server cannot be reached. Check the connection and try again.";
  return error.message;
}

// ---- Sections and tables

export const section = (title, ...children) => {
  const id = newId("section");
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
};

// A section over the whole width, with its facts side by side.
export function wideSection(title, ...children) {
  const element = section(title, ...children);
  element.classList.add("wide");
  return element;
}

// Facts in pairs: [["Email", "…"], …].
export const facts = (pairs) =>
  h("dl", { class: "facts" }, pairs.map(([term, value]) => h("div", {}, h("dt", {}, term), h("dd", {}, value ?? "–"))));

// `columns`: [{ title, value: (row) => node or text, isNumber?, isHead? }].
export function table({ caption, columns, rows, captionHidden = false }) {
  const head = columns.map((each) =>
    h("th", { scope: "col", class: each.isNumber && "number" }, each.title));
  const body = rows.map((row) =>
    h("tr", {}, columns.map((each) =>
      h(each.isHead ? "th" : "td", { scope: each.isHead && "row", class: each.isNumber && "number" }, each.value(row)))));
  return h(
    "div",
    { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {}, h("caption", { class: captionHidden && "hidden" }, caption), h("thead", {}, h("tr", {}, head)), h("tbody", {}, body)),
  );
}

export const tag = (text, kind = "") => h("span", { class: `tag ${kind}` }, text);

// ---- Forms

// One labelled control. `control` is an element; `hint` stands under it and is read with it.
export function field(label, control, hint) {
  const id = newId("field");
  control.id = id;
  const described = [hint && `${id}-hint`, `${id}-error`].filter(Boolean).join(" ");
  control.setAttribute("aria-describedby", described);
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint && h("p", { class: "hint", id: `${id}-hint` }, hint),
    h("p", { class: "error", id: `${id}-error`, "data-field": control.name }),
  );
}

export const input = (name, attributes = {}) => h("input", { name, autocomplete: "off", ...attributes });

// `options`: [[value, text], …]; `value` in the attributes is the one that is chosen at first.
export function select(name, options, { value, ...attributes } = {}) {
  const element = h("select", { name, ...attributes }, options.map(([each, text]) => h("option", { value: each }, text)));
  if (value !== undefined) element.value = value;
  return element;
}

export const textarea = (name, attributes = {}) => h("textarea", { name, rows: "3", ...attributes });

// A checkbox with its label behind it.
export function checkbox(name, label, { hint, ...attributes } = {}) {
  const id = newId("field");
  const control = h("input", { type: "checkbox", name, id, "aria-describedby": hint && `${id}-hint`, ...attributes });
  return h("div", { class: "field inline" }, control, h("label", { for: id }, label), hint && h("p", { class: "hint", id: `${id}-hint` }, hint));
}

// A form that sends once: while it waits nothing can be sent again, and each attempt at the same
// input carries the same key, so a reply that was lost, a second click or a sign-in in between never
// doubles anything. `send(values, key)` returns a promise; `done(answer, form)` follows it.
export function form({ fields, submit, send, done, attributes = {} }) {
  let key = newKey();
  const button = h("button", { type: "submit", class: "primary" }, submit);
  const status = h("div", { class: "form-status", role: "alert" });
  const element = h("form", { novalidate: true, ...attributes, onsubmit }, fields, status, h("div", { class: "actions" }, button));
  // Another input is another command.
  element.addEventListener("input", () => (key = newKey()));

  async function onsubmit(event) {
    event.preventDefault();
    if (element.hasAttribute("aria-busy")) return;
    clear(element, status);
    if (!valid(element)) return;
    element.setAttribute("aria-busy", "true");
    button.disabled = true;
    try {
      const answer = await send(values(element), key);
      key = newKey();
      await done?.(answer, element);
    } catch (error) {
      show(error, element, status);
    } finally {
      element.removeAttribute("aria-busy");
      button.disabled = false;
    }
  }

  return element;
}

// A button that does one thing once: while it waits it does nothing else, and what failed is tried
// again with the same key. `act(key)` returns a promise.
export function button(text, act, attributes = {}) {
  let key = newKey();
  const element = h("button", { type: "button", ...attributes, onclick }, text);

  async function onclick() {
    if (element.hasAttribute("aria-busy")) return;
    element.setAttribute("aria-busy", "true");
    try {
      await act(key);
      key = newKey();
    } catch (error) {
      announce(sentence(error), "failed");
    } finally {
      element.removeAttribute("aria-busy");
    }
  }

  return element;
}

// Pages of one part of the console, one beside the other: [[path, text], …].
export const tabs = (name, links, current) =>
  h("nav", { class: "tabs", "aria-label": name }, h("ul", {}, links.map(([path, text]) =>
    h("li", {}, h("a", { href: `#${path}`, "aria-current": path === current && "page" }, text)))));

// The values of a form by name: trimmed texts, checkboxes as booleans, nothing for empty ones.
export function values(element) {
  const found = {};
  for (const control of element.elements) {
    if (!control.name || control.disabled) continue;
    if (control.type === "checkbox") found[control.name] = control.checked;
    else if (control.type === "radio" && !control.checked) continue;
    else if (control.type === "password") found[control.name] = control.value;
    else if (control.value.trim() !== "") found[control.name] = control.value.trim();
  }
  return found;
}

// The browser's own checks, said at the field itself.
function valid(element) {
  const wrong = [...element.elements].filter((each) => each.willValidate && !each.validity.valid);
  for (const control of wrong) mark(element, control, control.validationMessage);
  wrong[0]?.focus();
  return wrong.length === 0;
}

function show(error, element, status) {
  const unplaced = [];
  const marked = [];
  for (const { field: path, message } of error instanceof Problem ? error.errors : []) {
    const control = element.elements.namedItem(path) ?? element.elements.namedItem(path.split(/[.[]/)[0]);
    if (control instanceof HTMLElement) marked.push(mark(element, control, message));
    else unplaced.push(`${path}: ${message}`);
  }
  marked[0]?.focus();
  if (unplaced.length || !marked.length) {
    replace(status, h("p", { class: "notice failed" }, unplaced.length ? unplaced.join("; ") : sentence(error)));
  }
}

function mark(element, control, message) {
  control.setAttribute("aria-invalid", "true");
  const place = document.getElementById(`${control.id}-error`);
  if (place) place.textContent = message;
  return control;
}

function clear(element, status) {
  replace(status);
  for (const control of element.querySelectorAll("[aria-invalid]")) control.removeAttribute("aria-invalid");
  for (const place of element.querySelectorAll(".error")) place.textContent = "";
}

// ---- Dialogs

// A modal dialog; it closes itself by its button or Escape and gives the focus back.
export function dialog({ title, content, isClosable = true, closes = "Close" }) {
  const id = newId("dialog");
  const element = h(
    "dialog",
    { "aria-labelledby": id },
    h("h2", { id }, title),
    content,
    isClosable && h("div", { class: "actions" }, h("button", { type: "button", onclick: () => element.close() }, closes)),
  );
  element.addEventListener("close", () => element.remove());
  if (!isClosable) element.addEventListener("cancel", (event) => event.preventDefault());
  document.body.append(element);
  element.showModal();
  return element;
}

// A form in a dialog; it closes when the form is done. `options` are those of `form`.
export function dialogForm({ title, intro, done, ...options }) {
  const content = form({ ...options, done: async (answer) => (element.close(), done?.(answer)) });
  const element = dialog({ title, content: [intro, content], closes: "Cancel" });
  content.querySelector("input, select, textarea, button")?.focus();
  return element;
}

// Asks before something that cannot be undone; fulfilled with true or false.
export function confirm({ title, text, yes }) {
  return new Promise((resolve) => {
    let answer = false;
    const element = dialog({
      title,
      content: [
        h("p", {}, text),
        h("button", { type: "button", class: "primary", onclick: () => ((answer = true), element.close()) }, yes),
      ],
    });
    element.addEventListener("close", () => resolve(answer));
  });
}

// A text as a file of the person's own.
export function save(text, name, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// Calls `refresh` every `seconds` while the page is seen, and when it is seen again; ends with `signal`.
export function keepFresh(refresh, { seconds, signal }) {
  const tick = () => document.visibilityState === "visible" && refresh();
  const timer = setInterval(tick, seconds * 1000);
  document.addEventListener("visibilitychange", tick, { signal });
  signal.addEventListener("abort", () => clearInterval(timer));
}
