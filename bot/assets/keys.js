// Everything by keyboard. Keys do nothing while somebody types, and none of them approves on its own.

import { button, h } from "./dom.js";

const KEYS = [["/", "ask or search"], ["Enter", "send"], ["j k", "next and previous row"], ["o", "open or close the row"],
  ["a", "approve… (asks again)"], ["Esc", "back"], ["1 – 6", "Ask, Incidents, Approvals, Runbooks, Search, Audit"], ["?", "these keys"]];
const VIEWS = ["#/", "#/incidents", "#/approvals", "#/runbooks", "#/search", "#/audit"];

export function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select");
    if (event.key === "Escape") return back(typing);
    if (typing || document.querySelector("dialog[open]")) return;
    if (act(event.key)) event.preventDefault();
  });
}

function act(key) {
  if (key === "/") return focus(document.querySelector("#question, #query"));
  if (key === "j" || key === "ArrowDown") return move(1, key === "ArrowDown");
  if (key === "k" || key === "ArrowUp") return move(-1, key === "ArrowUp");
  if (key === "o") return press(document.activeElement?.closest("[data-row]") ?? document.querySelector(".turn:last-of-type [data-row]"));
  if (key === "a") return approve();
  if (key === "?") return help();
  if (key === "PageDown" || key === "PageUp") return scroll(key === "PageDown" ? 0.9 : -0.9);
  if (/^[1-6]$/.test(key)) {
    location.hash = VIEWS[Number(key) - 1];
    return true;
  }
  return false;
}

function focus(element) {
  element?.focus();
  element?.select?.();
  return Boolean(element);
}

// From wherever the focus is, the page is what scrolls.
function scroll(pages) {
  const main = document.getElementById("main");
  main.scrollBy({ top: pages * main.clientHeight });
  return true;
}

function press(element) {
  element?.click();
  element?.focus();
  return Boolean(element);
}

// Arrows scroll the page as usual until a row has the focus.
function move(by, isArrow) {
  const rows = [...document.querySelectorAll("[data-row], .list a")].filter((row) => row.offsetParent);
  if (rows.length === 0) return false;
  const now = rows.indexOf(document.activeElement);
  if (now < 0 && isArrow) return false;
  const last = document.querySelector(".turn:last-of-type [data-row]");
  const next = now < 0 ? Math.max(0, rows.indexOf(last)) : Math.min(rows.length - 1, Math.max(0, now + by));
  rows[next].focus();
  rows[next].scrollIntoView({ block: "nearest" });
  return true;
}

// Opens the confirmation of the step in focus, or of the newest that waits; the press that runs it stays a separate one.
function approve() {
  const here = document.activeElement?.closest(".step[data-state=proposed]");
  const step = here ?? document.querySelector(".turn:last-of-type .step[data-state=proposed]") ?? document.querySelector(".step[data-state=proposed]");
  const confirm = step?.querySelector("[data-act=approve]");
  if (!confirm) return false;
  confirm.click();
  step.scrollIntoView({ block: "center" });
  return true;
}

function back(typing) {
  const open = document.activeElement?.closest(".step")?.querySelector("[data-act=back]");
  if (open && !typing) open.click();
  else document.activeElement?.blur();
}

function help() {
  const dialog = h("dialog", { class: "keys", "aria-label": "Keys" }, h("h2", {}, "Keys"),
    h("dl", {}, KEYS.map(([key, meaning]) => h("div", {}, h("dt", {}, key.split(" ").map((one) => (one === "–" ? " – " : h("kbd", {}, one)))), h("dd", {}, meaning)))),
    button("Close", () => dialog.close(), { autofocus: true }));
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
  return true;
}
