// A button that does one thing once: it takes no second click while it waits, and each attempt at the
// same thing carries the same key, so that nothing happens twice.

import { newKey } from "../core/api.js";
import { h } from "../core/dom.js";
import { announce, sentence } from "../core/ui.js";

// `send(key)` returns a promise, of null where the person thought better of it; `done(answer)`
// follows an answer.
export function actButton({ text, send, done, attributes = {} }) {
  const key = newKey();
  const button = h("button", { type: "button", ...attributes, onclick }, text);

  async function onclick() {
    if (button.hasAttribute("aria-busy")) return;
    button.setAttribute("aria-busy", "true");
    try {
      const answer = await send(key);
      if (answer !== null) await done(answer);
    } catch (error) {
      announce(sentence(error), "failed");
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  return button;
}
