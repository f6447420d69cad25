// Small charts as SVG. Each has a sentence for those who cannot see it, and its numbers as a table.

import { h, newId, svg } from "./dom.js";
import { table } from "./ui.js";

const WIDTH = 640;
const HEIGHT = 220;
const MARGIN = { top: 12, right: 8, bottom: 34, left: 8 };
const MAX_LABELS = 12;

// Bars, stacked where there are several series. `series`: [{ name, values }], `labels` as long as
// the values; `write` makes a number readable.
export function bars({ title, summary, labels, series, write }) {
  const totals = labels.map((_, index) => sum(series.map((each) => Math.max(0, each.values[index]))));
  const top = Math.max(1, ...totals);
  const slot = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(1, labels.length);
  const shapes = labels.flatMap((_, index) => {
    let below = 0;
    return series.map((each, which) => {
      const height = scaled(Math.max(0, each.values[index]), top);
      below += height;
      return svg("rect", {
        class: `series-${which}`,
        x: MARGIN.left + slot * (index + 0.15),
        y: MARGIN.top + inner() - below,
        width: Math.min(slot * 0.7, 64),
        height,
        rx: 2,
      });
    });
  });
  const middle = Math.min(slot * 0.35, 32);
  const texts = spread(labels).map(([label, index]) =>
    svg("text", { x: MARGIN.left + slot * (index + 0.15) + middle, y: HEIGHT - 12, "text-anchor": "middle" }, label));
  return figure({ title, summary, shapes: [...shapes, axis(), ...texts], labels, series, write });
}

// Lines over the same labels.
export function lines({ title, summary, labels, series, write }) {
  const top = Math.max(1, ...series.flatMap((each) => each.values));
  const step = (WIDTH - MARGIN.left - MARGIN.right) / Math.max(1, labels.length - 1);
  const at = (value, index) => `${MARGIN.left + step * index},${MARGIN.top + inner() - scaled(Math.max(0, value), top)}`;
  const shapes = series.map((each, which) =>
    svg("polyline", { class: `line series-${which}`, points: each.values.map(at).join(" ") }));
  const texts = spread(labels).map(([label, index]) =>
    svg("text", { x: MARGIN.left + step * index, y: HEIGHT - 12, "text-anchor": index === 0 ? "start" : index === labels.length - 1 ? "end" : "middle" }, label));
  return figure({ title, summary, shapes: [...shapes, axis(), ...texts], labels, series, write });
}

// How far something is: a bar from 0 to 1 with its text.
export function progress({ label, share, text }) {
  const id = newId("progress");
  return h(
    "div",
    { class: "progress" },
    h("span", { id }, label),
    h("progress", { "aria-labelledby": id, max: "1", value: Math.min(1, Math.max(0, share)) }),
    h("span", { class: "hint" }, text),
  );
}

function figure({ title, summary, shapes, labels, series, write }) {
  const legend =
    series.length > 1 &&
    h("ul", { class: "legend" }, series.map((each, which) => h("li", { class: `series-${which}` }, each.name)));
  const columns = [
    { title: "", value: (row) => row.label, isHead: true },
    ...series.map((each, which) => ({ title: each.name, value: (row) => write(row.values[which]), isNumber: true })),
  ];
  const rows = labels.map((label, index) => ({ label, values: series.map((each) => each.values[index]) }));
  return h(
    "figure",
    { class: "chart" },
    svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. ${summary}` }, shapes),
    legend,
    h("figcaption", {}, summary),
    h("details", {}, h("summary", {}, "The numbers"), table({ caption: title, columns, rows, captionHidden: true })),
  );
}

const inner = () => HEIGHT - MARGIN.top - MARGIN.bottom;

const scaled = (value, top) => (value / top) * inner();

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

const axis = () =>
  svg("line", { class: "axis", x1: MARGIN.left, x2: WIDTH - MARGIN.right, y1: HEIGHT - MARGIN.bottom, y2: HEIGHT - MARGIN.bottom });

// As many labels as fit, with their positions.
function spread(labels) {
  const every = Math.ceil(labels.length / MAX_LABELS);
  return labels.map((label, index) => [label, index]).filter(([, index]) => index % every === 0);
}
