// The service's page: a document goes in, its pages with boxes and texts come out.
// All that it knows it asks of the service that it came from; the token stays in this tab.
"use strict";
(async () => {
  const DOUBTFUL = 0.8; // words that are less sure are marked
  const ZOOMS = [1, 1.5, 2, 3, 4];
  const [FIRST_WAIT, LONGEST_WAIT] = [150, 1000]; // milliseconds between two looks at what is being read
  const KNOWN_FAULTS = ["file", 0, 400, 401, 404, 413, 415, 422, 429, 503, 504];
  const STATUSES = { too_large: 413, unknown_type: 415, invalid: 422, unreadable: 422, busy: 429, not_ready: 503, too_slow: 504 };
  const { say, put } = wording;
  const find = (id) => document.getElementById(id);

  let token = sessionStorage.getItem("token") || "";
  let model = null; // what reads, as the service says it; null until it has let us in
  let running = null; // the AbortController of what is being read
  let found = null; // the document on show: {file, options, pages, warnings}
  let shown = 0; // position of the page on show in found.pages
  let chosen = -1; // position of a word on it
  let zoom = 0;
  const page = () => found.pages[shown];

  // The service.
  class Refusal extends Error {
    constructor(status, detail, seconds) { super(detail); Object.assign(this, { status, detail, seconds }); }
  }
  const ask = async (address, options = {}) => {
    if (/[^\x21-\x7e]/.test(token)) throw new Refusal(401, ""); // no header can hold it
    const headers = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(address, { ...options, headers }).catch((error) => {
      throw error.name === "AbortError" ? error : new Refusal(0, "");
    });
    if (answer.ok) return answer;
    const { detail, error } = await answer.json().catch(() => ({}));
    const reason = error?.message ?? detail ?? answer.statusText;
    throw new Refusal(answer.status, typeof reason === "string" ? reason : JSON.stringify(reason), answer.headers.get("Retry-After"));
  };
  const json = async (...request) => (await ask(...request)).json();
  const pause = (milliseconds, signal) => new Promise((resolve, reject) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Has a document read, and yields the job's address and state, again and again until all pages are read.
  async function* run({ file, options }, further, signal) {
    await file.slice(0, 1).arrayBuffer().catch(() => { throw new Refusal("file", file.name); }); // folders can't be read
    const body = new FormData();
    Object.entries({ ...options, ...further }).forEach(([name, value]) => body.append(name, value));
    body.append("file", file);
    let state = await json("v1/jobs", { method: "POST", body, signal });
    const address = `v1/jobs/${state.id}`;
    try {
      for (let wait = FIRST_WAIT; ; wait = Math.min(1.5 * wait, LONGEST_WAIT)) {
        if (state.state === "failed") throw new Refusal(STATUSES[state.error.code] ?? 500, state.error.message);
        yield { address, state };
        if (state.state === "done") return;
        await pause(wait, signal);
        state = await json(address, { signal });
      }
    } finally {
      ask(address, { method: "DELETE", keepalive: true }).catch(() => {}); // it would be kept for an hour
    }
  }
  // Adds a document's pages to it as they are read; calls `progress` with the job's state after each look.
  const read = async (scan, signal, progress) => {
    for await (const { address, state } of run(scan, { format: "json", picture: "jpeg" }, signal)) {
      const lines = await (await ask(`${address}/pages?from=${scan.pages.length}`, { signal })).text();
      scan.pages.push(...lines.split("\n").filter(Boolean).map((line) => JSON.parse(line)));
      scan.warnings = state.warnings ?? [];
      progress(state);
    }
  };
  const readPdf = async (scan, signal, progress) => {
    for await (const { address, state } of run(scan, { format: "pdf" }, signal)) {
      progress(state);
      if (state.state === "done") return (await ask(`${address}/result`, { signal })).blob();
    }
  };

  // What is said.
  const tell = (key, values) => put(find("said"), key, values);
  const silence = (element) => { element.removeAttribute("data-say"); element.textContent = ""; };
  const complain = (error) => {
    if (!(error instanceof Refusal)) console.error(error);
    const status = KNOWN_FAULTS.includes(error.status) ? error.status : "other";
    put(find("fault-said"), `fault.${status}`, { status: error.status, seconds: error.seconds || 5 });
    find("fault-detail").textContent = error.message;
    find("fault").hidden = false;
    silence(find("said"));
  };

  // The token, asked for once a tab, and only where the service needs one.
  const connect = async () => {
    const given = token !== "";
    try {
      model = await json("v1/model");
      find("model").textContent = model.name;
      find("fault").hidden = true;
      sessionStorage.setItem("token", token);
    } catch (error) {
      model = null;
      if (error.status !== 401 || given) complain(error);
      if (error.status === 401) { token = ""; sessionStorage.removeItem("token"); }
      find("token-form").hidden = error.status !== 401;
      if (error.status === 401) find("token").focus();
      return;
    }
    find("token-form").hidden = true;
    find("choose").hidden = found !== null;
  };

  // Reading a document.
  const show = (part) => {
    find("choose").hidden = part !== "choose";
    find("working").hidden = part !== "working";
    find("result").hidden = found === null || part === "choose";
    document.body.classList.toggle("shows-result", !find("result").hidden);
  };
  const progress = ({ state, done, pages }) => {
    Object.assign(find("progress"), { max: Math.max(1, pages), value: done });
    if (!pages || state === "queued") find("progress").removeAttribute("value");
  };
  const start = async (file) => {
    if (!file || !model) return;
    running?.abort();
    const mine = running = new AbortController();
    const options = { orientation: find("orientation").checked ? "auto" : "off", pages: find("pages").value.trim() };
    const next = { file, options, pages: [], warnings: [] };
    [found, shown, chosen, zoom] = [null, 0, -1, 0];
    find("fault").hidden = true;
    show("working");
    tell("working.reading", { name: file.name });
    try {
      await read(next, mine.signal, (state) => {
        progress(state);
        if (!found && next.pages.length) {
          found = next;
          drawPage();
        } else if (found) drawTools();
        show("working");
      });
      const words = next.pages.reduce((sum, one) => sum + (one.words || []).length, 0);
      tell("working.done", { pages: next.pages.length, words });
      find("name").focus();
    } catch (error) { stopped(error, mine); } finally { finished(mine); }
  };
  const stopped = (error, mine) => {
    if (running !== mine) return; // another document was chosen
    if (error.name === "AbortError") tell("working.stopped");
    else complain(error);
    if (error.status === 401) connect();
  };
  const finished = (mine) => {
    if (running !== mine) return;
    running = null;
    show(found ? "result" : "choose");
    if (found) drawTools();
  };

  // The texts of a page, as the service writes them: lines, cells of a row with tabs between, blocks with empty lines.
  const pieces = ({ lines = [], words }) => {
    let block = 0;
    return lines.flatMap((line, index) => {
      const before = index === 0 ? "" : line.beside ? "\t" : line.block === block ? "\n" : "\n\n";
      block = line.block;
      return [before, ...line.words.flatMap((word, position) => [position ? " " : "", words[word]])];
    });
  };
  const textOf = (one) => pieces(one).map((piece) => piece.text ?? piece).join("") + (one.lines?.length ? "\n" : "");
  const percent = (word) => Math.floor(100 * word.confidence);
  const isDoubtful = (word) => word.confidence < DOUBTFUL;
  const describe = (word) => say(isDoubtful(word) ? "word.doubtful" : "word.sure", { text: word.text, percent: percent(word) });

  // The picture with its boxes, and the text beside it: a word is chosen in both at once.
  const drawPicture = () => {
    const { width, height, words, picture } = page();
    if (!words) {
      find("sheet").replaceChildren();
      return;
    }
    const overlay = draw("svg", { viewBox: `0 0 ${width} ${height}`, role: "listbox", tabindex: 0, id: "overlay" });
    put(overlay, "result.words", {}, "label");
    words.forEach((word, index) => {
      const box = draw("polygon", {
        points: word.polygon.map((corner) => corner.join(",")).join(" "), role: "option", id: `word-${index}`,
        "aria-selected": "false", "aria-label": describe(word), class: isDoubtful(word) ? "low" : "", "data-word": index,
      });
      overlay.append(box);
    });
    const image = picture ? [make("img", { alt: "", src: `data:${picture.type};base64,${picture.data}` })] : []; // else: white
    find("sheet").replaceChildren(...image, overlay);
    find("sheet").style.aspectRatio = `${width} / ${height}`;
  };
  const drawText = () => {
    const made = pieces(page()).map((piece) => {
      if (piece.text === undefined) return piece;
      const word = make("span", { textContent: piece.text, className: isDoubtful(piece) ? "low" : "" });
      word.dataset.word = piece.id;
      return word;
    });
    if (!page().words?.length) {
      made.push(put(make("p", { className: "note" }), page().error ? "page.failed" : "page.empty", { reason: page().error }));
    }
    find("text").replaceChildren(...made);
  };
  const drawWarnings = () => {
    const mine = `page ${page().number}: `;
    const said = found.warnings.filter((warning) => warning.startsWith(mine) || !/^page \d+: /.test(warning));
    const turned = page().orientation ? [put(make("li", { lang: "" }), "page.turned", { degrees: page().orientation })] : [];
    find("warnings").replaceChildren(...turned, ...said.map((text) => make("li", { textContent: text.replace(mine, "") })));
  };
  const doubtful = () => (page().words || []).map((word, index) => (isDoubtful(word) ? index : -1)).filter((index) => index >= 0);
  const drawDetail = (hovered = -1) => {
    const word = page().words?.[hovered >= 0 ? hovered : chosen];
    const hint = page().words?.length ? [put(make("span", { className: "note" }), "result.hint")] : [];
    find("detail-said").replaceChildren(...(word ? [
      make("b", { textContent: word.text, lang: "ko" }), " ",
      put(make("span", { className: "faint" }), "word.confidence", { percent: percent(word) }),
    ] : hint));
    find("doubtful").hidden = !doubtful().length;
    put(find("doubtful"), "result.doubtful", { count: doubtful().length });
  };
  const drawTools = () => {
    find("name").textContent = found.file.name;
    find("steps").hidden = found.pages.length < 2;
    put(find("position"), "page.position", { number: page().number, position: shown + 1, all: found.pages.length });
    find("previous").disabled = shown === 0;
    find("next").disabled = shown === found.pages.length - 1;
    find("zoom").textContent = `${100 * ZOOMS[zoom]} %`;
    find("smaller").disabled = zoom === 0;
    find("larger").disabled = zoom === ZOOMS.length - 1;
    find("sheet").style.width = `${100 * ZOOMS[zoom]}%`;
    find("save-pdf").disabled = running !== null;
  };
  const drawPage = () => {
    drawPicture();
    drawText();
    drawWarnings();
    drawDetail();
    drawTools();
    find("stage").scrollTo(0, 0);
    find("text").scrollTo(0, 0);
  };
  const turnTo = (position) => {
    if (!found.pages[position]) return;
    [shown, chosen] = [position, -1];
    drawPage();
  };

  const reveal = (container, element) => {
    const [outer, inner] = [container.getBoundingClientRect(), element.getBoundingClientRect()];
    if (inner.top < outer.top || inner.bottom > outer.bottom) container.scrollTop += inner.top - outer.top - outer.height / 2;
    if (inner.left < outer.left || inner.right > outer.right) container.scrollLeft += inner.left - outer.left - outer.width / 2;
  };
  const choose = (index) => {
    chosen = index;
    document.querySelectorAll("#sheet [aria-selected=true]").forEach((box) => box.setAttribute("aria-selected", "false"));
    document.querySelectorAll("#text .chosen").forEach((word) => word.classList.remove("chosen"));
    const box = find(`word-${index}`);
    const overlay = find("overlay");
    if (box) {
      const text = find("text").querySelector(`[data-word="${index}"]`);
      box.setAttribute("aria-selected", "true");
      overlay.setAttribute("aria-activedescendant", box.id);
      text.classList.add("chosen");
      reveal(find("stage"), box);
      reveal(find("text"), text);
    } else overlay?.removeAttribute("aria-activedescendant");
    drawDetail();
  };
  const wordAt = (event) => Number(event.target.closest?.("[data-word]")?.dataset.word ?? -1);
  const keys = (event) => {
    const last = page().words.length - 1;
    const to = { ArrowRight: chosen + 1, ArrowDown: chosen + 1, ArrowLeft: chosen - 1, ArrowUp: chosen - 1, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    choose(event.key === "Escape" ? -1 : Math.min(Math.max(to, 0), last));
  };

  // What is taken along.
  const save = (content, type, suffix) => {
    const link = make("a", { href: URL.createObjectURL(new Blob([content], { type })), download: found.file.name + suffix });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  const copy = async () => {
    const text = textOf(page());
    try { await navigator.clipboard.writeText(text); } catch {
      // Without https a page has no clipboard, but what is selected can be copied.
      getSelection().selectAllChildren(find("text"));
      document.execCommand("copy");
    }
    tell("result.copied");
  };
  const savePdf = async () => {
    const mine = running = new AbortController();
    find("fault").hidden = true;
    drawTools();
    show("working");
    tell("result.making_pdf");
    try {
      save(await readPdf(found, mine.signal, progress), "application/pdf", ".pdf");
      tell("result.saved");
    } catch (error) { stopped(error, mine); } finally { finished(mine); }
  };
  const saveJson = () => {
    const pages = found.pages.map(({ picture, ...rest }) => rest);
    save(JSON.stringify({ file: found.file.name, model, pages, warnings: found.warnings }), "application/json", ".json");
  };

  // Start.
  const redraw = () => {
    if (!found) return;
    [drawPicture, drawTools].forEach((part) => part());
    choose(chosen);
  };
  wording.start(await (await fetch("page/texts.json")).json(), () => redraw());
  const on = (id, kind, listener) => find(id).addEventListener(kind, listener);
  on("token-form", "submit", (event) => { event.preventDefault(); token = find("token").value.trim(); find("token").value = ""; connect(); });
  on("choose", "submit", (event) => event.preventDefault());
  on("file", "change", (event) => { start(event.target.files[0]); event.target.value = ""; });
  on("stop", "click", () => running?.abort());
  on("another", "click", () => { running?.abort(); show("choose"); silence(find("said")); find("file").focus(); });
  on("previous", "click", () => turnTo(shown - 1));
  on("next", "click", () => turnTo(shown + 1));
  [["smaller", -1], ["larger", 1]].forEach(([id, by]) => on(id, "click", () => { zoom += by; drawTools(); }));
  on("copy", "click", copy);
  on("save-text", "click", () => save(found.pages.map((one) => `${textOf(one)}\f`).join(""), "text/plain;charset=utf-8", ".txt"));
  on("save-json", "click", saveJson);
  on("save-pdf", "click", savePdf);
  on("doubtful", "click", () => { choose(doubtful().find((index) => index > chosen) ?? doubtful()[0]); find("overlay").focus({ preventScroll: true }); });
  on("sheet", "keydown", keys);
  on("sheet", "focusin", () => { if (chosen < 0) choose(0); });
  ["sheet", "text"].forEach((id) => {
    on(id, "click", (event) => { if (wordAt(event) >= 0) choose(wordAt(event)); });
    on(id, "mouseover", (event) => drawDetail(wordAt(event)));
    on(id, "mouseleave", () => drawDetail());
  });
  addEventListener("paste", (event) => {
    const [file] = event.clipboardData.files;
    if (file) start(file);
    else if (model && !event.target.closest?.("input")) tell("choose.nothing_pasted");
  });
  addEventListener("pagehide", () => running?.abort());
  addEventListener("dragover", (event) => { event.preventDefault(); document.body.classList.add("dropping"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) document.body.classList.remove("dropping"); });
  addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dropping");
    start(event.dataTransfer.files[0]);
  });
  connect();
})();
