// Whether the ledger is whole, and what failed for good.

import { get, post } from "../core/api.js";
import { h, replace } from "../core/dom.js";
import { atTime, counted, label, number } from "../core/format.js";
import { person } from "../core/session.js";
import { announce, button, empty, facts, section, table, tag } from "../core/ui.js";

export const title = "Operations";

export async function show(page) {
  const isAdmin = person().isAdmin;
  const [integrity, failed] = await Promise.all([get("integrity"), isAdmin ? get("dead-letters") : null]);
  replace(page, wholeness(integrity), failed && deadLetters(failed));
}

// ---- Integrity

const STATES = {
  unknown: ["not checked yet", ""],
  consistent: ["no differences", "good"],
  inconsistent: ["differences were found", "bad"],
};

function wholeness(first) {
  const place = h("div", { class: "page" });
  const draw = ({ status, last, running }) =>
    replace(
      place,
      h("p", { role: "status" }, tag(...STATES[status])),
      h("div", { class: "columns" }, run("The last check", last, "None has ended yet."), run("Under way", running, "None just now.")),
      [...(running?.differences ?? []), ...(last?.differences ?? [])].length > 0 && differences([...(running?.differences ?? []), ...(last?.differences ?? [])]),
    );
  draw(first);
  return section(
    "Integrity",
    h("p", {}, "Each night the entries of members are replayed: balances, hashes and what else the ledger promises."),
    place,
    h("div", { class: "actions" }, button("Look again", async () => (draw(await get("integrity")), announce("This is how it stands now.")))),
  );
}

function run(name, told, none) {
  if (!told) return h("div", {}, h("h3", {}, name), empty(none));
  return h(
    "div",
    {},
    h("h3", {}, name),
    facts([
      ["Begun", atTime(told.started_at)],
      told.finished_at && ["Ended", `${atTime(told.finished_at)}, after ${counted(told.duration_seconds, "second", "seconds")}`],
      ["Members checked", number(told.checked)],
      ["Changed since before", number(told.changed)],
      ["Sampled", number(told.sampled)],
      ["Could not be checked", number(told.failed)],
      ["Differences", number(told.difference_count)],
      ["Members frozen", number(told.frozen)],
    ].filter(Boolean)),
  );
}

const differences = (found) =>
  table({
    caption: "Differences",
    columns: [
      { title: "Member", value: (each) => h("a", { href: `#/members/${encodeURIComponent(each.member_id)}` }, each.member_id), isHead: true },
      { title: "What does not hold", value: (each) => label(each.invariant) },
      { title: "Entry", value: (each) => (each.entry === null ? "–" : String(each.entry)), isNumber: true },
      { title: "Detail", value: (each) => each.detail },
      { title: "Found", value: (each) => atTime(each.found_at) },
      { title: "Member is", value: (each) => (each.frozen ? tag("frozen", "bad") : "–") },
    ],
    rows: found,
  });

// ---- Dead letters

function deadLetters(first) {
  const place = h("div", { class: "page" });
  const more = h("div", { class: "actions" });
  let letters = [];
  let counts = [];

  const draw = () => {
    const queues = counts.filter((each) => each.messages > 0);
    replace(
      place,
      queues.length ? waiting(queues, again) : empty("Nothing failed for good."),
      letters.length > 0 && listed(letters, again),
    );
  };
  const add = ({ dead_letters: next, queues, cursor }) => {
    letters = [...letters, ...next];
    counts = queues;
    draw();
    replace(more, button("Look again", look), cursor && button("Show more", async () => add(await get("dead-letters", { cursor }))));
  };
  const look = async () => {
    const now = await get("dead-letters");
    letters = [];
    add(now);
    announce("This is how it stands now.");
  };

  async function again(queue, ids) {
    const done = await post("dead-letters/redrive", ids ? { queue, message_ids: ids } : { queue });
    const gone = new Set([...done.message_ids, ...done.not_found]);
    letters = letters.filter((each) => each.queue !== queue || !gone.has(each.message_id));
    counts = counts.map((each) => (each.queue === queue ? { ...each, messages: Math.max(0, each.messages - gone.size) } : each));
    draw();
    announce(outcome(done), done.not_redriven.length ? "failed" : "done");
  }

  add(first);
  return section(
    "Dead letters",
    h("p", {}, "What failed so often that it was put aside. Trying it again twice is harmless."),
    place,
    more,
  );
}

function outcome({ redriven, not_redriven: refused, not_found: missing, remaining }) {
  return [
    `${counted(redriven, "message is", "messages are")} tried again.`,
    refused.length && `${counted(refused.length, "message", "messages")} cannot be: ${[...new Set(refused.map((each) => label(each.reason).toLowerCase()))].join(", ")}.`,
    missing.length && `${counted(missing.length, "message was", "messages were")} not there just now.`,
    remaining ? `${number(remaining)} remain.` : "",
  ].filter(Boolean).join(" ");
}

const waiting = (queues, again) =>
  table({
    caption: "Queues with dead letters",
    columns: [
      { title: "Queue", value: (each) => label(each.queue), isHead: true },
      { title: "Messages", value: (each) => number(each.messages), isNumber: true },
      {
        title: "All of them",
        value: (each) =>
          each.redrivable
            ? button("Try all again", () => again(each.queue), { "aria-label": `Try all of ${label(each.queue)} again` })
            : h("span", { class: "hint" }, "cannot be tried again: see docs/operations.md"),
      },
    ],
    rows: queues,
  });

const listed = (letters, again) =>
  table({
    caption: "Messages, the oldest of each queue first",
    columns: [
      { title: "Queue", value: (each) => label(each.queue), isHead: true },
      { title: "Why", value: (each) => (each.reason ? h("code", {}, each.reason) : "not known") },
      { title: "What", value: (each) => about(each.about) },
      { title: "First seen", value: (each) => atTime(each.first_seen) },
      { title: "Tried", value: (each) => number(each.received), isNumber: true },
      {
        title: "Again",
        value: (each) =>
          each.redrivable
            ? button("Try again", () => again(each.queue, [each.message_id]), { "aria-label": `Try message ${each.message_id} again` })
            : "–",
      },
    ],
    rows: letters,
  });

const about = (told) =>
  h("ul", { class: "told" }, Object.entries(told).map(([name, value]) => h("li", {}, h("span", { class: "hint" }, `${label(name)}: `), value)));
