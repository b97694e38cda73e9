// Draws counts over time with changes marked. Drawn at the width it has, so that its words stay readable on a phone.

import { h, replace, s } from "./dom.js";
import { clock, number, second, tick } from "./words.js";

const TOP = 34;
const ROW = 14;
const PLOT = 96;
const BOTTOM = 22;

export function chart(answer) {
  const data = answer.chart;
  if (!data || data.counts.length < 2) return null;
  const holder = h("figure", { class: "chart" });
  const draw = () => {
    const width = Math.round(holder.clientWidth);
    if (width > 40 && holder.dataset.width !== String(width)) {
      holder.dataset.width = width;
      const picture = drawing(answer, data, width);
      replace(holder, picture, picture.querySelector(".nr") && legend(marked(answer, data)));
    }
  };
  new ResizeObserver(draw).observe(holder);
  return holder;
}

function drawing(answer, data, width) {
  const from = Date.parse(data.from);
  const bucket = data.bucket_seconds * 1000;
  const highest = niceTop(Math.max(...data.counts, 1));
  const left = Math.max(28, String(number(highest)).length * 7 + 10);
  const plot = width - left - 2;
  const step = plot / data.counts.length;
  const onset = answer.window.onset ? Date.parse(answer.window.onset) : null;
  const isFault = (n) => onset !== null && ["cause", "conflicting"].includes(answer.verdict) && from + (n + 1) * bucket > onset;
  const x = (time) => left + ((time - from) / bucket) * step;
  const shown = marked(answer, data);
  const rows = staggered(shown.map((change) => x(Date.parse(change.at))));
  const top = TOP + ROW * Math.max(0, ...rows);
  const y = (count) => top + PLOT - (PLOT * count) / highest;

  const grid = [0, highest / 2, highest].map((value) => [
    s("line", { x1: left, x2: width - 2, y1: y(value), y2: y(value), class: "grid" }),
    s("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, number(value)),
  ]);
  const gap = step > 6 ? Math.min(4, step * 0.18) : step > 2 ? 0.5 : 0;
  const bars = data.counts.map((count, n) => {
    const height = count === 0 ? 0 : Math.max(1.5, (PLOT * count) / highest);
    const bar = s("rect", {
      x: (left + n * step + gap / 2).toFixed(2), y: (top + PLOT - height).toFixed(2),
      width: Math.max(0.5, step - gap).toFixed(2), height: height.toFixed(2),
      rx: step > 8 ? 1.5 : 0, class: isFault(n) ? "bar fault" : "bar",
    });
    bar.append(s("title", {}, `${clock(from + n * bucket)}: ${number(count)}`));
    return bar;
  });
  const end = from + bucket * data.counts.length;
  const middle = from + (end - from) / 2;
  const axis = [[from, "start", left], [middle, "middle", x(middle)], [end, "end", width - 2]].map(([time, anchor, at]) =>
    s("text", { x: at, y: top + PLOT + 17, "text-anchor": anchor }, tick(time, end - from > 86400000)));
  const marks = shown.map((change, n) => mark(change, x(Date.parse(change.at)), top, top - 9 - ROW * rows[n], shown.length === 1 && { left, width }))
    .sort((a, b) => a.classList.contains("suspected") - b.classList.contains("suspected")); // the suspect on top

  return s("svg", { viewBox: `0 0 ${width} ${top + PLOT + BOTTOM}`, width, height: top + PLOT + BOTTOM, role: "img",
    "aria-label": describe(answer, data, shown) }, s("g", { class: "axis" }, grid, axis), s("g", {}, bars), marks,
    s("text", { x: left - 7, y: 11, class: "unit", "text-anchor": "start" , dx: -left + 8 }, data.title));
}

// The changes that fall into the picture, as they came.
function marked(answer, { from, bucket_seconds, counts }) {
  const begin = Date.parse(from);
  const end = begin + bucket_seconds * 1000 * counts.length;
  const changes = answer.changes.filter((change) => Date.parse(change.at) >= begin && Date.parse(change.at) < end);
  return changes.sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

// One change has its name beside its line; several have their ids, and their names below, where there is room for all.
function mark(change, x, top, y, alone) {
  return s("g", { class: change.suspected ? "mark suspected" : "mark", "data-change": change.id },
    s("line", { x1: x, x2: x, y1: y + 4, y2: top + PLOT }),
    (alone && named(change, x, y, alone)) || s("text", { x, y, class: "nr", "text-anchor": "middle" }, change.id));
}

function named(change, x, y, { left, width }) {
  const text = `${change.service} ${change.version}, ${clock(change.at)}`;
  const wide = text.length * 7.2;
  if (wide > width - left) return null;
  const fitsLeft = x - wide - 8 > left;
  return s("text", { x: fitsLeft ? x - 7 : Math.max(left, Math.min(x + 7, width - wide)), y, "text-anchor": fitsLeft ? "end" : "start" }, text);
}

// A row for each id in which it touches no other; `places` rise, row 0 is next to the bars.
function staggered(places) {
  const ends = [];
  return places.map((at) => {
    const free = ends.findIndex((end) => at - end >= 26);
    const row = free < 0 ? ends.length : free;
    ends[row] = at;
    return row;
  });
}

function legend(shown) {
  return h("figcaption", {}, shown.map((change) =>
    h("span", { class: change.suspected ? "suspected" : "", "data-change": change.id }, h("b", {}, change.id), `${change.service} ${change.version}, ${clock(change.at)}`)));
}

// The picture in one sentence, for those who hear it.
function describe(answer, data, changes) {
  const highest = Math.max(...data.counts);
  const from = Date.parse(data.from);
  const at = from + data.counts.indexOf(highest) * data.bucket_seconds * 1000;
  const marks = changes.map((change) => `; ${change.service} ${change.version} at ${second(change.at)}`).join("");
  return `${data.title}: at most ${number(highest)}, at ${second(at)}` +
    `${answer.window.onset ? `; it began at ${second(answer.window.onset)}` : ""}${marks}`;
}

function niceTop(highest) {
  const scale = 10 ** Math.floor(Math.log10(highest));
  const steps = [1, 2, 3, 4, 5, 6, 8, 10].map((factor) => factor * scale);
  const top = steps.find((value) => value >= highest) ?? highest;
  return Math.max(2, top % 2 && top < 10 ? top + 1 : top);
}

// A series small enough for a row.
export function spark(series, startsFault) {
  if (!series || series.length < 2 || !series.some((count) => count > 0)) return null;
  const columns = Math.min(series.length, 40);
  const highest = Math.max(...series);
  const bars = Array.from({ length: columns }, (_, n) => {
    const from = Math.floor((n * series.length) / columns);
    const to = Math.max(from + 1, Math.floor(((n + 1) * series.length) / columns));
    const count = Math.max(...series.slice(from, to));
    const height = count === 0 ? 0.6 : Math.max(1.2, (16 * count) / highest);
    return s("rect", { x: n * 2, y: (16 - height).toFixed(1), width: 1.4, height: height.toFixed(1),
      class: startsFault !== null && to > startsFault ? "bar fault" : "bar" });
  });
  return s("svg", { class: "spark", viewBox: `0 0 ${columns * 2} 16`, preserveAspectRatio: "none", "aria-hidden": "true" }, bars);
}
