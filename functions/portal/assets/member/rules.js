// The program in plain words, as the engine itself states it.

import { h, replace } from "../core/dom.js";
import { money, points } from "../core/format.js";
import { theProgram } from "../core/frame.js";
import { section } from "../core/ui.js";

export const title = "How points work";

export async function show(page) {
  const program = await theProgram();
  const parts = [
    ["How you earn", [...program.rules, ...program.campaigns]],
    ["Tiers and what they give", [...program.tiers, ...program.memberships, ...program.benefits]],
    ["Challenges and streaks", [...program.challenges, ...program.streaks, ...program.leaderboards]],
  ].map(([name, found]) => [name, found.map((each) => each.sentence)]);
  const told = new Set(parts.flatMap(([, sentences]) => sentences));
  const others = program.sentences.filter((each) => !told.has(each));
  const { points: count, amount } = program.point_value;
  replace(
    page,
    h("p", { class: "lead" }, `${program.name}: ${points(count)} are worth ${money({ amount, currency: program.currency })}.`),
    [...parts, ["What else is good to know", others]]
      .filter(([, sentences]) => sentences.length)
      .map(([name, sentences]) => section(name, h("ul", { class: "rules" }, sentences.map((each) => h("li", {}, `${each}.`))))),
  );
}
