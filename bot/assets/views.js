// The lists: approvals, the audit trail and search.

import { get, listen } from "./api.js";
import { button, h, replace } from "./dom.js";
import { line } from "./evidence.js";
import { empty, page, problem } from "./page.js";
import { step } from "./steps.js";
import { counted, full, number, person, second, took } from "./words.js";

export const approvalsView = (main) => page(main, "Approvals", async () => {
  const { steps } = await get("/api/approvals");
  if (steps.length === 0) return empty("Nothing waits for approval.", "When an answer finds a cause that a runbook can mend, its steps wait here.");
  // What is approved as one is one card.
  const cards = steps.filter((one) => !one.unit?.length || one.unit[0].id === one.id);
  return h("div", { class: "approvals" }, cards.map((one) => h("div", {},
    one.incident && h("p", { class: "question" }, h("a", { href: `#/incidents/${encodeURIComponent(one.incident)}` }, `incident ${one.incident}`)),
    step({ action: "", dry_run: null, verify: null, undo: null, together_with: [], approvals_needed: one.needed, ...one }, { title: one.title ?? one.summary }))));
});

export async function auditView(main) {
  const body = h("div", { class: "body" }, h("p", { class: "loading" }, "Loading…"));
  const banner = h("p", { class: "state" });
  const checked = h("p", { class: "state", role: "status" });
  const entries = [];
  const wanted = { incident: "", person: "", kind: "" };
  let head = null;
  let next = 0;
  let isLoading = false;
  const choices = h("div", { class: "filters" });
  const verify = button("Verify signatures", async () => {
    verify.disabled = true;
    replace(checked, "Checking every entry and signature…");
    try {
      const found = await get("/api/audit/verify");
      checked.className = `state ${found.whole ? "ok" : "bad"}`;
      const { entries: n, streams, heads_compared: heads } = found.report;
      replace(checked, found.whole ? `✓ Whole: ${n} entries in ${streams} streams, ${heads} signed heads compared`
        : ["✗ ", h("ul", {}, found.problems.slice(0, 20).map((text) => h("li", {}, text)))]);
    } catch (failure) {
      replace(checked, problem(failure));
    }
    verify.disabled = false;
  });
  const link = h("a", { class: "download", href: "/api/audit/export", download: "firstline-audit.ndjson" }, "Download");
  replace(main, h("section", { class: "page" }, h("h1", {}, "Audit trail"), banner, h("div", { class: "tools" }, choices, verify, link), checked, body));
  const load = async () => {
    if (isLoading) return;
    isLoading = true;
    try {
      for (let n = 0; n < 50; n += 1) {
        const found = await get(`/api/audit?after=${next}`);
        head = found.head ?? head;
        next = found.next ?? next;
        banner.className = `state ${found.verified ? "ok" : "bad"}`;
        const fresh = found.entries.filter((entry) => !entries.some((old) => old.seq === entry.seq && old.stream === entry.stream));
        entries.push(...fresh);
        replace(banner, found.verified ? `✓ Verified: every entry follows from the one before it` : "✗ The chain is broken: an entry was changed or removed. Run `firstline audit verify` for the place.",
          head && h("code", { class: "hash", title: head }, ` head ${head.slice(0, 12)}`));
        if (fresh.length === 0) break;
      }
      draw();
    } catch (failure) {
      if (entries.length === 0) replace(body, problem(failure, load));
    }
    isLoading = false;
  };
  const draw = () => {
    const titles = new Map(entries.filter((entry) => entry.incident && !entry.step).map((entry) => [entry.incident, entry.title ?? entry.incident]));
    const one = (key, label, values) => {
      const select = h("select", { "aria-label": label, onchange: () => { wanted[key] = select.value; draw(); } },
        h("option", { value: "" }, label), values.map(([value, text]) => h("option", { value, selected: wanted[key] === value }, text)));
      return select;
    };
    const some = (key) => [...new Set(entries.map((entry) => entry[key]))].sort();
    replace(choices, one("incident", "All incidents", [...titles].reverse()), one("person", "Everybody", some("actor").map((actor) => [actor, person(actor)])),
      one("kind", "All kinds", some("kind").map((kind) => [kind, kind])));
    link.setAttribute("href", wanted.incident ? `/api/audit/export?incident=${encodeURIComponent(wanted.incident)}` : "/api/audit/export");
    const shown = entries.filter((entry) => (!wanted.incident || entry.incident === wanted.incident) && (!wanted.person || entry.actor === wanted.person) && (!wanted.kind || entry.kind === wanted.kind));
    replace(body, entries.length === 0 ? empty("Nothing was recorded yet.", "Every question, proposal, decision and run is written here.")
      : shown.length === 0 ? empty("No entry is like that.", "Choose another person, incident or kind.") : table(shown));
  };
  const table = (shown) => h("div", { class: "scroll" }, h("table", { class: "audit" },
    h("thead", {}, h("tr", {}, ["Nr", "Recorded", "Who", "Kind", "What", "Hash"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, [...shown].reverse().map((entry) => h("tr", { "data-kind": entry.kind },
      h("td", { class: "num" }, entry.seq), h("td", {}, h("time", { title: full(entry.at) }, second(entry.at))), h("td", { class: "actor", title: entry.actor }, person(entry.actor)),
      h("td", { class: "kindcell" }, entry.kind), h("td", { class: "summary" }, titled(entry), own(entry)), h("td", {}, h("code", { class: "hash", title: entry.hash }, entry.hash.slice(0, 8))))))));
  for (const kind of ["step", "answer", "incident"]) listen(body, kind, () => setTimeout(load, 300));
  await load();
}

// A step by what it does rather than its id, and what the entry belongs to.
function titled(entry) {
  if (entry.step && entry.title) return [h("strong", {}, entry.title), " ", entry.summary.replace(`${entry.step} `, "")];
  const isSaid = !entry.title || entry.summary.includes(entry.title) || entry.kind === "asked";
  return [entry.summary, isSaid ? null : h("small", {}, entry.title)];
}

// What was told afterwards has a time of its own, which is the one that matters for a cause.
function own(entry) {
  if (!entry.happened || Math.abs(Date.parse(entry.happened) - Date.parse(entry.at)) < 1000) return null;
  return h("small", {}, "happened ", h("time", { datetime: entry.happened, title: full(entry.happened) }, second(entry.happened)));
}

export async function searchView(main, query) {
  const results = h("div", { class: "body" });
  const input = h("input", { id: "query", value: query ?? "", autocomplete: "off", spellcheck: "false", "aria-label": "Search", placeholder: "service:checkout level>=warn \"connection pool\" last:15m" });
  const form = h("form", { class: "search" }, h("span", { class: "field" }, input, h("kbd", { "aria-hidden": "true" }, "/")), h("button", { type: "submit", class: "go" }, "Search"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const next = `#/search?q=${encodeURIComponent(input.value)}`;
    if (location.hash === next) run(input.value, 100);
    else location.hash = next;
  });
  const run = async (text, limit) => {
    if (!text.trim()) return replace(results, help());
    results.setAttribute("aria-busy", "true");
    try {
      const found = await get(`/api/search?q=${encodeURIComponent(text)}&limit=${limit}`);
      replace(results, summary(found), h("div", { class: "context hits" }, found.hits.map((hit) => line(hit, false))),
        found.hits.length < found.total && limit < 1000 && button("Show more", () => run(text, limit * 3)));
    } catch (failure) {
      replace(results, problem(failure, failure.isMistake ? null : () => run(text, limit)));
    }
    results.removeAttribute("aria-busy");
  };
  replace(main, h("section", { class: "page" }, h("h1", {}, "Search"), form, results));
  await run(query ?? "", 100);
  if (!query) input.focus();
}

function summary(found) {
  const total = found.total === 0 ? "Nothing found" : `${found.total_is === "at_least" ? "at least " : ""}${counted(found.total, "line")}`;
  const shown = found.hits.length < found.total ? `, ${number(found.hits.length)} shown` : "";
  return h("p", { class: "dim summary" }, `${total}${shown} · searched ${counted(found.searched_records, "record")} in ${took(found.took_ms)}`);
}

function help() {
  const examples = [["timeout", "a word, whole, in any case"], ["\"connection pool\"", "a phrase"], ["upstream*", "words that start so"],
    ["level>=warn -service:search", "at least warnings, but not of search"], ["service:checkout last:15m", "one service, the last 15 minutes"],
    ["(timeout OR refused) AND host:web-1", "together"], ["trace:4bf92f35", "one request across services"]];
  return h("dl", { class: "help" }, examples.map(([query, meaning]) => h("div", {},
    h("dt", {}, h("a", { href: `#/search?q=${encodeURIComponent(query)}` }, h("code", {}, query))), h("dd", {}, meaning))));
}
