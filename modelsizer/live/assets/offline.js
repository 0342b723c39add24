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

  async function start(section) {
    const data = JSON.parse(find("sliders-data").textContent);
    const [view, stack] = await Promise.all([m.unpacked(data.views), data.stacks ? m.unpacked(data.stacks) : null]);
    const source = {
      async view(state) {
        const found = view(pointOf(data.controls, state.settings));
        if (!found) throw { status: 0, error: data.missing };
        return found;
      },
    };
    if (stack) source.drawings = async (state) => ({ stack: stack(pointOf(data.controls, state.settings)) });
    const own = { settings: {}, without: [] };
    section.hidden = false;
    for (const link of document.querySelectorAll("[data-needs=script]")) link.hidden = false;
    m.sliders = m.desk(find("sliders-desk"), { ...data, state: own, view: await source.view(own),
      drawings: source.drawings ? await source.drawings(own) : null }, source);
  }

  const section = find("sliders");
  if (section) start(section);
})((window.modelsizer = window.modelsizer || {}));
