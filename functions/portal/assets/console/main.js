// The staff console.

import { h } from "../core/dom.js";
import { begin } from "../core/frame.js";

begin({
  title: "Points console",
  links: [["/", "Members"]],
  routes: { "/": () => import("./find.js") },
  admits: (person) =>
    person.isStaff ? null : h("p", {}, "The console is for staff. ", h("a", { href: "portal" }, "Go to my points"), "."),
});
