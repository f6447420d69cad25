// Pages by the address behind the #: "#/history?type=accrual". A page is a module with
// `title` and `show(main, { parameters, query, signal })`; it is loaded when it is first asked for.

import { h, replace } from "./dom.js";
import { failure, loading } from "./ui.js";

// `routes`: patterns such as "/members/:id" with functions that load a page; visits begin with the first.
export function route({ main, navigation, routes, name }) {
  let leaving = new AbortController();
  let visits = 0;

  async function go() {
    leaving.abort();
    leaving = new AbortController();
    const { signal } = leaving;
    const isFirst = visits === 0;
    visits += 1;
    const { load, parameters, query, path } = found(routes, location.hash.slice(1));
    mark(navigation, path);
    replace(main, loading());
    try {
      const page = await load();
      if (signal.aborted) return;
      document.title = `${page.title} · ${name()}`;
      const heading = h("h1", { tabindex: "-1" }, page.title);
      const body = h("div", { class: "page" }, loading());
      replace(main, heading, body);
      // Whoever cannot see the page change hears where it went; a first visit begins at the top.
      if (!isFirst) heading.focus();
      await page.show(body, { parameters, query, signal });
    } catch (error) {
      if (!signal.aborted) replace(main, h("h1", {}, "This did not work"), failure(error, go));
    }
  }

  addEventListener("hashchange", go);
  return go;
}

// Opening the page that is open shows it anew.
export const open = (path) => {
  if (location.hash === `#${path}`) dispatchEvent(new HashChangeEvent("hashchange"));
  else location.hash = `#${path}`;
};

function found(routes, address) {
  const [path, search = ""] = address.split("?");
  const query = Object.fromEntries(new URLSearchParams(search));
  for (const [pattern, load] of Object.entries(routes)) {
    const parameters = matched(pattern, path);
    if (parameters) return { load, parameters, query, path: pattern };
  }
  const [first, load] = Object.entries(routes)[0];
  return { load, parameters: {}, query: {}, path: first };
}

function matched(pattern, path) {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return null;
  const parameters = {};
  for (const [index, part] of wanted.entries()) {
    if (part.startsWith(":")) parameters[part.slice(1)] = decodeURIComponent(given[index]);
    else if (part !== given[index]) return null;
  }
  return parameters;
}

function mark(navigation, path) {
  for (const link of navigation.querySelectorAll("a")) {
    const isHere = link.getAttribute("href") === `#${path}` || path.startsWith(`${link.getAttribute("href").slice(1)}/`);
    if (isHere) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
}
