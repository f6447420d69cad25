// What was changed between two lists of lines: the shortest edit, by Myers' greedy algorithm.
// (E. W. Myers, "An O(ND) Difference Algorithm and Its Variations", Algorithmica 1, 1986.)

const MAX_EDITS = 600;
const CONTEXT_LINES = 3;

// [{ kind: "same" | "removed" | "added", text, old, new }], with line numbers from 1. Texts that
// have little in common are shown as one removed and the other added.
export function difference(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start += 1;
  let end = 0;
  while (
    end < before.length - start &&
    end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) end += 1;
  const middle = shortest(before.slice(start, before.length - end), after.slice(start, after.length - end));
  const steps = [
    ...before.slice(0, start).map((text) => ({ kind: "same", text })),
    ...middle,
    ...before.slice(before.length - end).map((text) => ({ kind: "same", text })),
  ];
  return numbered(steps);
}

// The changes with a few lines around them: a list of runs.
export function hunks(steps) {
  const shown = new Set();
  for (const [index, step] of steps.entries()) {
    if (step.kind === "same") continue;
    for (let near = index - CONTEXT_LINES; near <= index + CONTEXT_LINES; near += 1) shown.add(near);
  }
  const runs = [];
  for (const [index, step] of steps.entries()) {
    if (!shown.has(index)) continue;
    if (shown.has(index - 1) && index > 0) runs.at(-1).push(step);
    else runs.push([step]);
  }
  return runs;
}

// The furthest way that each diagonal (place in `before` − place in `after`) gets with so many edits.
function shortest(before, after) {
  const ways = [];
  let furthest = new Map([[1, 0]]);
  for (let edits = 0; edits <= Math.min(MAX_EDITS, before.length + after.length); edits += 1) {
    const reached = new Map();
    ways.push(furthest);
    for (let diagonal = -edits; diagonal <= edits; diagonal += 2) {
      let x = isAddition(furthest, diagonal, edits) ? furthest.get(diagonal + 1) : furthest.get(diagonal - 1) + 1;
      while (x < before.length && x - diagonal < after.length && before[x] === after[x - diagonal]) x += 1;
      reached.set(diagonal, x);
      if (x >= before.length && x - diagonal >= after.length) return walked(ways, before, after);
    }
    furthest = reached;
  }
  return [
    ...before.map((text) => ({ kind: "removed", text })),
    ...after.map((text) => ({ kind: "added", text })),
  ];
}

const isAddition = (furthest, diagonal, edits) =>
  diagonal === -edits || (diagonal !== edits && furthest.get(diagonal - 1) < furthest.get(diagonal + 1));

// From the end back to the beginning, along the way that got there.
function walked(ways, before, after) {
  const steps = [];
  let [x, y] = [before.length, after.length];
  for (let edits = ways.length - 1; edits >= 0; edits -= 1) {
    const diagonal = x - y;
    const from = isAddition(ways[edits], diagonal, edits) ? diagonal + 1 : diagonal - 1;
    const fromX = edits === 0 ? 0 : ways[edits].get(from);
    const fromY = edits === 0 ? 0 : fromX - from;
    while (x > fromX && y > fromY) {
      x -= 1;
      y -= 1;
      steps.push({ kind: "same", text: before[x] });
    }
    if (edits === 0) break;
    if (x === fromX) steps.push({ kind: "added", text: after[(y -= 1)] });
    else steps.push({ kind: "removed", text: before[(x -= 1)] });
  }
  return steps.reverse();
}

function numbered(steps) {
  let [old, now] = [0, 0];
  return steps.map((step) => {
    if (step.kind !== "added") old += 1;
    if (step.kind !== "removed") now += 1;
    return { ...step, old: step.kind === "added" ? null : old, new: step.kind === "removed" ? null : now };
  });
}
