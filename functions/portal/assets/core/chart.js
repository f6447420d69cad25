// Small charts as SVG, drawn as wide as their place is, so that their words keep their size. Each has
// a sentence for those who cannot see it, and its numbers as a table.

import { h, newId, replace, svg } from "./dom.js";
import { table } from "./ui.js";

const HEIGHT = 220;
const MARGIN = { top: 22, right: 8, bottom: 28, left: 8 };
const LETTER_WIDTH = 7.2;
const SPACE_BETWEEN = 14;
const WIDEST_BAR = 56;
const ROW = { text: 22, bar: 16, gap: 14 };
const NARROWEST = 240;

// Bars over labels; several series are stacked, or stand side by side. `series`: [{ name, values }],
// as many values as labels; `write` makes a number readable; `labelled` says what the
// labels are, such as "Month".
export function bars({ title, summary, labels, labelled, series, write, isStacked = true }) {
  const tops = isStacked
    ? labels.map((_, index) => sum(series.map((each) => drawn(each.values[index]))))
    : series.flatMap((each) => each.values.map(drawn));
  const top = rounded(Math.max(2, ...tops));
  const draw = (width) => {
    const slot = (width - MARGIN.left - MARGIN.right) / Math.max(1, labels.length);
    const whole = Math.min(slot * 0.72, WIDEST_BAR * (isStacked ? 1 : series.length));
    const bar = isStacked ? whole : whole / series.length;
    const shapes = labels.flatMap((_, index) => {
      const left = MARGIN.left + slot * index + (slot - whole) / 2;
      let below = 0;
      return series.map((each, which) => {
        const height = scaled(drawn(each.values[index]), top);
        below = isStacked ? below + height : height;
        const x = isStacked ? left : left + bar * which;
        return svg("rect", { class: `series-${which}`, x, y: floor() - below, width: bar, height, rx: 2 });
      });
    });
    const words = spread(labels, width).map(([label, index]) =>
      svg("text", { x: MARGIN.left + slot * (index + 0.5), y: HEIGHT - 8, "text-anchor": "middle" }, label));
    return { height: HEIGHT, shapes: [...grid(width, top, write), ...shapes, ...words] };
  };
  return figure({ title, summary, draw, labels, labelled, series, write });
}

// Lines over the same labels.
export function lines({ title, summary, labels, labelled, series, write }) {
  const top = rounded(Math.max(2, ...series.flatMap((each) => each.values.map(drawn))));
  const draw = (width) => {
    const slot = (width - MARGIN.left - MARGIN.right) / Math.max(1, labels.length);
    const middle = (index) => MARGIN.left + slot * (index + 0.5);
    const at = (value, index) => `${middle(index)},${floor() - scaled(drawn(value), top)}`;
    const shapes = series.map((each, which) =>
      svg("polyline", { class: `line series-${which}`, points: each.values.map(at).join(" ") }));
    const words = spread(labels, width).map(([label, index]) =>
      svg("text", { x: middle(index), y: HEIGHT - 8, "text-anchor": "middle" }, label));
    return { height: HEIGHT, shapes: [...grid(width, top, write), ...shapes, ...words] };
  };
  return figure({ title, summary, draw, labels, labelled, series, write });
}

// A row for each label, with a bar for each series and its number: for names rather than times.
export function rows({ title, summary, labels, labelled, series, write }) {
  const top = Math.max(1, ...series.flatMap((each) => each.values.map(drawn)));
  const height = ROW.text + ROW.bar * series.length + ROW.gap;
  const draw = (width) => {
    const room = width - wide(series.flatMap((each) => each.values.map(write)));
    const shapes = labels.flatMap((label, index) => {
      const y = height * index;
      const name = svg("text", { x: 0, y: y + ROW.text - 7, class: "name" }, label);
      const drawnBars = series.flatMap((each, which) => {
        const long = Math.max(2, (drawn(each.values[index]) / top) * room);
        const row = y + ROW.text + ROW.bar * which;
        return [
          svg("rect", { class: `series-${which}`, x: 0, y: row, width: long, height: ROW.bar - 3, rx: 2 }),
          svg("text", { x: long + 6, y: row + ROW.bar - 4 }, write(each.values[index])),
        ];
      });
      return [name, ...drawnBars];
    });
    return { height: height * labels.length, shapes };
  };
  return figure({ title, summary, draw, labels, labelled, series, write });
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

function figure({ title, summary, draw, labels, labelled, series, write }) {
  const legend =
    series.length > 1 &&
    h("ul", { class: "legend" }, series.map((each, which) => h("li", { class: `series-${which}` }, each.name)));
  const columns = [
    { title: labelled, value: (row) => row.label, isHead: true },
    ...series.map((each, which) => ({ title: each.name, value: (row) => write(row.values[which]), isNumber: true })),
  ];
  const numbers = labels.map((label, index) => ({ label, values: series.map((each) => each.values[index]) }));
  return h(
    "figure",
    { class: "chart" },
    canvas(`${title}. ${summary}`, draw),
    legend,
    h("figcaption", {}, summary),
    h("details", {}, h("summary", {}, "The numbers"), table({ caption: title, columns, rows: numbers, captionHidden: true })),
  );
}

// The picture, drawn again whenever its place becomes wider or narrower.
function canvas(text, draw) {
  const picture = svg("svg", { role: "img", "aria-label": text });
  let drawnWidth = 0;
  const observer = new ResizeObserver(([entry]) => {
    const width = Math.max(NARROWEST, Math.floor(entry.contentRect.width));
    if (width === drawnWidth) return;
    drawnWidth = width;
    const { height, shapes } = draw(width);
    picture.setAttribute("viewBox", `0 0 ${width} ${height}`);
    replace(picture, shapes);
  });
  const place = h("div", {}, picture);
  observer.observe(place);
  return place;
}

const drawn = (value) => Math.max(0, value ?? 0);

const floor = () => HEIGHT - MARGIN.bottom;

const scaled = (value, top) => (value / top) * (HEIGHT - MARGIN.top - MARGIN.bottom);

const sum = (numbers) => numbers.reduce((total, each) => total + each, 0);

// The next of a few short numbers with noughts, so that the lines of the grid have short numbers too.
function rounded(value) {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].find((each) => each * power >= value) * power;
}

function grid(width, top, write) {
  return [0, 0.5, 1].flatMap((share) => {
    const y = floor() - scaled(share * top, top);
    const line = svg("line", { class: share === 0 ? "axis" : "grid", x1: MARGIN.left, x2: width - MARGIN.right, y1: y, y2: y });
    return share === 0 ? [line] : [line, svg("text", { x: MARGIN.left, y: y - 4 }, write(share * top))];
  });
}

// The room that the longest of some texts takes.
const wide = (texts) => Math.max(0, ...texts.map((each) => each.length)) * LETTER_WIDTH + SPACE_BETWEEN;

// As many labels as fit, with their positions.
function spread(labels, width) {
  const every = Math.ceil(labels.length / Math.max(1, Math.floor(width / wide(labels))));
  return labels.map((label, index) => [label, index]).filter(([, index]) => index % every === 0);
}
