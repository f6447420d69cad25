// The plan by which the member's future purchases are shared.

import { get, put } from "../core/api.js";
import { h, newId, replace } from "../core/dom.js";
import { person } from "../core/session.js";
import { theProgram } from "../core/frame.js";
import { announce, empty, form, section } from "../core/ui.js";
import { plainly } from "./words.js";

export const title = "Sharing";

const WHOLE = 100;
const MAX_SHARES = 10;

export async function show(page, { signal }) {
  const [program, plan] = await Promise.all([theProgram(), get("members/me/sharing")]);
  if (signal.aborted) return;
  const now = h("div", {});
  const draw = ({ shares }) => replace(now, current(shares));
  draw(plan);
  replace(page, h("div", { class: "columns" }, now, section("Change it", editor(plan, program, draw))));
}

const current = (shares) =>
  section(
    "Your plan",
    shares.length
      ? h("ul", { class: "list" }, shares.map((each) => h("li", { class: "row" }, h("span", {}, nameOf(each)), h("span", { class: "amount" }, `${each.percent} %`))))
      : empty("All that your purchases earn is yours."),
    h("p", { class: "hint" }, "A plan is about purchases from now on; what was earned before stays as it is."),
  );

const isMine = (share) => share.member_id === person().memberId;

const nameOf = (share) => (isMine(share) ? "You" : share.member_id);

// ---- The editor: a row for each share

function editor(plan, program, saved) {
  const rows = h("div", { class: "page" });
  const total = h("p", { role: "status", class: "hint" });
  const begin = plan.shares.length ? plan.shares : [{ member_id: person().memberId, percent: WHOLE }];
  const add = (share) => {
    const row = shareRow(share, () => {
      row.remove();
      count();
      element.querySelector("[data-add]").focus();
    });
    rows.append(row);
    count();
    return row;
  };
  const count = () => {
    const sum = percents(rows).reduce((one, other) => one + other, 0);
    replace(total, rows.children.length ? `Together ${sum} %${sum === WHOLE ? "" : `; it has to be ${WHOLE} %`}` : "No plan: everything is yours.");
  };
  const more = h("button", { type: "button", "data-add": true, onclick: () => {
    if (rows.children.length >= MAX_SHARES) return announce(`A plan has at most ${MAX_SHARES} shares.`, "failed");
    return add({ email: "", percent: 0 }).querySelector("input").focus();
  } }, "Add somebody");
  const element = form({
    fields: [
      h("p", {}, program.program.sharing?.within === "anyone" ? "Share with any member of this program." : "Share with members of your own organisation."),
      rows,
      total,
      h("div", { class: "actions" }, more),
    ],
    submit: "Save the plan",
    send: (_, key) => plainly(put("members/me/sharing", { shares: shares(rows) }, key)),
    done: (made) => {
      announce("The plan is saved.");
      saved(made);
    },
  });
  begin.forEach(add);
  element.addEventListener("input", count);
  return element;
}

function shareRow(share, gone) {
  const known = share.member_id;
  const who = newId("who");
  const part = newId("percent");
  return h(
    "div",
    { class: "share", "data-member": known },
    h("div", { class: "field" },
      h("label", { for: who }, known ? "Member" : "Email"),
      known
        ? h("input", { id: who, value: nameOf(share), readonly: true })
        : h("input", { id: who, type: "email", required: true, autocomplete: "off", "data-email": true })),
    h("div", { class: "field" },
      h("label", { for: part }, "Percent"),
      h("input", { id: part, inputmode: "numeric", pattern: "[0-9]{1,3}", required: true, value: String(share.percent), "data-percent": true })),
    h("button", { type: "button", onclick: gone, "aria-label": `Remove ${known ? nameOf(share) : "this share"}` }, "Remove"),
  );
}

const percents = (rows) => [...rows.querySelectorAll("[data-percent]")].map((each) => Number(each.value) || 0);

const shares = (rows) =>
  [...rows.children].map((row) => {
    const percent = Number(row.querySelector("[data-percent]").value);
    const email = row.querySelector("[data-email]");
    return email ? { email: email.value.trim(), percent } : { member_id: row.dataset.member, percent };
  });
