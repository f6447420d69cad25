// The staff console.

import { h } from "../core/dom.js";
import { begin } from "../core/frame.js";

begin({
  title: "Points console",
  links: [
    ["/members", "Members"],
    ["/counter", "Counter"],
    ["/approvals", "Approvals"],
    ["/rewards", "Rewards"],
    ["/program", "Program"],
  ],
  routes: {
    "/members": () => import("./find.js"),
    "/enrol": () => import("./enrol.js"),
    "/members/:id": () => import("./member.js"),
    "/members/:id/edit": () => import("./edit.js"),
    "/members/:id/adjust": () => import("./adjust.js"),
    "/members/:id/action": () => import("./action.js"),
    "/members/:id/redeem": () => import("./redeem.js"),
    "/members/:id/merge": () => import("./merge.js"),
    "/counter": () => import("./counter.js"),
    "/approvals": () => import("./approvals.js"),
    "/rewards": () => import("./rewards.js"),
    "/program": () => import("./program.js"),
    "/program/draft": () => import("./draft.js"),
  },
  admits: (person) =>
    person.isStaff ? null : h("p", {}, "The console is for staff. ", h("a", { href: "portal" }, "Go to my points"), "."),
});
