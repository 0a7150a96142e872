// The part of the report that moves: which details are shown, and the browser of pages.
// All that it shows stands in the address, so that a link leads to the same view:
//   #errors                                          a section of the report
//   #pages=&model=…&class=…&category=…&sort=…&find=…  a list of pages
//   #page=NAME&box=xmin,ymin,xmax,ymax&…             a page, with a word marked
"use strict";
(() => {
  const ROW_HEIGHT = 48;
  const FILTERS = ["model", "class", "category", "sort", "find"];
  const find = (id) => document.getElementById(id);
  const { say, term, put } = wording;
  let redraw = () => {};
  wording.start(JSON.parse(find("texts").textContent), () => redraw());

  const complain = (message) => {
    document.documentElement.dataset.fault = message;
    put(find("fault"), "fault", { message });
    find("fault").hidden = false;
  };
  addEventListener("error", (event) => complain(event.message));

  const data = JSON.parse(find("data").textContent);
  const judged = data.models[data.models.length - 1];
  const faults = data.classes.slice(1);
  // Position in this list is also the number in the ids of a page's data and picture.
  data.pages.forEach((page, index) => { page.index = index; });

  // What is shown: the address taken apart.
  const read = () => {
    const given = new URLSearchParams(location.hash.slice(1));
    const state = { browsing: given.has("page") || given.has("pages"), page: given.get("page") || "" };
    FILTERS.forEach((name) => { state[name] = given.get(name) || ""; });
    if (!data.models.includes(state.model)) state.model = judged;
    if (!faults.includes(state.class)) state.class = "";
    const box = (given.get("box") || "").split(",").map(Number);
    state.box = box.length === 4 && box.every(Number.isFinite) ? box : null;
    return state;
  };
  const address = (state) => {
    const parameters = new URLSearchParams(state.page ? { page: state.page } : { pages: "" });
    FILTERS.forEach((name) => {
      if (state[name] && !(name === "model" && state.model === judged)) parameters.set(name, state[name]);
    });
    if (state.box) parameters.set("box", state.box.join(","));
    return `#${parameters}`;
  };

  let state = read();
  let pages = [];
  const layers = new Map(); // by model, "" for the labels: {boxes, texts}
  const showOnly = (model) => data.models.forEach((name) => layers.set(name, { boxes: name === model, texts: false }));
  const zooms = [1, 1.5, 2, 3, 4];
  let zoom = 0;

  // The list of pages.
  const countOf = (page, model, name) => page.label_classes[model][name] || page.prediction_classes[model][name] || 0;
  const gainOf = (page) => page.f1[state.model] - Math.max(...data.models.filter((name) => name !== state.model).map((name) => page.f1[name]));
  const orders = {
    "": (a, b) => a.f1[state.model] - b.f1[state.model],
    gain: (a, b) => gainOf(a) - gainOf(b),
    count: (a, b) => countOf(b, state.model, state.class) - countOf(a, state.model, state.class),
    name: (a, b) => (a.name < b.name ? -1 : 1),
  };
  const select = () => {
    pages = data.pages.filter((page) =>
      (!state.class || countOf(page, state.model, state.class) > 0)
      && (!state.category || page.category === state.category)
      && (!state.find || page.name.includes(state.find)));
    pages.sort((a, b) => (orders[state.sort] || orders[""])(a, b) || a.index - b.index);
  };
  const row = (page) => {
    const detail = state.class
      ? say("browser.in_class", { count: countOf(page, state.model, state.class), class: state.class })
      : say("browser.words", { count: page.labels });
    const link = make("a", { href: address({ ...state, page: page.name, box: null }), title: page.name },
      make("span", {}, make("bdi", { textContent: page.name.split("/").pop(), lang: "ko" }), make("b", { textContent: page.f1[state.model].toFixed(3) })),
      make("span", {}, make("small", { textContent: page.category, lang: "ko" }), make("small", { textContent: detail })));
    if (page.name === state.page) link.setAttribute("aria-current", "page");
    return make("li", {}, link);
  };
  // Only the rows in sight are in the document.
  const drawList = () => {
    const list = find("list");
    const first = Math.max(0, Math.floor(list.scrollTop / ROW_HEIGHT) - 5);
    const visible = Math.ceil(list.clientHeight / ROW_HEIGHT) + 10;
    find("list-height").style.height = `${pages.length * ROW_HEIGHT}px`;
    find("list-rows").style.top = `${first * ROW_HEIGHT}px`;
    find("list-rows").replaceChildren(...pages.slice(first, first + visible).map(row));
  };
  const keepInSight = (position) => {
    const list = find("list");
    const top = position * ROW_HEIGHT;
    if (top < list.scrollTop || top + ROW_HEIGHT > list.scrollTop + list.clientHeight) {
      list.scrollTop = top - list.clientHeight / 2 + ROW_HEIGHT / 2;
    }
  };

  // One page. Its data and picture stay as text until it is shown.
  const open = (page) => JSON.parse(find(`page-${page.index}`).textContent);
  const picture = (page) => find(`picture-${page.index}`);

  const wordsOf = (record, model) => record.models[data.models.indexOf(model)].map((entry, index) => {
    const label = record.labels[index];
    return {
      kind: data.classes[entry[0]],
      label: label ? label[4] : null,
      read: entry.length === 1 ? null : entry[2] === 0 ? label[4] : entry[2],
      confidence: entry.length === 1 ? null : entry[1],
      box: label ? label.slice(0, 4) : entry.slice(3),
      readBox: entry.length === 1 ? null : entry.slice(3),
    };
  });

  const isUpright = ([xmin, ymin, xmax, ymax], text) => text.length > 1 && ymax - ymin >= 1.5 * (xmax - xmin);
  // A text within its box; where several layers have texts, each takes a part of the box's height.
  const lettering = (box, text, part, parts) => {
    const [xmin, , xmax] = box;
    const upright = isUpright(box, text);
    const height = upright ? box[3] - box[1] : (box[3] - box[1]) / parts;
    const top = upright ? box[1] : box[1] + part * height;
    const width = xmax - xmin;
    const em = [...text].reduce((sum, letter) => sum + (letter < "\u0300" ? 0.56 : 1), 0);
    const size = Math.max(1, upright ? Math.min(0.9 * width, height / Math.max(1, text.length)) : 0.86 * height);
    const attributes = { x: (xmin + xmax) / 2, y: top + height / 2, "font-size": size.toFixed(1), lang: "ko" };
    if (upright) attributes.style = "writing-mode: vertical-rl; text-orientation: upright";
    else if (em * size > width) Object.assign(attributes, { textLength: Math.max(1, width), lengthAdjust: "spacingAndGlyphs" });
    return [
      draw("rect", { x: xmin, y: top, width: Math.max(0, width), height: Math.max(0, height) }),
      draw("text", attributes, text),
    ];
  };
  const drawWord = (layer, kind, box, text, part, parts, title) => {
    const shown = layers.get(layer);
    const [xmin, ymin, xmax, ymax] = box;
    const dim = state.class && kind !== state.class ? " dim" : "";
    const group = draw("g", { class: `${layer === "" ? "labels " : ""}k-${kind}${dim}` }, draw("title", {}, title));
    if (shown.boxes) group.append(draw("rect", { x: xmin, y: ymin, width: Math.max(0, xmax - xmin), height: Math.max(0, ymax - ymin) }));
    if (shown.texts && text) {
      const worded = draw("g", { class: shown.boxes && parts === 1 ? "worded" : "worded boxless" });
      worded.append(...lettering(box, text, part, parts));
      group.append(worded);
    }
    return group;
  };
  const describe = (word) => {
    const key = word.label === null ? "word.added" : word.read === null ? "word.missed" : "word.read";
    const described = say(key, { class: word.kind, label: word.label, read: word.read });
    return word.confidence === null ? described : say("word.confidence", { word: described, confidence: word.confidence.toFixed(3) });
  };
  const drawOverlay = (record) => {
    const svg = draw("svg", { viewBox: `0 0 ${record.width} ${record.height}` });
    const texts = [...layers].filter(([, shown]) => shown.texts).map(([name]) => name);
    const parts = Math.max(1, texts.length);
    const ofState = wordsOf(record, state.model);
    [...layers].filter(([, shown]) => shown.boxes || shown.texts).forEach(([layer]) => {
      const part = Math.max(0, texts.indexOf(layer));
      if (layer === "") {
        ofState.slice(0, record.labels.length).forEach((word) =>
          svg.append(drawWord("", word.kind, word.box, word.label, part, parts, say("word.label", { label: word.label, class: word.kind }))));
      } else {
        wordsOf(record, layer).filter((word) => word.readBox).forEach((word) =>
          svg.append(drawWord(layer, word.kind, word.readBox, word.read, part, parts, `${layer}: ${describe(word)}`)));
      }
    });
    if (state.box) {
      const [xmin, ymin, xmax, ymax] = state.box;
      svg.append(draw("rect", { class: "mark", x: xmin, y: ymin, width: Math.max(0, xmax - xmin), height: Math.max(0, ymax - ymin) }));
    }
    return svg;
  };

  const wordButton = (word) => {
    const texts = word.label === null ? [say("word.no_label"), " → ", word.read] : [word.label, " → ", word.read === null ? say("word.not_found") : word.read];
    const button = make("button", { type: "button", title: describe(word) },
      make("i", { className: `swatch c-${word.kind}` }),
      make("span", { className: "texts", lang: "ko", textContent: texts.join("") }),
      make("small", { textContent: term("class", word.kind) + (word.confidence === null ? "" : ` ${word.confidence.toFixed(2)}`) }));
    if (String(word.box) === String(state.box)) button.setAttribute("aria-current", "true");
    button.addEventListener("click", () => {
      if (zoom < 2) zoom = 2;
      location.replace(address({ ...state, box: word.box }));
    });
    return make("li", {}, button);
  };
  const drawWords = (record) => {
    const wrong = wordsOf(record, state.model).filter((word) => word.kind !== "right" && (!state.class || word.kind === state.class));
    find("words-title").textContent = say(state.class ? "word.wrong_in_class" : "word.wrong", { count: wrong.length, model: state.model, class: state.class });
    find("words-list").replaceChildren(...wrong.map(wordButton));
  };

  const drawLayers = () => {
    const buttons = [...layers].map(([name, shown]) => make("span", { className: "layer" },
      make("span", { textContent: name || say("labels") }),
      ...["boxes", "texts"].map((what) => {
        const button = make("button", { type: "button", textContent: say(`browser.${what}`) });
        button.setAttribute("aria-pressed", shown[what]);
        button.setAttribute("aria-label", say(`browser.${what}_of`, { layer: name || say("labels") }));
        button.addEventListener("click", () => { shown[what] = !shown[what]; render(); });
        return button;
      })));
    const sizes = [["−", -1, "smaller"], ["+", 1, "larger"]].map(([sign, step, label]) => {
      const button = make("button", { type: "button", textContent: sign });
      button.setAttribute("aria-label", say(`browser.${label}`));
      button.disabled = !zooms[zoom + step];
      button.addEventListener("click", () => { zoom += step; render(); });
      return button;
    });
    find("layers").replaceChildren(...buttons, make("span", { className: "layer" }, make("span", { textContent: `${100 * zooms[zoom]} %` }), ...sizes));
  };

  let shownPicture = null; // the page whose picture is in the sheet: decoded once, however often the overlay changes
  const drawPage = (page) => {
    const record = open(page);
    const sheet = find("sheet");
    sheet.style.width = `${100 * zooms[zoom]}%`;
    sheet.style.aspectRatio = `${record.width} / ${record.height}`;
    if (shownPicture !== page) {
      const source = picture(page);
      sheet.replaceChildren(...(source ? [make("img", { alt: "", src: `data:image/webp;base64,${source.textContent}` })] : []));
      shownPicture = page;
    }
    sheet.querySelectorAll("svg").forEach((svg) => svg.remove());
    sheet.append(drawOverlay(record));
    drawWords(record);
    find("page-name").textContent = page.name;
    find("page-scores").textContent = data.models.map((name) => `${name} ${page.f1[name].toFixed(4)}`).join(" · ");
    const marked = sheet.querySelector(".mark");
    if (marked) {
      const stage = find("stage");
      const scale = sheet.clientWidth / record.width;
      stage.scrollTo((state.box[0] + state.box[2]) / 2 * scale - stage.clientWidth / 2, (state.box[1] + state.box[3]) / 2 * scale - stage.clientHeight / 2);
    }
  };
  const drawNothing = (message) => {
    shownPicture = null;
    find("sheet").replaceChildren();
    find("page-name").textContent = message;
    find("page-scores").textContent = find("words-title").textContent = "";
    find("words-list").replaceChildren();
  };

  const drawBrowser = () => {
    select();
    find("filter-model").value = state.model;
    find("filter-class").value = state.class;
    find("filter-category").value = state.category;
    find("filter-sort").value = state.sort;
    if (document.activeElement !== find("filter-find")) find("filter-find").value = state.find;
    find("found").textContent = say("browser.found", { found: pages.length, all: data.pages.length, model: state.model });
    // A link to a page shows it even where the filters leave it out.
    const page = state.page ? data.pages.find((entry) => entry.name === state.page) : pages[0];
    if (page) state.page = page.name;
    const position = pages.indexOf(page);
    find("position").textContent = say("browser.position", { position: position < 0 ? "–" : position + 1, all: pages.length });
    find("previous").disabled = position <= 0;
    find("next").disabled = position < 0 ? !pages.length : position >= pages.length - 1;
    drawLayers();
    if (page) drawPage(page);
    else drawNothing(state.page ? say("browser.nowhere", { page: state.page }) : say("browser.nothing"));
    if (position >= 0) keepInSight(position);
    drawList();
  };

  const render = () => {
    document.body.classList.toggle("view-pages", state.browsing);
    find("report").hidden = state.browsing;
    find("browser").hidden = !state.browsing;
    if (state.browsing) drawBrowser();
  };
  const step = (by) => {
    const position = pages.findIndex((page) => page.name === state.page);
    const next = pages[position < 0 ? 0 : position + by];
    if (next) location.hash = address({ ...state, page: next.name, box: null });
  };
  const follow = () => {
    const before = state;
    state = read();
    if (state.model !== before.model) showOnly(state.model);
    if (state.page !== before.page) zoom = state.box ? Math.max(zoom, 2) : 0;
    render();
    if (!state.browsing) find(location.hash.slice(1))?.scrollIntoView();
  };

  // Start.
  layers.set("", { boxes: true, texts: false });
  showOnly(state.model);
  find("filter-category").append(...[...new Set(data.pages.map((page) => page.category))].filter(Boolean).sort()
    .map((name) => make("option", { textContent: name })));
  FILTERS.forEach((name) => {
    find(`filter-${name}`).addEventListener("input", (event) => {
      location.replace(address({ ...state, [name]: event.target.value, page: "", box: null }));
    });
  });
  find("filters").addEventListener("submit", (event) => event.preventDefault());
  find("details-of")?.addEventListener("input", (event) => {
    document.querySelectorAll(".of-model").forEach((part) => { part.hidden = part.dataset.model !== event.target.value; });
  });
  find("list").addEventListener("scroll", drawList);
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  addEventListener("resize", () => { if (state.browsing) drawList(); });
  addEventListener("keydown", (event) => {
    if (!state.browsing || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (by) { event.preventDefault(); step(by); }
  });
  addEventListener("hashchange", follow);
  follow();
  redraw = () => { if (state.browsing) render(); };
})();
