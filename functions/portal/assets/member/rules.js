// The program in plain words, as the engine itself states it.

import { h, replace } from "../core/dom.js";
import { theProgram } from "../core/frame.js";
import { section } from "../core/ui.js";

export const title = "How points work";

export async function show(page) {
  const program = await theProgram();
  const sentences = h("ul", {}, program.sentences.map((each) => h("li", {}, each)));
  replace(page, section(program.name, sentences));
}
