// The stack of layers, the map of loss over depth and width, and parameters against depth.
(function (m) {
  "use strict";

  const { h, s } = m;

  // Stack: a strip a model; a run of equal layers is one mark with a text.

  m.drawStack = function (data, width, tip) {
    const rowHeight = 54;
    const most = Math.max(...data.models.map((model) => model.runs.reduce((n, run) => n + run.count, 0)));
    const plot = m.plot(width, data.models.length * rowHeight + 6, { left: 0, right: 0, top: 0, bottom: 0 }, data.title);
    const unit = Math.min(width / most, 26);
    const marks = [];
    data.models.forEach((model, row) => {
      const top = row * rowHeight;
      const text = width < 560 && model.text.length > 44 ? model.short || model.text : model.text;
      const name = s("text", { x: 0, y: top + 13, class: row ? "model" : "model best" },
        s("tspan", {}, m.brief(model.name, 34)), s("tspan", { class: "quiet", dx: 8 }, m.brief(text, Math.floor(width / 6.4) - Math.min(34, model.name.length) - 3)));
      plot.svg.append(name);
      let x = 0;
      for (const run of model.runs) {
        const group = s("g", { class: "run" });
        group.append(s("rect", { x, y: top + 18, width: run.count * unit, height: 30, class: "hit" }));
        for (let i = 0; i < run.count; i += 1) {
          const [left, wide] = [x + i * unit + unit * 0.07, unit * 0.86];
          const high = (run.low ? 12 : 19) / Math.max(1, run.mixers.length);
          run.mixers.forEach((family, k) => group.append(s("rect", { x: left, width: wide,
            y: top + 38 - high * (k + 1), height: high, class: `family-${family}` })));
          const each = 8 / Math.max(1, run.ffns.length);
          run.ffns.forEach((family, k) => group.append(s("rect", { x: left, width: wide,
            y: top + 40 + k * each, height: each, class: `family-${family}` })));
        }
        plot.svg.append(group);
        marks.push({ node: group, x: row * 1e6 + x, y: 0, left: x + (run.count * unit) / 2, top: top + 18,
          text: `${model.name}: ${run.text}`, first: !row && !x });
        x += run.count * unit;
      }
    });
    m.walk(marks, (mark) => tip.show(mark.text, mark.left, mark.top), tip.hide);
    const key = h("ul", { class: "key" }, data.families.map((family) =>
      h("li", {}, s("svg", { width: 14, height: 10, "aria-hidden": "true" },
        s("rect", { width: 14, height: 10, class: `family-${family.key}` })), family.label)));
    return [plot.svg, key];
  };

  m.brief = (text, most) => (text.length <= most ? text : `${text.slice(0, Math.max(1, most - 1))}…`);

  function colours(levels, scale) {
    const cells = Array.from({ length: levels }, (_, level) =>
      s("rect", { x: level * 8, width: 8.5, height: 8, fill: m.colour(level, levels) }));
    return h("p", { class: "scale" }, h("span", {}, scale[0]),
      s("svg", { width: levels * 8, height: 8, "aria-hidden": "true" }, cells), h("span", {}, scale[1]));
  }

  // Map: cells of equal level are one path; a cursor walks the cells by the arrow keys.

  function borders(values) {
    const middles = values.slice(1).map((value, i) => (value + values[i]) / 2);
    const half = values.length > 1 ? [middles[0] - values[0], values.at(-1) - middles.at(-1)] : [0.5, 0.5];
    return [values[0] - half[0], ...middles, values.at(-1) + half[1]];
  }

  function cellsOf(data, xs, ys) {
    const paths = new Map();
    data.level.forEach((row, j) => {
      for (let i = 0; i < row.length;) {
        const level = row[i];
        let end = i + 1;
        while (end < row.length && row[end] === level) end += 1;
        if (level > -2) {
          const d = `M${xs[i].toFixed(1)} ${ys[j].toFixed(1)}H${xs[end].toFixed(1)}V${ys[j + 1].toFixed(1)}H${xs[i].toFixed(1)}Z`;
          paths.set(level, (paths.get(level) || "") + d);
        }
        i = end;
      }
    });
    return [...paths].map(([level, d]) => s("path", level < 0
      ? { d, class: "infeasible" } : { d, fill: m.colour(level, data.levels), class: "cell" }));
  }

  function cursorOver(data, plot, xs, ys, tip) {
    const cursor = s("rect", { class: "cursor", tabindex: 0, role: "img" });
    let [row, column] = [0, 0];
    if (data.best) {
      row = Math.max(0, data.rows.indexOf(data.best.y));
      column = Math.max(0, data.columns.indexOf(data.best.x));
    }
    const words = () => {
      const value = data.level[row][column];
      const said = value < -1 ? m.words.absent : value < 0 ? m.words.infeasible : `${m.words.loss} ${data.loss[row][column]}`;
      return `${data.y.label} ${data.row_texts[row]}, ${data.x.label} ${data.column_texts[column]}: ${said}`;
    };
    const put = () => {
      const [y0, y1] = [ys[row], ys[row + 1]].sort((a, b) => a - b);
      for (const [name, value] of Object.entries({ x: xs[column], y: y0, width: xs[column + 1] - xs[column],
        height: y1 - y0, "aria-label": words() })) cursor.setAttribute(name, value);
    };
    const show = () => { put(); cursor.classList.add("shown"); tip.show(words(), xs[column + 1], Math.min(ys[row], ys[row + 1])); };
    const hide = () => { tip.hide(); cursor.classList.remove("shown"); };
    const index = (edges, at) => edges.findIndex((edge, i) => i + 1 < edges.length
      && (at - edge) * (at - edges[i + 1]) <= 0);
    const point = (event) => {
      const area = plot.svg.getBoundingClientRect();
      const i = index(xs, ((event.clientX - area.left) / area.width) * plot.width);
      const j = index(ys, ((event.clientY - area.top) / area.height) * plot.height);
      if (i < 0 || j < 0) { hide(); return; }
      [row, column] = [j, i];
      show();
    };
    plot.svg.addEventListener("pointermove", point);
    plot.svg.addEventListener("pointerdown", point);
    plot.svg.addEventListener("pointerleave", () => { if (document.activeElement !== cursor) hide(); });
    cursor.addEventListener("focus", show);
    cursor.addEventListener("blur", hide);
    cursor.addEventListener("keydown", (event) => {
      const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowUp: [1, 0], ArrowDown: [-1, 0], Home: [0, -1e9], End: [0, 1e9], PageUp: [10, 0], PageDown: [-10, 0] }[event.key];
      if (event.key === "Escape") hide();
      if (!step) return;
      event.preventDefault();
      row = Math.max(0, Math.min(data.rows.length - 1, row + step[0]));
      column = Math.max(0, Math.min(data.columns.length - 1, column + step[1]));
      show();
      m.say(words());
    });
    put();
    return cursor;
  }

  m.drawMap = function (data, width, tip) {
    const height = Math.round(Math.min(400, Math.max(280, width * 0.72)));
    const plot = m.plot(width, height, { left: 40, right: 10, top: 26, bottom: 40 }, data.title);
    const { box, svg } = plot;
    const x = m.scale([data.x.min, data.x.max], [box.left, box.right]);
    const y = m.scale([data.y.min, data.y.max], [box.bottom, box.top]);
    const clip = (values, place, low, high) => values.map((value) => Math.min(high, Math.max(low, place(value))));
    const xs = clip(borders(data.columns), x, box.left, box.right);
    const ys = clip(borders(data.rows), y, box.top, box.bottom);
    svg.append(s("g", { "aria-hidden": "true" }, cellsOf(data, xs, ys)));
    m.axisBelow(plot, data.x, x);
    m.axisLeft(plot, data.y, y);
    const labels = m.labels(box);
    const lines = s("g", { "aria-hidden": "true" });
    const names = [];
    for (const limit of data.limits) {
      const path = limit.path.map(([a, b]) => [x(a), y(b)])
        .filter(([a, b]) => a >= box.left - 1 && a <= box.right + 1 && b >= box.top - 1 && b <= box.bottom + 1);
      if (path.length < 2) continue;
      const kind = limit.binding ? "limit binding" : "limit";
      lines.append(s("path", { d: m.line(path), class: "limit under" }), s("path", { d: m.line(path), class: kind }));
      for (const [a, b] of m.along(path, 6)) labels.avoid(a, b, 1);
      names.push([limit, path]);
    }
    svg.append(lines);
    if (data.best) {
      labels.avoid(x(data.best.x), y(data.best.y), 11);
      svg.append(m.star(x(data.best.x), y(data.best.y), 9));
      const text = labels.place(data.best.text, x(data.best.x), y(data.best.y), 12, "best-name", true);
      if (text) svg.append(text);
    }
    for (const [limit, path] of names) {
      for (const share of [0.3, 0.7, 0.5, 0.15, 0.85, 0.4]) {
        const [a, b] = path[Math.floor(share * (path.length - 1))];
        const text = labels.place(limit.label, a, b, 7, limit.binding ? "name limit-name binding" : "name limit-name");
        if (text) { svg.append(text); break; }
      }
    }
    svg.append(cursorOver(data, plot, xs, ys, tip));
    return [svg, colours(data.levels, data.scale)];
  };

  // Parameters against depth: what is feasible in grey, the front by loss, published models.

  function shaded(data, x, y) {
    const paths = new Map();
    for (const [x0, x1, y0, y1, share] of data.cells) {
      const step = Math.round(share * 5);
      const d = `M${x(x0).toFixed(1)} ${y(y0).toFixed(1)}H${x(x1).toFixed(1)}V${y(y1).toFixed(1)}H${x(x0).toFixed(1)}Z`;
      paths.set(step, (paths.get(step) || "") + d);
    }
    return [...paths].map(([step, d]) => s("path", { d, class: `feasible feasible-${step}` }));
  }

  m.drawFront = function (data, width, tip) {
    const height = Math.round(Math.min(400, Math.max(280, width * 0.72)));
    const plot = m.plot(width, height, { left: 46, right: 10, top: 26, bottom: 40 }, data.title);
    const { box, svg } = plot;
    const x = m.scale([data.x.min, data.x.max], [box.left, box.right], data.x.log);
    const y = m.scale([data.y.min, data.y.max], [box.bottom, box.top], data.y.log);
    const within = ([a, b]) => a >= box.left - 1 && a <= box.right + 1 && b >= box.top - 1 && b <= box.bottom + 1;
    svg.append(s("g", { "aria-hidden": "true" }, shaded(data, x, y)));
    const labels = m.labels(box);
    const guides = [];
    for (const guide of data.guides) {
      const path = guide.path.map(([a, b]) => [x(a), y(b)]).filter(within);
      if (path.length < 2) continue;
      svg.append(s("path", { d: m.line(path), class: "guide" }));
      guides.push([guide.label, path]);
    }
    m.axisBelow(plot, data.x, x);
    m.axisLeft(plot, data.y, y);
    const marks = [];
    const add = (node, a, b, text, first) => {
      svg.append(node);
      marks.push({ node, x: a, y: b, text, first });
    };
    for (const point of data.points) {
      const [a, b] = [x(point.x), y(point.y)];
      add(s("circle", { cx: a, cy: b, r: 3.2, fill: m.colour(point.level, data.levels), class: "point" }), a, b, point.text);
      labels.avoid(a, b, 2.5);
    }
    const stick = (item, className) => item.active && svg.append(
      s("path", { d: `M${x(item.x)} ${y(item.y)}V${Math.min(box.bottom, y(item.active))}`, class: className }),
      y(item.active) <= box.bottom ? s("circle", { cx: x(item.x), cy: y(item.active), r: 2.2, class: `${className}-end` }) : "");
    const models = data.models.filter((model) => within([x(model.x), y(model.y)]));
    if (data.best) labels.avoid(x(data.best.x), y(data.best.y), 11);
    const bestName = data.best && labels.place(data.best.label || data.best.text, x(data.best.x), y(data.best.y), 12, "best-name", true);
    for (const model of models) labels.avoid(x(model.x), y(model.y), 4);
    const names = new Map();
    for (const model of models) {
      const [a, b] = [x(model.x), y(model.y)];
      // Of models in one place only the first is named.
      const alone = [...names].every(([other, text]) => !text || Math.hypot(x(other.x) - a, y(other.y) - b) > 9);
      names.set(model, alone ? labels.place(model.name, a, b, 7, "model-name") : null);
    }
    for (const model of [...models].reverse()) {
      const [a, b, named] = [x(model.x), y(model.y), names.get(model)];
      if (named) stick(model, "stick");
      add(s("circle", { cx: a, cy: b, r: named ? 4 : 2.6, class: named ? "published named" : "published" }), a, b, model.text);
    }
    if (data.best) {
      const [a, b] = [x(data.best.x), y(data.best.y)];
      stick(data.best, "best-stick");
      add(m.star(a, b, 10), a, b, data.best.text, true);
      if (bestName) svg.append(bestName);
    }
    svg.append(...[...names.values()].filter(Boolean));
    for (const [label, path] of guides) {
      for (const share of [0.93, 0.8, 0.6, 0.4]) {
        const [a, b] = path[Math.floor(share * (path.length - 1))];
        const text = labels.place(label, a, b, 3, "name guide-name");
        if (text) { svg.append(text); break; }
      }
    }
    m.walk(marks, (mark) => tip.show(mark.text, mark.x, mark.y), tip.hide);
    return [svg, colours(data.levels, data.scale)];
  };
})((window.modelsizer = window.modelsizer || {}));
