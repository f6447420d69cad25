// Give or take points, with a reason; a second person agrees where the program wants it.

import { post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { theProgram } from "../core/frame.js";
import { number, points, signed } from "../core/format.js";
import { open } from "../core/router.js";
import { announce, field, form, input, section, textarea } from "../core/ui.js";
import { call, memberLine, overviewOf, whole } from "./frame.js";
import { nameOf } from "./search.js";

export const title = "Adjust points";

export async function show(page, { parameters }) {
  const [overview, program] = await Promise.all([overviewOf(parameters.id), theProgram()]);
  const { member } = overview;
  call(page, `Adjust points of ${nameOf(member)}`);
  const preview = h("p", { class: "notice", role: "status", hidden: true });
  const element = form({
    fields: [
      h(
        "div",
        { class: "fields" },
        field("Points", input("points", { type: "number", required: true, step: 1, min: -1_000_000_000, max: 1_000_000_000 }), "Below zero takes points away, as in -50."),
        field("Last day", input("last_day", { type: "date" }), "Of points that are given. Empty: by the program's rule."),
      ),
      preview,
      field("Reason", input("reason", { required: true, maxlength: 1000 }), "The member sees it in the history."),
      field("Note", textarea("note", { maxlength: 1000 }), "For colleagues only. It is erased with the member's data."),
    ],
    submit: "Adjust",
    send: ({ points: count, ...rest }, key) => post("adjustments", { member_id: member.member_id, points: whole(count), ...rest }, key),
    done: (answer) => {
      announce(answer.status === "awaiting_approval"
        ? "The adjustment waits until a second person has approved it"
        : `Adjusted by ${signed(answer.points)}: ${points(answer.balance.available)} are available now`);
      open(`/members/${encodeURIComponent(member.member_id)}`);
    },
  });
  element.elements.points.addEventListener("input", ({ target }) => {
    const count = target.value === "" || !target.validity.valid ? 0 : whole(target.value);
    preview.hidden = count === 0;
    preview.textContent = foretold(count, overview.balance.available, program.program.adjustments);
  });
  replace(page, memberLine(overview), section("What to give or take", element));
}

// What the adjustment will do, and whether somebody else has to agree.
function foretold(count, available, rules) {
  const after = available + count;
  const change = `${number(available)} available now, ${number(after)} afterwards.`;
  const limit = rules.approval_above_points;
  if (limit !== null && Math.abs(count) > limit) return `${change} It is above ${points(limit)}: a second person has to approve it first.`;
  if (after < 0 && rules.approval_below_zero) return `${change} It takes the balance below zero: a second person has to approve it first.`;
  return change;
}
