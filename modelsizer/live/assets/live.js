// The live page: answers over HTTP, the link that holds the state, and the buttons.
(function (m) {
  "use strict";

  const find = (id) => document.getElementById(id);
  const data = JSON.parse(find("data").textContent);

  const tab = crypto.randomUUID(); // so that the server tells the questions of two windows apart

  async function post(path, state, signal) {
    let response;
    try {
      response = await fetch(path, { signal, method: "POST", headers: { "Content-Type": "application/json", "X-Page": tab }, body: JSON.stringify(state) });
    } catch {
      throw { status: 0, error: `The server at ${location.host} does not answer; it may have ended. The next move asks again.` };
    }
    let found;
    try {
      found = await response.json();
    } catch {
      throw { status: response.status, error: `The server answered with status ${response.status}, and without an answer.` };
    }
    if (!response.ok) throw { status: response.status, error: found.error, key: found.key };
    return found;
  }

  // The state in the fragment of the address: key=value pairs, values as JSON.

  function fragment(state) {
    const pairs = Object.entries(state.settings).map(([key, value]) => [key, JSON.stringify(value)]);
    const words = [...pairs, ...state.without.map((key) => ["without", key])];
    return words.map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
  }

  function stateOf(text) {
    const state = { settings: {}, without: [] };
    for (const [key, value] of new URLSearchParams(text.replace(/^#/, "").replaceAll("+", "%2B"))) {
      if (key === "without") { state.without.push(value); continue; }
      let read;
      try { read = JSON.parse(value); } catch { read = value; }
      // A plain assignment would lose a key such as __proto__, and the server's word on it.
      Object.defineProperty(state.settings, key, { value: read, enumerable: true, configurable: true, writable: true });
    }
    return state;
  }

  const source = {
    // The rest of a view that has more to come is asked for without "quick".
    view: (state, signal, rest) => post("view", rest ? state : { ...state, quick: true }, signal),
    drawings: (state, signal) => post("drawings", state, signal),
    repairs: (state, signal) => post("repairs", state, signal),
  };
  const desk = m.desk(find("desk"), data, source);

  let written = null; // the fragment that the page itself put
  desk.on(({ state, undo, redo }) => {
    find("undo").disabled = !undo;
    find("redo").disabled = !redo;
    find("reset").disabled = !Object.keys(state.settings).length && !state.without.length;
    const text = fragment(state);
    if (written !== null && text !== written) history.replaceState(null, "", `${location.pathname}${location.search}${text ? `#${text}` : ""}`);
    written = text;
  });
  const follow = () => { if (location.hash.replace(/^#/, "") !== written) desk.set(stateOf(location.hash)); };
  addEventListener("hashchange", follow);
  follow();

  // Buttons. What was done is written beside them, and said.

  let clearing = 0;
  function note(text, seconds = 4) {
    const place = find("note");
    place.textContent = text;
    clearTimeout(clearing);
    if (seconds) clearing = setTimeout(() => { place.textContent = ""; }, seconds * 1000);
  }

  async function copied(text, what) {
    try {
      await navigator.clipboard.writeText(text);
      note(`${what} copied`);
    } catch {
      find("text").value = text; // where the browser does not let a page copy
      find("text-name").textContent = what;
      find("sheet").showModal();
      find("text").select();
    }
  }

  function saved(name, text, type) {
    const link = m.h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    note(`${name} saved`);
  }

  const actions = {
    undo: () => desk.undo(),
    redo: () => desk.redo(),
    reset: () => desk.reset(),
    link: () => copied(location.href, "Link"),
    toml: async () => copied((await post("toml", desk.state())).text, "TOML"),
    config: async () => { const { name, text } = await post("config", desk.state()); saved(name, text, "application/json"); },
    report: async () => { const { name, html } = await post("report", desk.state()); saved(name, html, "text/html"); },
  };
  for (const [name, act] of Object.entries(actions)) {
    const button = find(name);
    button.addEventListener("click", async () => {
      button.setAttribute("aria-busy", "true");
      const waiting = `${button.textContent} …`;
      const slow = setTimeout(() => note(waiting, 0), 400);
      try {
        await act();
      } catch (error) {
        note(error.error || "That could not be done.");
      }
      clearTimeout(slow);
      if (find("note").textContent === waiting) note("");
      button.removeAttribute("aria-busy");
    });
  }
})((window.modelsizer = window.modelsizer || {}));
