// Makes elements. Text only ever becomes text nodes, and everything a display would obey or hide is written out.

const ACTIVE = new RegExp(
  "[\\u0000-\\u001f\\u007f-\\u009f\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069\\u00ad\\u034f\\u180e\\u200b" +
  "\\u2060-\\u2065\\u206a-\\u206f\\ufeff\\u115f\\u1160\\u3164\\uffa0\\u2028\\u2029\\ufff9-\\ufffb\\u{e0000}-\\u{e0fff}]",
  "gu",
);

function visible(c) {
  const code = c.codePointAt(0);
  if (code < 0x20) return String.fromCodePoint(0x2400 + code);
  if (code === 0x7f) return "␡";
  return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

export function inert(text) {
  return String(text ?? "").replace(ACTIVE, visible);
}

// Keeps line ends and widens tabs, for output that has lines of its own.
export function inertLines(text) {
  const lines = String(text ?? "").replaceAll("\r\n", "\n").replaceAll("\t", "    ");
  return lines.replace(ACTIVE, (c) => (c === "\n" ? c : visible(c)));
}

const SVG = "http://www.w3.org/2000/svg";

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : inert(value));
  }
  append(element, children);
  return element;
}

export function append(element, children) {
  for (const child of children.flat(4)) {
    if (child === null || child === undefined || child === false || child === "") continue;
    element.append(child instanceof Node ? child : inert(child));
  }
}

export function h(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function s(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

// A block of text with its own lines.
export function block(text, attributes) {
  const pre = h("pre", attributes);
  pre.append(document.createTextNode(inertLines(text)));
  return pre;
}

export function replace(element, ...children) {
  element.replaceChildren();
  append(element, children);
  return element;
}

export function announce(text) {
  document.getElementById("announce").textContent = inert(text);
}

export function button(label, press, attributes) {
  return h("button", { type: "button", onclick: press, ...attributes }, label);
}
