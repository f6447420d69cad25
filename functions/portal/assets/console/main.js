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
    ["/reports", "Reports"],
    ["/operations", "Operations"],
    ["/notifications", "Notifications", (person) => person.isAdmin],
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
    "/reports": () => import("./report_liability.js"),
    "/reports/liability": () => import("./report_liability.js"),
    "/reports/activity": () => import("./report_activity.js"),
    "/reports/sales": () => import("./report_sales.js"),
    "/reports/engagement": () => import("./report_engagement.js"),
    "/reports/leaderboard": () => import("./report_leaderboard.js"),
    "/operations": () => import("./operations.js"),
    "/notifications": () => import("./mails.js"),
    "/notifications/mails/:event/:language": () => import("./mail.js"),
    "/notifications/webhooks": () => import("./webhooks.js"),
    "/notifications/webhooks/:id": () => import("./webhook.js"),
  },
  admits: (person) =>
    person.isStaff ? null : h("p", {}, "The console is for staff. ", h("a", { href: "portal" }, "Go to my points"), "."),
});
