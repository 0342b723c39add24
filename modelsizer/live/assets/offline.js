// The sliders of a report: answers out of the file itself, each of which Python proved and wrote.
(function (m) {
  "use strict";

  const find = (id) => document.getElementById(id);

  async function inflated(text) {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
    return JSON.parse(await new Response(stream).text());
  }

  // Rows out of columns, as modelsizer/live/packed.py takes them apart: a function of the row's number.
  function rows(column) {
    if ("k" in column) return () => column.k;
    if ("u" in column) return (row) => column.u[column.i[row]];
    if ("l" in column) {
      const parts = column.l.map(rows);
      return (row) => parts.map((part) => part(row));
    }
    if ("d" in column) {
      const parts = Object.entries(column.d).map(([key, part]) => [key, rows(part)]);
      return (row) => Object.fromEntries(parts.map(([key, part]) => [key, part(row)]));
    }
    const counts = column.of.map(() => 0);
    const place = column.g.map((group) => counts[group]++);
    const groups = column.of.map(rows);
    return (row) => groups[column.g[row]](place[row]);
  }

  m.unpacked = async (text) => rows((await inflated(text)).of);

  // The number of a point, of which the last control's stops follow one another.
  function pointOf(controls, settings) {
    return controls.reduce((number, { key, stops, at }) => {
      const value = JSON.stringify(settings[key]);
      const stop = key in settings ? stops.findIndex((one) => JSON.stringify(one.value) === value) : at;
      return number * stops.length + (stop < 0 ? at : stop);
    }, 0);
  }

  // Sliders: the view of each point, and the stack of each architecture.
  async function slide(data, root) {
    const [view, stack, stackOf] = await Promise.all([data.views, data.stacks, data.stack_of].map(m.unpacked));
    const source = {
      async view(state) {
        const found = view(pointOf(data.controls, state.settings));
        if (!found) throw { status: 0, error: data.missing };
        return found;
      },
      drawings: async (state) => ({ stack: stack(stackOf(pointOf(data.controls, state.settings))) }),
    };
    const own = { settings: {}, without: [] };
    m.sliders = m.desk(root, { ...data, state: own, view: await source.view(own), drawings: await source.drawings(own) }, source);
  }

  // Figures that tell what is under the pointer stand before the pictures that are printed.
  async function hover(data) {
    const drawings = (await m.unpacked(data.drawings))(0);
    for (const [name, drawing] of Object.entries(drawings)) {
      const picture = document.querySelector(`#figure-${name} picture`);
      if (!picture) continue;
      const figure = m.figure(drawing.cells ? "front" : "map");
      picture.before(m.h("div", { class: "desk hover" }, figure.element));
      figure.show(drawing);
    }
  }

  const data = (id) => { const found = find(id); return found && JSON.parse(found.textContent); };
  const own = data("sliders-data");
  if (own) slide(own, find("sliders-desk")).catch(() => find("sliders-desk").replaceChildren(m.h("p", {}, own.unable)));
  const drawn = data("hover-data");
  if (drawn) hover(drawn).catch(() => {}); // the pictures stay
})((window.modelsizer = window.modelsizer || {}));
