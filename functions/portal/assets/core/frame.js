// The frame of a page: name, navigation, who is signed in, and the place where pages are shown.

import { get, whenSignedOut } from "./api.js";
import { h } from "./dom.js";
import { route } from "./router.js";
import { person, signOut, token } from "./session.js";
import { askToSignIn } from "./sign_in.js";

// `links`: [[path, text, isShown?(person)]]; `routes` as in router.js. The page begins when somebody
// has signed in; `admits(person)` returns a text for those who are in the wrong place.
export async function begin({ title, links, routes, admits }) {
  const main = h("main", { id: "main" });
  const list = h("ul", {});
  const navigation = h("nav", { "aria-label": "Main", hidden: true }, list);
  const who = h("span", { class: "who hint" });
  const leave = h("button", { type: "button", hidden: true, onclick: signOutAndReload }, "Sign out");
  document.body.prepend(
    h("a", { class: "skip", href: "#main", onclick: skip(main) }, "Skip to the content"),
    h("header", { class: "bar" }, h("span", { class: "name" }, title), who, leave, navigation),
    main,
    h("div", { id: "announcements", role: "status", "aria-live": "polite" }),
  );
  whenSignedOut(askToSignIn);
  await signedIn();
  const refusal = admits?.(person());
  who.textContent = person().name;
  leave.hidden = false;
  if (refusal) {
    main.append(h("h1", {}, title), refusal);
    return;
  }
  list.append(...links.filter(([, , isShown]) => !isShown || isShown(person()))
    .map(([path, text]) => h("li", {}, h("a", { href: `#${path}` }, text))));
  navigation.hidden = false;
  await route({ main, navigation, routes, name: () => title })();
}

// The program in force: asked for once, for its names, sentences and numbers.
let program = null;

export function theProgram() {
  program ??= get("program").catch((error) => {
    program = null;
    throw error;
  });
  return program;
}

async function signedIn() {
  try {
    await token();
  } catch {
    await askToSignIn();
  }
}

async function signOutAndReload() {
  await signOut();
  location.hash = "";
  location.reload();
}

// The address behind the # belongs to the router.
const skip = (main) => (event) => {
  event.preventDefault();
  main.querySelector("h1")?.focus();
};
