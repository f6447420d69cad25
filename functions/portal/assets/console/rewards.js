// The catalogue of rewards. Staff see all of it, admins change it.

import { get, patch, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { theProgram } from "../core/frame.js";
import { atTime, label, money, number, points } from "../core/format.js";
import { person } from "../core/session.js";
import { tag } from "../core/ui.js";
import { paged } from "../core/story.js";
import { announce, checkbox, dialogForm, field, input, section, select, textarea } from "../core/ui.js";
import { AMOUNT, decimal, whole } from "./frame.js";

export const title = "Rewards";

export async function show(page) {
  const { isAdmin } = person();
  const draw = async () => {
    const [found, program] = await Promise.all([get("rewards", { limit: 50 }), theProgram()]);
    const list = paged({
      items: found.rewards,
      cursor: found.cursor,
      draw: (reward) => item(reward, isAdmin && (() => edit(reward, program, draw))),
      next: async (cursor) => {
        const following = await get("rewards", { limit: 50, cursor });
        return { items: following.rewards, cursor: following.cursor };
      },
      none: "The catalogue is empty.",
    });
    replace(
      page,
      section("Catalogue", list),
      isAdmin && h("div", { class: "actions" }, h("button", { type: "button", class: "primary", onclick: () => edit(null, program, draw) }, "Add a reward")),
    );
  };
  await draw();
}

const item = (reward, change) =>
  h(
    "li",
    {},
    h("div", { class: "row" }, h("strong", {}, reward.name), h("span", { class: "amount" }, price(reward))),
    reward.description && h("p", {}, reward.description),
    h("p", { class: "tags" }, labels(reward).map((each) => [each, " "])),
    change && h("button", { type: "button", "aria-label": `Edit ${reward.name}`, onclick: change }, "Edit"),
  );

const price = ({ points: count, amount_due: due, currency }) => (due === null ? points(count) : `${points(count)} and ${money({ amount: due, currency })}`);

const labels = (reward) =>
  [
    !reward.active && tag("not offered", "bad"),
    tag(reward.kind === "coupon" ? "coupon" : "item"),
    reward.amount !== null && tag(`worth ${money(reward)}`),
    reward.stock !== null && tag(reward.stock === 0 ? "out of stock" : `${number(reward.stock)} left`, reward.stock === 0 ? "bad" : ""),
    reward.tiers.length > 0 && tag(`for ${reward.tiers.map(label).join(", ")}`),
    reward.grants && tag(`grants ${label(reward.grants.tier)} for ${reward.grants.months} months`),
    reward.valid_from && tag(`from ${atTime(reward.valid_from)}`),
    reward.valid_until && tag(`until ${atTime(reward.valid_until)}`),
  ].filter(Boolean);

// Adds a reward, or changes the one that is given.
function edit(reward, program, draw) {
  const had = reward ?? { kind: "item", active: true, tiers: [] };
  const tiers = program.tiers.map((each) => each.id);
  const dialog = dialogForm({
    title: reward ? `Edit ${reward.name}` : "Add a reward",
    fields: [
      field("Name", input("name", { required: true, maxlength: 1000, value: had.name ?? "" })),
      field("Description", textarea("description", { maxlength: 1000, value: had.description ?? "" })),
      h(
        "div",
        { class: "fields" },
        field("Kind", select("kind", [["item", "Item or service"], ["coupon", "Coupon"]], { value: had.kind })),
        field("Price in points", input("points", { type: "number", required: true, min: 1, max: 1_000_000_000, value: had.points ?? "" })),
        field(`Worth in ${program.currency}`, input("amount", { ...AMOUNT, value: had.amount ?? "" })),
        field(`On top to pay in ${program.currency}`, input("amount_due", { ...AMOUNT, value: had.amount_due ?? "" })),
        field("How many are left", input("stock", { type: "number", min: 0, max: 1_000_000_000, value: had.stock ?? "" }), "Empty: no end of them."),
        field("From", input("valid_from", { type: "datetime-local", value: local(had.valid_from) })),
        field("Until", input("valid_until", { type: "datetime-local", value: local(had.valid_until) })),
      ),
      tiers.length > 0 && h("fieldset", {}, h("legend", {}, "Only for (none: for everybody)"), tiers.map((each) =>
        checkbox(`tier:${each}`, label(each), { checked: had.tiers.includes(each) }))),
      tiers.length > 0 && h(
        "div",
        { class: "fields" },
        field("Grants a tier", select("grant", [["", "None"], ...tiers.map((each) => [each, label(each)])], { value: had.grants?.tier ?? "" })),
        field("For so many months", input("months", { type: "number", min: 1, max: 120, value: had.grants?.months ?? "" })),
      ),
      checkbox("active", "Is offered to members", { checked: had.active }),
    ],
    submit: reward ? "Save" : "Add",
    send: (values, key) => {
      const draft = read(values, tiers);
      return reward ? patch(`rewards/${encodeURIComponent(reward.reward_id)}`, draft, key) : post("rewards", draft, key);
    },
    done: async (answer) => {
      announce(reward ? `${answer.name} is saved` : `${answer.name} is in the catalogue`);
      await draw();
      document.querySelector("main h1")?.focus();
    },
  });
  dialog.classList.add("wide");
}

const read = (values, tiers) => ({
  name: values.name,
  description: values.description ?? null,
  kind: values.kind,
  points: whole(values.points),
  amount: decimal(values.amount) ?? null,
  amount_due: decimal(values.amount_due) ?? null,
  stock: values.stock === undefined ? null : whole(values.stock),
  tiers: tiers.filter((each) => values[`tier:${each}`]),
  valid_from: instant(values.valid_from),
  valid_until: instant(values.valid_until),
  active: values.active,
  grants: values.grant ? { tier: values.grant, months: whole(values.months ?? "1") } : null,
});

// Between an instant in UTC and what a clock on the wall of this browser says.
const instant = (text) => (text ? new Date(text).toISOString().replace(/\.\d+Z/, "Z") : null);

function local(text) {
  if (!text) return "";
  const at = new Date(text);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
