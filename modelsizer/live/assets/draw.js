// Elements, scales, axes, tips: what the drawings are made of. All text is set as text.
(function (m) {
  "use strict";

  const SVG = "http://www.w3.org/2000/svg";

  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) {
      if (value === null || value === undefined || value === false) continue;
      if (typeof value === "function") node.addEventListener(name, value);
      else node.setAttribute(name, value === true ? "" : String(value));
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined && child !== false) node.append(child);
    }
    return node;
  }

  // An element of HTML: a function among its attributes listens to the event of that name.
  m.h = (name, attributes, ...children) => fill(document.createElement(name), attributes, children);

  // An element of SVG.
  m.s = (name, attributes, ...children) =>
    fill(document.createElementNS(SVG, name), attributes, children);

  // A number from one range to another, by its logarithm where `log`.
  m.scale = function (from, to, log) {
    const f = log ? Math.log : (x) => x;
    const [a, b] = [f(from[0]), f(from[1])];
    const span = b - a || 1;
    return (x) => to[0] + ((f(x) - a) / span) * (to[1] - to[0]);
  };

  // Viridis from its light end, which is the best, to its dark one.
  const VIRIDIS = ["#fde725", "#d2e21b", "#a5db36", "#7ad151", "#54c568", "#35b779", "#22a884",
    "#1f988b", "#23888e", "#2a788e", "#31688e", "#39568c", "#414487", "#472f7d", "#440154"];
  m.colour = (level, levels) =>
    VIRIDIS[Math.round((Math.max(0, level) / Math.max(1, levels - 1)) * (VIRIDIS.length - 1))];

  // A place to draw in: an SVG of the width that there is, with margins.
  m.plot = function (width, height, margin, label) {
    const box = { left: margin.left, top: margin.top, right: width - margin.right,
      bottom: height - margin.bottom };
    const svg = m.s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group",
      "aria-label": label, class: "plot" });
    return { svg, box, width, height };
  };

  function spread(ticks, place, least) {
    const kept = [];
    for (const tick of ticks) {
      const at = place(tick.value);
      if (kept.every((other) => Math.abs(other.at - at) >= least)) kept.push({ at, text: tick.text });
    }
    return kept;
  }

  m.axisBelow = function (plot, axis, place) {
    const { box } = plot;
    const group = m.s("g", { class: "axis", "aria-hidden": "true" });
    const wide = Math.max(0, ...axis.ticks.map((tick) => tick.text.length)) * 6.5 + 10;
    for (const { at, text } of spread(axis.ticks, place, wide)) {
      if (at < box.left - 1 || at > box.right + 1) continue;
      group.append(m.s("path", { d: `M${at} ${box.bottom}v4` }),
        m.s("text", { x: at, y: box.bottom + 16, "text-anchor": "middle" }, text));
    }
    group.append(m.s("path", { d: `M${box.left} ${box.bottom}H${box.right}` }),
      m.s("text", { x: box.right, y: box.bottom + 32, "text-anchor": "end", class: "name" }, axis.label));
    plot.svg.append(group);
  };

  m.axisLeft = function (plot, axis, place) {
    const { box } = plot;
    const group = m.s("g", { class: "axis", "aria-hidden": "true" });
    for (const { at, text } of spread(axis.ticks, place, 16)) {
      if (at < box.top - 1 || at > box.bottom + 1) continue;
      group.append(m.s("path", { d: `M${box.left} ${at}h-4` }),
        m.s("text", { x: box.left - 7, y: at + 4, "text-anchor": "end" }, text));
    }
    group.append(m.s("path", { d: `M${box.left} ${box.top}V${box.bottom}` }),
      m.s("text", { x: box.left - 7, y: box.top - 10, class: "name", "text-anchor": "start" }, axis.label));
    group.lastChild.setAttribute("x", 0);
    plot.svg.append(group);
  };

  m.line = (points) => points.map(([x, y], i) => `${i ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");

  // Points on a path, so many pixels apart.
  m.along = function (path, apart) {
    const found = [];
    path.slice(1).forEach(([x1, y1], i) => {
      const [x0, y0] = path[i];
      const steps = Math.max(1, Math.round(Math.hypot(x1 - x0, y1 - y0) / apart));
      for (let k = 0; k <= steps; k += 1) found.push([x0 + ((x1 - x0) * k) / steps, y0 + ((y1 - y0) * k) / steps]);
    });
    return found;
  };

  m.star = function (x, y, size) {
    const corners = [];
    for (let i = 0; i < 10; i += 1) {
      const r = i % 2 ? size * 0.42 : size;
      const turn = (Math.PI * i) / 5 - Math.PI / 2;
      corners.push([x + r * Math.cos(turn), y + r * Math.sin(turn)]);
    }
    return m.s("path", { d: `${m.line(corners)}Z`, class: "star" });
  };

  // Places for labels that cover neither one another nor what was there before.
  m.labels = function (box) {
    const taken = [];
    const covers = (a) => taken.some((b) =>
      a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]);
    const inside = (a) => a[0] >= box.left && a[2] <= box.right && a[1] >= box.top && a[3] <= box.bottom;
    return {
      avoid: (x, y, r) => taken.push([x - r, y - r, x + r, y + r]),
      place(text, x, y, gap, className, must) {
        const wide = Math.max(...text.split("\n").map((line) => line.length)) * 6.1;
        const lines = text.split("\n");
        const high = lines.length * 13;
        const sides = [[gap, -high / 2, "start"], [-gap - wide, -high / 2, "end"],
          [-wide / 2, -gap - high, "middle"], [-wide / 2, gap, "middle"],
          [gap, -gap - high, "start"], [gap, gap, "start"], [-gap - wide, -gap - high, "end"],
          [-gap - wide, gap, "end"]];
        const areas = sides.map(([dx, dy, anchor]) => [x + dx, y + dy, x + dx + wide, y + dy + high, anchor]).filter(inside);
        for (const area of must ? [...areas.filter((one) => !covers(one)), ...areas] : areas) {
          if (!must && covers(area)) continue;
          const anchor = area[4];
          taken.push(area);
          const at = { start: area[0], end: area[2], middle: (area[0] + area[2]) / 2 }[anchor];
          return m.s("text", { class: className, "text-anchor": anchor, "aria-hidden": "true" },
            lines.map((line, i) => m.s("tspan", { x: at, y: area[1] + 10.5 + 13 * i }, line)));
        }
        return null;
      },
    };
  };

  // A tip beside what the pointer is over or what has the focus; said when it came by the keyboard.
  m.tip = function (frame) {
    const box = m.h("div", { class: "tip", hidden: true, "aria-hidden": "true" });
    frame.append(box);
    return {
      show(text, x, y) {
        box.textContent = text;
        box.hidden = false;
        const room = frame.clientWidth - box.offsetWidth - 4;
        box.style.left = `${Math.max(0, Math.min(x + 12, room))}px`;
        const above = y - box.offsetHeight - 10;
        box.style.top = `${above < 0 ? y + 14 : above}px`;
      },
      hide() { box.hidden = true; },
    };
  };

  // One stop of the Tab key for many marks: arrows walk among them, from left to right.
  m.walk = function (marks, show, hide) {
    marks.sort((a, b) => a.x - b.x || a.y - b.y);
    let at = Math.max(0, marks.findIndex((mark) => mark.first));
    marks.forEach((mark, i) => {
      const { node } = mark;
      fill(node, {
        tabindex: i === at ? 0 : -1, role: "img", "aria-label": mark.text, class: `${node.getAttribute("class") || ""} mark`,
        focus: () => show(mark), blur: hide, mouseenter: () => show(mark), mouseleave: hide,
        click: () => show(mark),
        keydown(event) {
          const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, Home: -Infinity, End: Infinity }[event.key];
          if (event.key === "Escape") hide();
          if (step === undefined) return;
          event.preventDefault();
          node.setAttribute("tabindex", -1);
          at = Math.max(0, Math.min(marks.length - 1, i + step));
          marks[at].node.setAttribute("tabindex", 0);
          marks[at].node.focus();
        },
      }, []);
    });
  };
})((window.modelsizer = window.modelsizer || {}));
