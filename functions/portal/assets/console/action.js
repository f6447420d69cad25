// Record something that a member did and that may earn points.

import { post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { theProgram } from "../core/frame.js";
import { atTime, label, points, waitingFor } from "../core/format.js";
import { field, form, input, section } from "../core/ui.js";
import { call, memberLine, overviewOf } from "./frame.js";
import { nameOf, storyOf } from "./search.js";

export const title = "Record an action";

// What the ledger performs itself.
const OWN = new Set(["birthday", "anniversary", "referral"]);

export async function show(page, { parameters }) {
  const [overview, program] = await Promise.all([overviewOf(parameters.id), theProgram()]);
  const { member } = overview;
  call(page, `Record an action of ${nameOf(member)}`);
  const rules = program.program.earning_rules.filter((each) => each.on === "action" && !OWN.has(each.action));
  const outcome = h("div", { role: "status" });
  const names = h("datalist", { id: "actions" }, [...new Set(rules.map((each) => each.action))].map((each) => h("option", { value: each })));
  const element = form({
    fields: [
      names,
      h(
        "div",
        { class: "fields" },
        field("Action", input("action", { required: true, maxlength: 200, pattern: "[^:]+", list: "actions" }), known(rules)),
        field("Its id", input("action_id", { required: true, maxlength: 200 }), "Such as the number of the review or booking. An action with its id earns once, whoever records it."),
        field("When", input("occurred_at", { type: "datetime-local" }), "Empty: now."),
        field("Purchase", input("purchase_id", { maxlength: 1000 }), "The ticket that it belongs to, where the points wait for one."),
      ),
    ],
    submit: "Record",
    send: ({ occurred_at: at, ...rest }, key) =>
      post("actions", { member_id: member.member_id, ...rest, ...(at && { occurred_at: new Date(at).toISOString().replace(/\.\d+Z/, "Z") }) }, key),
    done: (answer, filled) => {
      replace(outcome, h("p", { class: "notice" }, earned(answer), " ", h("a", { href: storyOf(answer.member_id) }, "See the member")));
      filled.reset();
    },
  });
  replace(page, memberLine(overview), section("What happened", element, outcome));
}

const known = (rules) =>
  rules.length ? `The program has rules for ${rules.map((each) => each.action).join(", ")}.` : "The program has no rule for actions: it is recorded and earns nothing.";

function earned({ action, points: count, status, waiting_for: reasons, matures_at: at }) {
  const name = label(action);
  if (status === "none") return `${name} is recorded. It earns no points.`;
  if (status === "available") return `${name} is recorded: ${points(count)} are available.`;
  return `${name} is recorded: ${points(count)} are pending and wait for ${waitingFor(reasons)}${at ? `, until ${atTime(at)}` : ""}.`;
}
