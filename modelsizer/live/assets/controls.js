// The panel: sliders over stops, menus and text fields, in groups that open, with a filter.
(function (m) {
  "use strict";

  const { h } = m;
  const GROUPS = [["limits", "Limits", true], ["training", "Training", true], ["serving", "Serving", true],
    ["space", "Designs to choose from", false], ["evidence", "Evidence", false]];
  const WIDE = 16; // characters of a text that takes a line of its own
  const MANY = 8; // controls from which on there is a filter

  const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

  function slider(control, name, id, move, finish) {
    const most = control.stops.length - 1;
    const input = h("input", { type: "range", id, min: 0, max: most, step: "any", "aria-label": name });
    const wide = Math.max(2, Math.round(most / 10));
    let at = 0;
    const put = (place) => {
      input.classList.toggle("unset", place === null); // what the file does not say stands in the middle
      at = place === null ? most / 2 : place;
      input.value = String(at);
      input.style.setProperty("--share", `${place !== null && most ? (at / most) * 100 : 0}%`);
    };
    const go = (place) => {
      const stop = Math.max(0, Math.min(most, place));
      if (stop === at && !input.classList.contains("unset")) return;
      put(stop);
      input.setAttribute("aria-valuetext", control.stops[stop].text);
      move(control.stops[stop]);
    };
    input.addEventListener("input", () => {
      const stop = Math.round(Number(input.value));
      go(stop);
      if (stop === at) input.value = String(stop);
    });
    input.addEventListener("change", finish);
    input.addEventListener("keydown", (event) => {
      const next = { ArrowRight: () => Math.floor(at) + 1, ArrowUp: () => Math.floor(at) + 1,
        ArrowLeft: () => Math.ceil(at) - 1, ArrowDown: () => Math.ceil(at) - 1,
        PageUp: () => Math.round(at) + wide, PageDown: () => Math.round(at) - wide,
        Home: () => 0, End: () => most }[event.key];
      if (!next || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      go(next());
    });
    const own = control.at === null || !most ? null : h("span", { class: "own", "aria-hidden": "true" });
    if (own) own.style.left = `calc(7px + (100% - 14px) * ${control.at / most})`;
    return { input, element: h("span", { class: "slider" }, own, input), put(place, text) {
      put(place);
      input.setAttribute("aria-valuetext", text);
    } };
  }

  function menu(control, name, id, move) {
    const options = control.stops.map((stop, i) => h("option", { value: i }, stop.text));
    const other = h("option", { value: -1 }, control.text || "–"); // what is no stop
    const select = h("select", { id, "aria-label": name, change: () => move(control.stops[Number(select.value)]) });
    return { input: select, put(place, text) {
      if (place === null) other.textContent = text || "–";
      select.replaceChildren(...(place === null || control.at === null ? [other] : []), ...options);
      select.value = String(place === null ? -1 : place);
    } };
  }

  function field(control, label, typed) {
    const input = h("input", { type: "text", "aria-label": label, autocomplete: "off", spellcheck: "false", inputmode: "text" });
    input.readOnly = Boolean(control.needs); // why it cannot be given is told in its place
    let shown = "";
    const send = () => { if (input.value.trim() && input.value !== shown) typed(input.value.trim()); else input.value = shown; };
    input.addEventListener("change", send);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Escape") { input.value = shown; input.blur(); }
    });
    input.addEventListener("focus", () => input.select());
    return { input, put(text, own) { if (own && !text) input.placeholder = control.needs ? "not yet" : "none"; shown = text; input.value = text; input.defaultValue = text; } };
  }

  function written() {
    const input = h("output", {});
    return { input, put(text) { input.textContent = text; } };
  }

  // One control: [what it is called, its error, its parts]; change(value|undefined, text) tells a move.
  function row(control, name, number, tellOf, finish, help) {
    let shown = null; // what it was put to last; null once it was moved or typed in
    const change = (...move) => { shown = null; tellOf(...move); };
    const id = `desk-control-${number}`;
    const wrong = h("p", { class: "wrong", id: `${id}-wrong`, hidden: true });
    const back = h("button", { type: "button", class: "back", hidden: true, "aria-label": `${name}: back to ${control.text}`, title: `back to ${control.text}`,
      click: () => { change(control, undefined, control.text); (parts.main || parts.text).input.focus(); } }, "↺");
    const parts = {};
    if (control.kind === "slider") {
      parts.main = slider(control, name, id, (stop) => change(control, stop.value, stop.text), finish);
      parts.text = control.fixed ? written() : field(control, `${name}, typed`, (text) => change(control, text, text));
    } else if (control.kind === "menu") parts.main = menu(control, name, id, (stop) => (stop ? change(control, stop.value, stop.text) : change(control, undefined, control.text)));
    else {
      parts.text = field(control, name, (text) => change(control, text, text));
      parts.text.input.id = id;
    }
    const label = h("label", { for: id }, control.label);
    const inputs = Object.values(parts).map((part) => part.input);
    for (const input of inputs) {
      input.addEventListener("focus", () => help(control));
      if (control.help || control.needs) input.setAttribute("aria-description", [control.help, control.needs].filter(Boolean).join(" "));
    }
    const element = h("div", { class: `control kind-${control.kind}${control.kind === "text" && control.text.length > WIDE ? " long" : ""}`, pointerenter: () => help(control) },
      label, back, h("span", { class: "value" }, control.kind === "menu" ? parts.main.input : parts.text.input),
      control.kind === "slider" ? parts.main.element : null, wrong);
    element.dataset.key = control.key;
    return {
      control, element,
      put(value, told) {
        const all = JSON.stringify([value, told]);
        if (all === shown) return;
        shown = all;
        const own = value === undefined && !told;
        const stop = own ? control.at : control.stops.findIndex((one) => same(one.value, value));
        const text = own ? control.text : this.text(value, told);
        const place = !own && told ? told.at : stop;
        if (parts.main) parts.main.put(place === undefined || place < 0 ? null : place, text);
        if (parts.text) parts.text.put(text, own);
        back.hidden = own;
        element.classList.toggle("shifted", !own);
      },
      fault(text) {
        wrong.hidden = !text;
        wrong.textContent = text || "";
        for (const input of inputs) {
          if (text) { input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", wrong.id); } else {
            input.removeAttribute("aria-invalid");
            input.removeAttribute("aria-describedby");
          }
        }
      },
      typed(text) { shown = null; if (parts.text && !control.fixed) parts.text.input.value = text; },
      text: (value, told) => (told ? told.text : control.stops.find((one) => same(one.value, value))?.text ?? String(value)),
      matches: (word) => `${control.label} ${control.key}`.toLowerCase().includes(word),
    };
  }

  // The panel of all controls. change(control, value, text) is told of moves, undefined is the file's own.
  m.panel = function (controls, change, finish) {
    const help = h("p", { class: "help", "aria-hidden": "true" });
    const tell = (control) => { help.textContent = [control.help, control.needs].filter(Boolean).join(" "); };
    // Controls of two tables may have one label: the key is then a part of their name.
    const named = (control) => (controls.some((other) => other !== control && other.label === control.label)
      ? `${control.label}, ${control.key}` : control.label);
    const rows = controls.map((control, i) => row(control, named(control), i, change, finish, tell));
    const groups = GROUPS.map(([name, heading, open]) => {
      const inside = rows.filter((one) => one.control.group === name);
      if (!inside.length) return null;
      const rare = inside.filter((one) => one.control.rare);
      const usual = inside.filter((one) => !one.control.rare);
      const more = rare.length && usual.length ? h("details", { class: "more" }, h("summary", {}, rare.every((one) => one.control.section === rare[0].control.section) && rare[0].control.section || "more"), rare.map((one) => one.element)) : null;
      const count = h("span", { class: "count" });
      const details = h("details", { class: "group", open: open && usual.length > 0 }, h("summary", {}, h("h2", {}, heading), count),
        (usual.length ? usual : rare).map((one) => one.element), more);
      return { details, more, inside, count };
    }).filter(Boolean);
    const find = h("input", { type: "search", placeholder: "find a setting", "aria-label": "find a setting", class: "find", input: filter });
    const nothing = h("p", { class: "quiet nothing", hidden: true }, "No setting has this name.");
    let opened = null; // what was open before the filter
    function filter() {
      const word = find.value.trim().toLowerCase();
      const discs = groups.flatMap((group) => [group.details, group.more].filter(Boolean));
      if (word && !opened) opened = discs.map((one) => one.open);
      for (const one of rows) one.element.hidden = Boolean(word) && !one.matches(word);
      for (const group of groups) group.details.hidden = Boolean(word) && group.inside.every((one) => one.element.hidden);
      for (const group of groups) if (group.more) group.more.hidden = Boolean(word) && group.inside.every((one) => !one.control.rare || one.element.hidden);
      if (word) for (const one of discs) one.open = true;
      else if (opened) { discs.forEach((one, i) => { one.open = opened[i]; }); opened = null; }
      nothing.hidden = !word || rows.some((one) => !one.element.hidden);
    }
    const element = h("form", { class: "panel", "aria-label": "Settings", submit: (event) => event.preventDefault() },
      h("div", { class: "inside" }, rows.length > MANY ? find : null, groups.map((group) => group.details), nothing,
        rows.some((one) => one.control.help) ? help : null));
    return {
      element, find: rows.length > MANY ? find : null,
      put(state, told, besides) {
        for (const one of rows) if (one.control.key !== besides) one.put(Object.hasOwn(state.settings, one.control.key) ? state.settings[one.control.key] : undefined, told && Object.hasOwn(told, one.control.key) ? told[one.control.key] : null);
        for (const group of groups) {
          const moved = group.inside.filter((one) => one.element.classList.contains("shifted")).length;
          group.count.textContent = moved ? `${moved} moved` : "";
        }
      },
      fault(key, text, typed) {
        const one = rows.find((each) => each.control.key === key);
        if (!one) return false;
        one.fault(text);
        if (text) {
          if (typed !== undefined) one.typed(String(typed));
          for (let up = one.element.parentElement; up; up = up.parentElement) if (up.tagName === "DETAILS") up.open = true;
        }
        return true;
      },
      clear() { for (const one of rows) one.fault(""); },
      of: (key) => rows.find((one) => one.control.key === key),
    };
  };
})((window.modelsizer = window.modelsizer || {}));
