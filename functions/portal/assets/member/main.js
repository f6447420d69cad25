// The member portal.

import { h } from "../core/dom.js";
import { begin } from "../core/frame.js";

begin({
  title: "My points",
  links: [
    ["/", "Overview"],
    ["/rules", "Rules"],
  ],
  routes: {
    "/": () => import("./overview.js"),
    "/rules": () => import("./rules.js"),
  },
  admits: (person) =>
    person.memberId ? null : h("p", {}, "This account is not a member's. ", h("a", { href: "console" }, "Go to the staff console"), "."),
});
