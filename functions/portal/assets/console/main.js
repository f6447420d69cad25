// The staff console.

import { h } from "../core/dom.js";
import { begin } from "../core/frame.js";

begin({
  title: "Points console",
  links: [
    ["/", "Members"],
    ["/program", "Program"],
  ],
  routes: {
    "/": () => import("./find.js"),
    "/program": () => import("./program.js"),
    "/program/draft": () => import("./draft.js"),
  },
  admits: (person) =>
    person.isStaff ? null : h("p", {}, "The console is for staff. ", h("a", { href: "portal" }, "Go to my points"), "."),
});
