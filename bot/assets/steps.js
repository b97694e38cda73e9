// A proposed step: what would run, who must agree, and, once it runs, what it does. Nothing runs on one press.

import { get, listen, path, post, tell } from "./api.js";
import { announce, block, button, h, replace } from "./dom.js";
import { template } from "./evidence.js";
import { clock, clockMinute, counted, did, person, second } from "./words.js";

const known = new Map();
const outputs = new Map();
const VERBS = { proposed: "Waiting for approval", approved: "Approved, starting", running: "Running", succeeded: "Succeeded",
  failed: "Failed", timed_out: "Timed out", cancelled: "Cancelled", rejected: "Rejected", expired: "Expired, nobody approved",
  superseded: "Replaced by a newer proposal", indeterminate: "Unknown: the executor was lost while it ran" };
const TONES = { succeeded: "ok", failed: "bad", timed_out: "bad", rejected: "bad", cancelled: "bad", indeterminate: "warn",
  running: "going", approved: "going", proposed: "warn" };

// `view` is a step as an answer proposes it; its state is asked for and followed.
// A preview shows the same card, follows nothing, and has no buttons.
export function step(view, { title, why, number, joins, isPreview = false } = {}) {
  const root = h("section", { class: "step", "data-step": view.id, "aria-label": title ?? view.summary });
  let mode = "look";
  let isBusy = false;
  let problem = null;
  let seen = null;
  const isManual = view.action === "manual";

  const draw = () => {
    const now = isPreview ? undefined : known.get(view.id);
    const state = now?.state ?? "proposed";
    root.dataset.state = state;
    replace(root,
      title && h("h3", {}, number ? h("span", { class: "faint" }, `${number}. `) : null, title),
      !title && number && h("h3", {}, h("span", { class: "faint" }, `${number}. `), view.summary),
      why && h("p", { class: "why" }, why),
      h("p", { class: "facts" }, facts(view, title).map((fact, n) => [n > 0 && h("span", { class: "dot" }, " · "), fact])),
      view.verify && h("p", { class: "facts" }, "verified by: ", template(view.verify)),
      mode === "approve" ? null : whole(now).map((each) => runs(each)),
      state === "proposed" ? decide(now) : status(now, state),
      problem && h("p", { class: "problem", role: "alert" }, problem));
  };

  // Where a card stands for all steps of its unit it shows all of them; where each has a card of its own, only its own.
  const whole = (now) => !number && now?.unit?.length > 1 ? now.unit : [view];

  const decide = (now) => {
    if (mode === "approve") return confirm();
    if (mode === "break-glass") return glassBreaking(now);
    if (mode === "reject") return reason("reject", "Why not? The reason goes into the record.", "Reject");
    const given = now?.approvals?.length ?? 0;
    const needed = now?.needed ?? view.approvals_needed;
    const by = given ? ` ${given} given, by ${now.approvals.map((approval) => person(approval.person)).join(", ")}.` : "";
    return [
      h("p", { class: "dim" }, isManual ? `For a person to do; Firstline does not run it. Expires ${clockMinute(view.expires)}.`
        : `${needs(needed, now?.who)}.${by} Expires ${clockMinute(view.expires)}.`),
      now?.precondition && h("p", { class: "dim" }, `Starts only while there is: ${now.precondition}`),
      joins ? h("p", { class: "dim" }, "Runs together with the step before; one approval covers both.")
        : isPreview ? [view.undo && h("p", { class: "dim" }, `Undo: ${view.undo}`), h("p", { class: "faint" }, isManual ? "Here people will find “I did it…” and “Reject…”." : "Here people will find “Approve…” and “Reject…”.")] : h("div", { class: "buttons" },
        button(isManual ? "I did it…" : "Approve…", () => enter("approve"), { class: "go", "data-act": "approve" }),
        button("Reject…", () => enter("reject"), { "data-act": "reject" }),
        !isManual && now?.you?.may_break_glass && button("Break glass…", () => enter("break-glass"), { class: "stop", "data-act": "break-glass" })),
    ];
  };

  const confirm = () => {
    // Nobody approves what a person does by hand: they do it, and say so.
    const digest = known.get(view.id)?.digest ?? view.digest;
    const unit = known.get(view.id)?.unit ?? [];
    const yes = isManual ? button("Yes, I did exactly this", () => send("done", { digest, succeeded: true }), { class: "go", "data-act": "confirm", disabled: isBusy })
      : button("Yes, run exactly this", () => send("approve", { digest }), { class: "go", "data-act": "confirm", disabled: isBusy });
    return h("div", { class: "confirm", role: "group", "aria-label": "Confirm" },
      h("p", {}, isManual ? "You say that you did this yourself on " : "You approve that exactly this runs on ",
        h("b", {}, view.target), " in ", h("b", {}, view.environment), unit.length > 1 ? `, ${unit.length} steps as one, in this order:` : ":"),
      unit.length > 1 ? unit.map((each) => runs(each)) : runs(view),
      view.undo && h("p", { class: "dim" }, `Undo: ${view.undo}`),
      h("p", { class: "dim" }, "Digest ", h("code", { title: digest }, digest.slice(0, 16)), ", bound to these bytes. Your name goes into the record."),
      h("div", { class: "buttons" }, yes, button("Back", () => enter("look"), { disabled: isBusy, "data-act": "back" })));
  };

  // Without the others, at once: the bytes are the same, the reason is asked for, and a second channel hears of it.
  const glassBreaking = (now) => [
    h("p", { class: "problem" }, "This starts at once, without the others' approval. A second channel is told, and somebody else reviews it."),
    (now?.unit?.length > 1 ? now.unit : [view]).map((each) => runs(each)),
    reason("break-glass", "Why can it not wait? At least ten characters, for the record and the review.", "Break the glass and run exactly this"),
  ];

  const reason = (verb, label, action, extra = {}) => {
    const id = `reason-${view.id}`;
    const input = h("textarea", { id, rows: 2, maxlength: 2000, required: true });
    const go = () => {
      if (input.value.trim()) return send(verb, { digest: known.get(view.id)?.digest ?? view.digest, reason: input.value.trim(), ...extra });
      problem = "Give a reason, one sentence is enough.";
      draw();
      root.querySelector("textarea")?.focus();
    };
    input.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
    return h("div", { class: "confirm" }, h("label", { for: id }, label), input,
      h("div", { class: "buttons" }, button(action, go, { class: "stop", disabled: isBusy, "data-act": `confirm-${verb}` }),
        button("Back", () => enter("look"), { disabled: isBusy })));
  };

  const status = (now, state) => {
    if (mode === "happened" || mode === "did-not") {
      const succeeded = mode === "happened";
      return reason("resolve", succeeded ? "How do you know that it happened?" : "How do you know that it did not?", "Record it", { succeeded });
    }
    const output = outputs.get(view.id) ?? now.output;
    return [
      h("p", { class: `state ${TONES[state] ?? ""}` }, sign(state), " ", VERBS[state] ?? state, ended(now, state)),
      now.outcome && h("p", {}, now.outcome),
      output && log(output, state),
      now.verification && verification(now.verification),
      ["approved", "running"].includes(state) && h("div", { class: "buttons" },
        button("Cancel", () => send("cancel", {}), { disabled: isBusy, "data-act": "cancel" })),
      state === "indeterminate" && h("div", {},
        h("p", { class: "dim" }, `Look at ${view.target} before anything is tried again, then say what you found.`),
        h("div", { class: "buttons" }, button("It happened…", () => enter("happened")), button("It did not…", () => enter("did-not")))),
      now.glass && glass(now),
      now.can_undo && mode !== "undone" && h("div", { class: "buttons" },
        button("Propose to undo it", undo, { disabled: isBusy, "data-act": "undo" })),
      mode === "undone" && h("p", { class: "dim", role: "status" }, "The step that takes it back is proposed; it needs an approval of its own."),
      history(now),
    ];
  };

  // What was started by breaking glass stays marked until somebody else has looked at it.
  const glass = (now) => {
    if (mode === "review") return reason("review", "What do you think of it? This goes into the record.", "Record the review");
    const by = `Glass broken by ${person(now.glass.by)} ${clock(now.glass.at)}: “${now.glass.reason}”`;
    const mayReview = !now.glass.reviewed && now.you?.may_approve && now.you.name !== now.glass.by;
    return h("div", { class: "glass" },
      h("p", { class: "state warn" }, "! ", by),
      h("p", { class: "dim" }, now.glass.paged ? `Second channel: ${now.glass.paged}` : "A second channel is being told."),
      h("p", { class: "dim" }, now.glass.reviewed ? `Reviewed by ${now.glass.reviewed}` : "Not reviewed yet."),
      mayReview && h("div", { class: "buttons" }, button("Review…", () => enter("review"), { "data-act": "review" })));
  };

  const undo = async () => {
    if (isBusy) return;
    isBusy = true;
    try {
      await post(path("steps", view.id, "undo"), {});
      mode = "undone";
      problem = null;
      tell("incident", { reload: true });
    } catch (failure) {
      problem = [failure.message, failure.next].filter(Boolean).join(" ");
    }
    isBusy = false;
    draw();
  };

  const enter = (next) => {
    mode = next;
    problem = null;
    draw();
    if (next === "approve") root.querySelector("[data-act=confirm]")?.focus();
    else root.querySelector("textarea, [data-act=approve]")?.focus();
  };

  const send = async (verb, body) => {
    if (isBusy) return;
    isBusy = true;
    for (const element of root.querySelectorAll(".buttons button")) element.disabled = true;
    try {
      const now = await post(path("steps", view.id, verb), body);
      mode = "look";
      problem = null;
      isBusy = false;
      tell("step", now);
      draw();
    } catch (failure) {
      isBusy = false;
      problem = [failure.message, failure.next].filter(Boolean).join(" ");
      await refresh();
      draw();
    }
  };

  const refresh = async () => {
    try {
      learn(await get(path("steps", view.id)));
      seen = known.get(view.id).state;
    } catch (failure) {
      if (!known.has(view.id) && problem === null) problem = [failure.message, failure.next].filter(Boolean).join(" ");
    }
  };

  if (isPreview) {
    draw();
    return root;
  }
  listen(root, "step", ({ id }) => {
    if (id !== view.id) return;
    const now = known.get(id);
    if (seen !== now.state) {
      seen = now.state;
      if (now.state !== "proposed" && ["approve", "reject", "break-glass"].includes(mode)) mode = "look";
      announce(`${title ?? view.summary}: ${VERBS[now.state] ?? now.state}`);
    }
    const isWriting = mode !== "look" && root.querySelector("textarea") !== null;
    if (!isWriting && !isBusy) redraw(draw, root);
  });
  listen(root, "verifying", ({ step: id, text }) => {
    const now = known.get(view.id);
    if (id !== view.id || now?.state !== "succeeded" || ["verified", "held_before"].includes(now.verification?.state)) return;
    known.set(view.id, { ...now, verification: { state: "pending", text } });
    redraw(draw, root);
  });
  listen(root, "incident", async ({ reload }) => {
    if (!reload) return;
    await refresh();
    redraw(draw, root);
  });
  listen(root, "output", ({ step: id, chunk }) => {
    if (id !== view.id) return;
    const shown = root.querySelector(".output");
    if (shown) shown.textContent = outputs.get(id);
    else draw();
    if (shown) shown.scrollTop = shown.scrollHeight;
  });
  draw();
  refresh().then(() => redraw(draw, root));
  return root;
}

// What a press returns may be older than what the stream has brought meanwhile; a step's history only grows.
function learn(now) {
  const before = known.get(now.id);
  // The stream does not know who reads it.
  if (before?.you && !now.you) now = { ...now, you: before.you };
  if ((now.history?.length ?? 0) >= (before?.history?.length ?? 0)) known.set(now.id, now);
}

// Output is kept for steps that are not on the page at the moment, too.
export function follow(changes) {
  changes.addEventListener("output", ({ detail }) => {
    const text = (outputs.get(detail.step) ?? known.get(detail.step)?.output ?? "") + detail.chunk;
    outputs.set(detail.step, text.length > 65536 ? text.slice(-65536) : text);
  });
  changes.addEventListener("step", ({ detail }) => {
    learn(detail);
    if (detail.output && detail.output.length >= (outputs.get(detail.id)?.length ?? 0)) outputs.set(detail.id, detail.output);
  });
}

// Draws again without taking the focus from somebody's hands.
function redraw(draw, root) {
  const stops = () => [...root.querySelectorAll("a, button, textarea, summary, [tabindex]")];
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  const [act, place] = [held?.dataset?.act, stops().indexOf(held)];
  draw();
  if (act) root.querySelector(`[data-act="${act}"]`)?.focus();
  else if (place >= 0) stops()[place]?.focus();
}

// `who` counts for itself: `1 of ines, tom`.
function needs(needed, who) {
  if (who === "1 of everyone who is signed in") return "Anyone who is signed in may approve";
  return who ? `Needs ${who}` : `Needs ${counted(needed, "approval")}`;
}

function facts(view, title = "") {
  const isSaid = title.includes(`${view.target} in ${view.environment}`);
  return [
    h("span", { class: `risk ${view.risk}` }, `${view.risk} risk`),
    !isSaid && `${view.target} in ${view.environment}`,
    view.dry_run && `dry run: ${view.dry_run}`,
  ].filter(Boolean);
}

// The bytes that the digest covers, readable: the sentence of the action, then every argument.
function runs(view) {
  const lines = [view.summary];
  const given = view.arguments;
  if (given && typeof given === "object" && !Array.isArray(given)) {
    for (const [name, value] of Object.entries(given)) {
      const text = typeof value === "string" ? value : JSON.stringify(value);
      if (!view.summary.includes(text)) lines.push(`${name}: ${text}`);
    }
  } else if (given !== null && given !== undefined) {
    lines.push(JSON.stringify(given));
  }
  return block(lines.join("\n"), { class: "runs", tabindex: "0", "aria-label": "What runs" });
}

function log(output, state) {
  const pre = block(output, { class: "output", tabindex: "0", role: "log", "aria-label": "Output", "data-live": state === "running" });
  requestAnimationFrame(() => (pre.scrollTop = pre.scrollHeight));
  return pre;
}

function sign(state) {
  if (state === "running" || state === "approved") return h("span", { class: "spin", "aria-hidden": "true" });
  return { succeeded: "✓", failed: "✗", timed_out: "✗", rejected: "✗", cancelled: "✗", indeterminate: "?", expired: "⧗" }[state] ?? "·";
}

function ended(now, state) {
  const last = now.history?.findLast((entry) => !/^(not )?verified/.test(entry.text));
  const by = now.approvals?.length && state !== "rejected" ? ` · approved by ${now.approvals.map((a) => `${person(a.person)} ${clock(a.at)}`).join(", ")}` : "";
  return h("span", { class: "faint" }, last ? ` ${second(last.at)}` : "", by);
}

function verification({ state, text }) {
  const tone = { verified: "ok", held_before: "warn", failed: "bad", interrupted: "warn" }[state] ?? "going";
  const word = { verified: "Verified", held_before: "Verified, but it was so before this step began", failed: "Not verified", pending: "Watching", interrupted: "Not finished" }[state] ?? state;
  return h("p", { class: `state ${tone}`, "data-verification": state },
    state === "pending" ? h("span", { class: "spin", "aria-hidden": "true" }) : { verified: "✓", held_before: "!", interrupted: "?" }[state] ?? "✗", ` ${word}: `, template(text.replace(/^watching /, "")));
}

function history(now) {
  if (!now.history?.length) return null;
  return h("details", { class: "history" }, h("summary", {}, "Who did what"),
    h("ol", {}, now.history.map((entry) => {
      const [name, text] = did(entry.actor, entry.text);
      return h("li", {}, h("time", {}, clock(entry.at)), name && h("b", {}, `${name} `), template(text));
    })));
}
