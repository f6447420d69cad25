// A text area for code, with the numbers of its lines and those that are wrong marked.

import { h, replace } from "../core/dom.js";

// Returns { element, control, mark(lines), select({ start, end }) }.
export function codeArea(name, { value, oninput, rows = 24 }) {
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const control = h("textarea", {
    name, value, rows, class: "code", wrap: "off", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
    oninput: () => (count(), oninput()),
    onscroll: () => (gutter.scrollTop = control.scrollTop),
  });
  let wrong = new Set();

  function count() {
    const lines = control.value.split("\n").length;
    if (gutter.childElementCount === lines) return;
    replace(gutter, Array.from({ length: lines }, (_, index) => h("span", {}, String(index + 1))));
    show();
    gutter.scrollTop = control.scrollTop;
  }

  function show() {
    for (const [index, line] of [...gutter.children].entries()) line.classList.toggle("wrong", wrong.has(index + 1));
  }

  count();
  return {
    element: h("div", { class: "code-area" }, gutter, control),
    control,
    mark(lines) {
      wrong = new Set(lines);
      show();
    },
    set(text) {
      control.value = text;
      count();
    },
    // Shows a part of the text, with the line in the middle.
    select({ start, end }) {
      control.focus();
      control.setSelectionRange(start, end);
      const lines = control.value.split("\n").length;
      const line = control.value.slice(0, start).split("\n").length;
      control.scrollTop = (control.scrollHeight / lines) * (line - 1) - control.clientHeight / 2;
      control.scrollLeft = 0;
    },
  };
}
