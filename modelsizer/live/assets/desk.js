// The desk: a panel, an answer and drawings over one source; what was moved, undone and asked.
(function (m) {
  "use strict";

  const { h } = m;
  const ONE_MOVE = 1000; // milliseconds within which moves of one control are undone together
  const PATIENCE = 400; // milliseconds after which a newer question overtakes the one under way
  const CALM = 150; // milliseconds until a wait is shown, and until drawings follow an answer

  const copy = (state) => ({ settings: { ...(state?.settings || {}) }, without: [...(state?.without || [])] });
  const same = (a, b) => {
    const text = ({ settings, without }) => JSON.stringify([Object.entries(settings).sort(([x], [y]) => (x < y ? -1 : 1)), [...without].sort()]);
    return text(a) === text(b);
  };

  m.desk = function (root, data, source) {
    const listeners = [];
    const answer = m.answer();
    const moved = h("p", { class: "moved", hidden: true });
    const panel = m.panel(data.controls, change, () => { touched = ""; });
    root.classList.add("desk");
    root.replaceChildren(answer.summary, panel.element, moved, answer.element);

    let past = [copy(data.state)]; // states, the newest last
    let ahead = []; // states that were undone
    let touched = ""; // the control moved last, while its moves are one
    let moment = 0;
    let wanted = past[0];
    let good = wanted; // the last state that had an answer
    let shown = null; // the view of it
    let before = null; // the view that changes are told against
    let drawn = data.drawings ? wanted : null;
    let typed = null; // what the control moved last was moved to, in words

    function tell() {
      const told = same(good, wanted) ? shown?.controls : null;
      panel.put(wanted, told);
      const keys = Object.keys(wanted.settings);
      moved.hidden = !keys.length && !wanted.without.length;
      const chip = (text, back, next) => h("button", { type: "button", class: "chip", "aria-label": `${text}: ${back}`, title: back, click: () => { enter(next); (moved.querySelector("button") || panel.find || answer.summary).focus(); } }, text, h("span", { "aria-hidden": "true" }, " ×"));
      moved.replaceChildren(h("span", { class: "quiet" }, "differs from the file: "), ...keys.map((key) => {
        const one = panel.of(key);
        const next = copy(wanted);
        delete next.settings[key];
        return chip(one ? `${one.control.label} ${one.text(wanted.settings[key], told?.[key])}` : `${key} ${wanted.settings[key]}`, one ? `back to ${one.control.text}` : "back to the file's", next);
      }), ...wanted.without.map((key) => {
        const next = copy(wanted);
        next.without = next.without.filter((other) => other !== key);
        return chip(`without ${panel.of(key)?.control.label || key}`, "put back", next);
      }));
      for (const listener of listeners) listener({ state: copy(wanted), undo: past.length > 1, redo: ahead.length > 0 });
    }

    // Go to a state; moves of one control in one go are one step of undo.
    function enter(state, key) {
      if (same(state, wanted)) { tell(); return; }
      const now = performance.now();
      const together = Boolean(key) && key === touched && now - moment < ONE_MOVE && past.length > 1;
      [touched, moment] = [key || "", now];
      if (together) past[past.length - 1] = state;
      else { past.push(state); before = shown; }
      if (!key) typed = null;
      ahead = [];
      wanted = state;
      panel.clear();
      tell();
      ask();
    }

    function change(control, value, text) {
      const next = copy(wanted);
      if (value === undefined || (control.at !== null && JSON.stringify(control.stops[control.at]?.value) === JSON.stringify(value))) delete next.settings[control.key];
      else next.settings[control.key] = value;
      next.without = next.without.filter((key) => key !== control.key);
      if (same(next, wanted)) { panel.fault(control.key, ""); tell(); return; }
      typed = { key: control.key, text };
      enter(next, control.key);
    }

    function undo() {
      if (past.length < 2) return;
      ahead.push(past.pop());
      go(past.at(-1));
    }

    function redo() {
      if (!ahead.length) return;
      past.push(ahead.pop());
      go(past.at(-1));
    }

    function go(state) {
      [wanted, before, touched, typed] = [state, shown, "", null];
      panel.clear();
      tell();
      ask();
    }

    let number = 0; // of the newest question
    let newest = 0; // of the newest answer
    let running = null;
    let waiting = 0;
    let patience = 0;
    let pause = 0;

    function ask() {
      clearTimeout(patience);
      drawing?.abort();
      const since = running ? performance.now() - running.since : PATIENCE;
      if (since < PATIENCE) { waiting = 1; patience = setTimeout(ask, PATIENCE - since); return; }
      [waiting, number] = [0, number + 1];
      running?.stop.abort(); // told nothing more of what was asked before
      const mine = { number, since: performance.now(), state: wanted, stop: new AbortController() };
      running = mine;
      clearTimeout(pause);
      pause = setTimeout(() => answer.busy(true), CALM);
      source.view(mine.state, mine.stop.signal).then((view) => {
        came(mine, view);
        if (!view.more || waiting) return null;
        mine.since = -Infinity; // a move need not wait for the rest
        return source.view(mine.state, mine.stop.signal, true).then((rest) => came(mine, rest, true));
      }).catch((error) => failed(mine, error)).finally(() => {
        if (running === mine) running = null;
        if (waiting) ask();
        else if (!running) settled();
      });
    }

    function came(mine, view, rest) {
      if (mine.number < newest) return;
      newest = mine.number;
      if (!view.version || view.version === data.version) answer.trouble("");
      else answer.trouble("The file has changed on disk. This answer is that of the new file; the controls are still the old one's.", () => location.reload(), "Reload");
      [good, shown] = [mine.state, view];
      answer.show(view, before);
      if (!rest) m.say([view.status_text, view.headline].filter(Boolean).join(". "));
      tell();
    }

    function failed(mine, error) {
      if (error?.status === 409 || mine.number < number) return;
      const text = error?.error || "The answer could not be had.";
      if (error?.status !== 422) { answer.trouble(text, ask); return; }
      // What cannot be asked is not a step; it stays written where it was typed.
      if (past.length > 1 && same(past.at(-2), good)) past.pop();
      else past[past.length - 1] = good;
      wanted = good;
      tell();
      const key = panel.of(error.key) ? error.key : typed?.key; // of a table as a whole: what was moved
      if (!panel.fault(key, text, typed && typed.key === key ? typed.text : undefined)) answer.trouble(text);
      m.say(text);
    }

    let drawing = null; // what stops the drawings, or the repairs, under way
    function settled() {
      clearTimeout(pause);
      answer.busy(false);
      if (!shown) return;
      const state = good;
      if (!shown.architecture.length) { repair(state); return; }
      if (!source.drawings || (drawn && same(drawn, state))) { answer.drawing(false); return; }
      answer.drawing(true);
      drawing?.abort();
      const mine = new AbortController();
      drawing = mine;
      setTimeout(() => {
        if (mine !== drawing || !same(state, wanted)) return;
        source.drawings(state, mine.signal).then((drawings) => {
          if (mine !== drawing) return;
          drawn = state;
          answer.draw(drawings);
          answer.drawing(false);
        }, () => { if (mine === drawing) answer.drawing(false); });
      }, CALM);
    }

    function repair(state) {
      if (!source.repairs) return;
      answer.repairs(null);
      drawing = new AbortController();
      source.repairs(state, drawing.signal).then((found) => {
        if (same(state, wanted)) answer.repairs(found, (chosen) => {
          enter({ settings: { ...state.settings, ...chosen.settings }, without: [...new Set([...state.without, ...chosen.without])] });
          answer.summary.focus(); // the button is gone with what it mends
        });
      }, () => { if (same(state, wanted)) answer.repairs({ repairs: [] }); });
    }

    document.addEventListener("keydown", (event) => {
      const inText = event.target.matches?.("input[type=text], input[type=search]");
      if (inText && event.target.value !== event.target.defaultValue) return; // the field's own undo
      const key = event.key.toLowerCase();
      if ((event.ctrlKey || event.metaKey) && !event.altKey && (key === "z" || key === "y")) {
        event.preventDefault();
        if (key === "y" || event.shiftKey) redo();
        else undo();
      }
      if (key === "/" && panel.find && !inText && !event.ctrlKey && !event.metaKey) { event.preventDefault(); panel.find.focus(); }
    });

    // The first answer came with the page.
    shown = data.view;
    answer.show(shown, null);
    if (data.drawings) answer.draw(data.drawings);
    settled();

    const desk = {
      state: () => copy(wanted),
      set: (state) => enter(copy(state)),
      on(listener) { listeners.push(listener); tell(); },
      undo, redo, ask,
      reset: () => enter({ settings: {}, without: [] }),
    };
    tell();
    return desk;
  };
})((window.modelsizer = window.modelsizer || {}));
