// The answer: what a View and Drawings look like. Every text is Python's; nothing is computed here.
(function (m) {
  "use strict";

  const { h } = m;

  m.words = { absent: "no design", infeasible: "infeasible", loss: "loss" };

  const NAMES = { none: "No design keeps every limit" };

  // Say something to screen readers, once nothing newer has been said for a while.
  let voice = null;
  let waiting = 0;
  m.say = function (text) {
    if (!voice) {
      voice = h("p", { role: "status", "aria-live": "polite", class: "desk-voice" });
      document.body.append(voice);
    }
    clearTimeout(waiting);
    waiting = setTimeout(() => { voice.textContent = text; }, 500);
  };

  const byKey = (rows, key) => new Map((rows || []).map((row) => [key(row), row]));

  // Rows that differ between two answers: [label, what it was, what it is].
  m.changes = function (view, before) {
    if (!before || before === view) return [];
    const found = [];
    const note = (label, was, is) => { if (was !== is) found.push([label, was, is]); };
    if (before.status !== view.status) note("status", before.status_text, view.status_text);
    if (!view.architecture.length || !before.architecture.length) return found;
    if (view.objective.name === before.objective.name && other(view)) note(view.objective.label, before.objective.text, view.objective.text);
    if (view.loss && before.loss) note(m.words.loss, before.loss.short, view.loss.short);
    const was = byKey(before.architecture, (row) => row[0]);
    for (const [key, label, text] of view.architecture) note(label, was.has(key) ? was.get(key)[2] : "–", text);
    const is = byKey(view.architecture, (row) => row[0]);
    for (const [key, label, text] of before.architecture) if (!is.has(key)) note(label, text, "–");
    const bound = byKey(before.limits, (row) => row.name);
    for (const limit of view.limits) {
      const other = bound.get(limit.name);
      if (other && other.binding !== limit.binding) note(limit.label, other.binding ? "binds" : "slack", limit.binding ? "binds" : "slack");
    }
    return found;
  };

  // Whether something else than the loss is asked for.
  const other = (view) => view.objective.name !== "loss";

  function section(name, heading, ...content) {
    const id = `desk-${name}`;
    return h("section", { class: name, "aria-labelledby": id }, h("h2", { id }, heading), ...content);
  }

  const pairs = (rows, changed) => h("dl", { class: "pairs" }, rows.map(([label, text]) =>
    h("div", { class: changed && changed.has(label) ? "changed" : null }, h("dt", { class: label.startsWith(" ") ? "part" : null }, label.trim()), h("dd", {}, text,
      changed && changed.has(label) ? h("span", { class: "was" }, `was ${changed.get(label)}`) : null))));

  const listing = (lines) => h("ul", {}, lines.map((text) => h("li", {}, h("span", { class: "cut" }, text))));

  function bar(limit) {
    const share = limit.share === null || limit.share === undefined ? 0 : Math.max(0, Math.min(1, limit.share));
    const fill = h("span", { class: "fill" });
    fill.style.width = `${share * 100}%`;
    return h("span", { class: "track", "aria-hidden": "true" }, fill);
  }

  const limitRow = (limit) => h("tr", { class: limit.binding ? "binding" : null },
    h("th", { scope: "row" }, limit.label),
    h("td", { class: "bar" }, bar(limit)),
    h("td", { class: "n used" }, limit.used),
    h("td", { class: "n end" }, h("span", { class: "sign" }, limit.end === "min" ? "≥ " : "≤ "), limit.limit),
    h("td", { class: limit.binding ? "binds" : "share" }, limit.binding ? "binds" : limit.share_text, limit.given_as ? h("span", { class: "quiet" }, limit.given_as) : null));

  function limitsTable(limits) {
    const head = h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "limit"),
      h("td", { class: "bar" }), h("th", { scope: "col", class: "n" }, "used"),
      h("th", { scope: "col", class: "n" }, "limit"), h("td", {})));
    return h("table", { class: "limits-table" }, head, h("tbody", {}, limits.map(limitRow)));
  }

  function summaryOf(view) {
    const parts = [];
    const band = view.loss && [view.loss.band, view.loss.error].filter(Boolean).join("; ");
    if (other(view) && view.objective.text) {
      parts.push(h("p", { class: "main" }, h("span", { class: "value" }, view.objective.text), h("span", { class: "what" }, view.objective.label)));
    }
    if (view.loss) {
      parts.push(h("p", { class: other(view) ? "main second" : "main" }, h("span", { class: "value" }, view.loss.short),
        h("span", { class: "what" }, m.words.loss, band ? h("span", { class: "band" }, band) : null)));
    }
    const binding = view.limits.filter((limit) => limit.binding).map((limit) => limit.label);
    parts.push(h("div", { class: "said" }, h("p", { class: "headline" }, view.headline),
      h("p", { class: "held" }, binding.length ? `binds: ${binding.join(", ")}` : "")));
    return parts;
  }

  const whyOf = (view) => (view.why.length ? view.why : view.warnings);

  // The answer's part of the page.
  m.answer = function () {
    const badge = h("span", { class: "badge" });
    const time = h("span", { class: "quiet time" });
    const short = h("div", { class: "short" });
    const changes = h("p", { class: "changes" });
    const trouble = h("div", { class: "trouble", role: "alert", hidden: true });
    const summary = h("section", { class: "summary", tabindex: -1, "aria-label": "The answer in short" },
      h("p", { class: "state" }, badge, time), short, changes, h("span", { class: "wait", "aria-hidden": "true" }));
    const why = h("section", { class: "why", hidden: true, "aria-label": "Why there is no design" });
    const facts = h("div", { class: "facts" });
    const rest = h("div", { class: "rest" });
    const figures = Object.fromEntries(["stack", "map", "front"].map((name) => [name, m.figure(name)]));
    const pictures = h("div", { class: "pictures" }, Object.values(figures).map((one) => one.element));
    const last = h("div", { class: "last" }, facts, pictures, rest);
    const element = h("div", { class: "answer" }, trouble, why, last);
    let kept = null; // the last view with a design

    function show(view, before) {
      badge.textContent = view.status_text;
      badge.dataset.status = view.status;
      time.textContent = view.seconds || "";
      const found = m.changes(view, before);
      changes.replaceChildren(...(found.length ? [h("span", { class: "quiet" }, "since the last answer: "),
        ...found.slice(0, 8).flatMap(([label, was, is], i) => [i ? h("span", { class: "dot", "aria-hidden": "true" }, " · ") : "",
          h("span", { class: "change" }, `${label} `, h("s", {}, was), h("span", { class: "sr" }, " is now "), h("span", { class: "arrow", "aria-hidden": "true" }, " → "), h("strong", {}, is))]),
        found.length > 8 ? h("span", { class: "quiet" }, " and more") : ""]
        : [h("span", { class: "quiet" }, before && before !== view ? "since the last answer: nothing" : "")]));
      const solved = view.architecture.length > 0;
      last.classList.toggle("stale", !solved && kept !== null);
      if (solved || !kept) body(view, new Map(found.map(([label, was]) => [label, was])));
      if (solved) kept = view;
      reason(view, solved);
      short.replaceChildren(...(solved ? summaryOf(view) : [h("div", { class: "said" },
        h("p", { class: "headline none" }, view.headline || NAMES.none), h("p", { class: "because" }, whyOf(view)[0] || ""),
        h("button", { type: "button", class: "jump", click: () => why.scrollIntoView({ block: "center" }) }, "why, and what would do"))]));
    }

    function body(view, changed) {
      const { architecture, limits } = view;
      const lists = [["machine", "Machine", view.machine.map(([, label, text]) => [label, text])], ["costs", "Costs", view.costs],
        ["prediction", "Prediction", view.prediction], ["hyperparameters", "How to train it (suggestions)", view.hyperparameters]]
        .filter(([, , rows]) => rows.length);
      const beside = []; // what fits under the limits, beside the rows of the architecture
      let room = architecture.length - limits.length - 2;
      for (const list of [...lists]) {
        if (list[2].length + 2 > room) continue;
        room -= list[2].length + 2;
        lists.splice(lists.indexOf(list), 1);
        beside.push(list);
      }
      const made = ([name, heading, rows]) => section(name, heading, pairs(rows));
      facts.replaceChildren(
        architecture.length ? section("architecture", "Architecture", pairs(architecture.map(([, label, text]) => [label, text]), changed)) : "",
        h("div", {}, limits.length ? section("limits", "Limits", limitsTable(limits), view.about_limits ? h("p", { class: "caption" }, view.about_limits) : "") : "", beside.map(made)));
      rest.replaceChildren(...lists.map(made),
        ...[["warnings", "Warnings", view.warnings], ["notes", "Notes", view.notes]].filter(([, , lines]) => architecture.length && lines.length)
          .map(([name, heading, lines]) => section(name, heading, listing(lines))),
        view.certificate && architecture.length ? section("certificate", "Certificate", h("p", {}, view.certificate)) : "",
        view.command ? section("command", "The same on the command line", h("code", {}, view.command)) : "");
    }

    function reason(view, solved) {
      why.hidden = solved;
      if (solved) { why.replaceChildren(); return; }
      why.replaceChildren(h("h2", {}, "Why"), listing(whyOf(view)),
        h("div", { class: "repairs" }), h("p", { class: "quiet" }, view.certificate || ""),
        kept ? h("p", { class: "quiet" }, "Dimmed below is the last answer there was.") : "");
    }

    function repairs(found, choose) {
      const place = why.querySelector(".repairs");
      if (!place) return;
      if (found === null) { place.replaceChildren(h("p", { class: "quiet" }, "Looking for the least repairs …")); return; }
      const { repairs, none } = found;
      if (!repairs.length) { place.replaceChildren(none ? h("p", {}, none) : ""); return; }
      place.replaceChildren(h("h3", {}, "What would do"), h("ul", {}, repairs.map((repair) =>
        h("li", {}, h("button", { type: "button", class: "repair", click: () => choose(repair) }, repair.text)))));
    }

    return {
      summary, element, show, repairs,
      busy(on) { summary.classList.toggle("busy", on); element.setAttribute("aria-busy", String(on)); },
      trouble(text, again, word = "Ask again") {
        trouble.hidden = !text;
        trouble.replaceChildren(...(text ? [h("p", {}, text), again ? h("button", { type: "button", click: again }, word) : ""] : []));
      },
      draw(drawings) { for (const [name, one] of Object.entries(figures)) one.show(drawings[name]); },
      drawing(on) { pictures.classList.toggle("stale", on); pictures.setAttribute("aria-busy", String(on)); },
    };
  };

  // A figure is drawn for the width that it has, and again when that changes.
  m.figure = function (name) {
    const draw = { stack: m.drawStack, map: m.drawMap, front: m.drawFront }[name];
    const frame = h("div", { class: "frame" });
    const title = h("h2", { id: `desk-${name}` });
    const caption = h("p", { class: "caption" });
    const element = h("figure", { class: `figure ${name}`, hidden: true, "aria-labelledby": title.id }, title, frame, h("figcaption", {}, caption));
    let data = null;
    let width = 0;
    function redraw() {
      width = frame.clientWidth;
      if (!data || !width) return;
      if (!draw || data.reason !== undefined) { frame.replaceChildren(h("p", { class: "quiet" }, data.reason)); return; }
      const tip = m.tip(frame);
      const focus = frame.contains(document.activeElement);
      frame.replaceChildren(...draw(data, width, tip), frame.lastChild);
      if (focus) frame.querySelector("[tabindex='0']")?.focus();
    }
    new ResizeObserver(() => { if (Math.abs(frame.clientWidth - width) > 1) redraw(); }).observe(frame);
    return { element, show(found) {
      data = found || null;
      element.hidden = !data || (data.reason === "" && !data.title);
      if (!data) return;
      title.textContent = data.title || { stack: "Stack of layers", map: "Loss over depth and width", front: "Parameters against depth" }[name];
      caption.textContent = data.caption || "";
      redraw();
    } };
  };
})((window.modelsizer = window.modelsizer || {}));
