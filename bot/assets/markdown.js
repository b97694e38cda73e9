// Shows a runbook's Markdown with text nodes only: headings, paragraphs, lists, code, emphasis. Links stay text.

import { block, h } from "./dom.js";

export function markdown(source) {
  const root = h("div", { class: "markdown" });
  const lines = withoutFrontMatter(String(source).replaceAll("\r\n", "\n").split("\n"));
  let at = 0;
  while (at < lines.length) {
    const line = lines[at];
    const fence = line.match(/^\s*(```+|~~~+)\s*(\S*)/);
    const heading = line.match(/^(#{1,6})\s+(.*)/);
    const item = line.match(/^\s*([-*+]|\d+[.)])\s+/);
    if (fence) {
      const end = lines.findIndex((other, n) => n > at && other.trim().startsWith(fence[1]));
      const stop = end < 0 ? lines.length : end;
      const code = block(lines.slice(at + 1, stop).join("\n"), { class: "runs" });
      root.append(fence[2].startsWith("step") ? h("div", { class: "stepblock" }, h("span", { class: "faint" }, "step"), code) : code);
      at = stop + 1;
    } else if (heading) {
      root.append(h(`h${Math.min(6, heading[1].length + 1)}`, {}, inline(heading[2])));
      at += 1;
    } else if (item) {
      const list = h(/\d/.test(item[1]) ? "ol" : "ul", {});
      while (at < lines.length && lines[at].trim()) {
        const found = lines[at].match(/^\s*(?:[-*+]|\d+[.)])\s+(.*)/);
        if (found) list.append(h("li", {}, inline(found[1])));
        else list.lastChild?.append(" ", ...inline(lines[at].trim()));
        at += 1;
      }
      root.append(list);
    } else if (line.trim()) {
      const paragraph = [];
      while (at < lines.length && lines[at].trim() && !/^(#{1,6}\s|\s*```|\s*~~~)/.test(lines[at])) paragraph.push(lines[at++].trim());
      root.append(h("p", {}, inline(paragraph.join(" "))));
    } else {
      at += 1;
    }
  }
  return root;
}

function withoutFrontMatter(lines) {
  if (lines[0]?.trim() !== "---") return lines;
  const end = lines.indexOf("---", 1);
  return end < 0 ? lines : lines.slice(end + 1);
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*|\[[^\]]+\]\([^)]*\))/).filter(Boolean).map((part) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return h("code", {}, part.slice(1, -1));
    if (part.startsWith("**") && part.endsWith("**")) return h("b", {}, part.slice(2, -2));
    if (part.length > 2 && part.startsWith("*") && part.endsWith("*")) return h("em", {}, part.slice(1, -1));
    const link = part.match(/^\[([^\]]+)\]\(([^)]*)\)$/);
    return link ? h("span", { title: link[2] }, link[1]) : document.createTextNode(part);
  });
}
