// The member portal.

import { h } from "../core/dom.js";
import { begin } from "../core/frame.js";

begin({
  title: "My points",
  links: [
    ["/", "Overview"],
    ["/history", "History"],
    ["/redeem", "Redeem"],
    ["/rewards", "Rewards"],
    ["/transfer", "Transfer"],
    ["/sharing", "Sharing"],
    ["/requests", "Requests"],
    ["/rules", "Rules"],
    ["/preferences", "Preferences"],
  ],
  routes: {
    "/": () => import("./overview.js"),
    "/history": () => import("./history.js"),
    "/redeem": () => import("./redeem.js"),
    "/rewards": () => import("./rewards.js"),
    "/transfer": () => import("./transfer.js"),
    "/sharing": () => import("./sharing.js"),
    "/requests": () => import("./requests.js"),
    "/rules": () => import("./rules.js"),
    "/preferences": () => import("./preferences.js"),
  },
  admits: (person) =>
    person.memberId ? null : h("p", {}, "This account is not a member's. ", h("a", { href: "console" }, "Go to the staff console"), "."),
});
