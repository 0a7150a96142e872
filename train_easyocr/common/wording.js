// Korean and English by a switch: what was chosen before, else what the browser prefers.
//   wording.start(table, redraw)   the texts, {key: {en, ko}}; `redraw` is called whenever the language changes
//   wording.say(key, values)       a text: {name} is a value, {name:kind} what the table calls it (`kind.value`)
//   wording.put(element, key, values, attribute)   a text that follows the switch, as an element's content or attribute
//   wording.translate(root)        elements that say which texts they show: data-say, data-say-title, data-say-label,
//                                  data-say-placeholder; their values are JSON in data-values
"use strict";
const wording = (() => {
  const STORED = "language";
  const ATTRIBUTES = { "": "textContent", title: "title", label: "ariaLabel", placeholder: "placeholder" };
  const languages = ["ko", "en"];
  let table = {};
  let language = "en";
  let redraw = () => {};

  // A file that was opened from a disk may have no storage.
  const stored = () => { try { return localStorage.getItem(STORED); } catch { return null; } };
  const store = () => { try { localStorage.setItem(STORED, language); } catch { /* forgotten when the page is closed */ } };
  const preferred = () => [stored(), ...navigator.languages.map((name) => name.split("-")[0])]
    .find((name) => languages.includes(name)) || "en";

  const say = (key, values = {}) => (table[key] || {})[language]?.replace(/\{(\w+)(?::(\w+))?\}/g,
    (whole, name, kind) => (kind ? term(kind, values[name]) : values[name])) ?? key;
  const term = (kind, name) => (`${kind}.${name}` in table ? say(`${kind}.${name}`) : String(name));

  const nameOf = (attribute) => (attribute ? `data-say-${attribute}` : "data-say");
  const show = (element) => {
    const values = JSON.parse(element.getAttribute("data-values") || "{}");
    Object.entries(ATTRIBUTES).forEach(([attribute, property]) => {
      const key = element.getAttribute(nameOf(attribute));
      if (key !== null) element[property] = say(key, values);
    });
  };
  const put = (element, key, values = {}, attribute = "") => {
    element.setAttribute(nameOf(attribute), key);
    element.setAttribute("data-values", JSON.stringify(values));
    show(element);
    return element;
  };
  const translate = (root = document) => {
    root.querySelectorAll(Object.keys(ATTRIBUTES).map((attribute) => `[${nameOf(attribute)}]`).join()).forEach(show);
  };

  const apply = () => {
    document.documentElement.lang = language;
    translate();
    document.querySelectorAll("[data-language]").forEach((button) => {
      button.setAttribute("aria-pressed", button.dataset.language === language);
    });
    redraw();
  };
  const start = (texts, onChange) => {
    [table, redraw, language] = [texts, onChange, preferred()];
    document.querySelectorAll("[data-language]").forEach((button) => {
      button.addEventListener("click", () => { language = button.dataset.language; store(); apply(); });
    });
    document.querySelectorAll(".languages").forEach((group) => { group.hidden = false; });
    apply();
  };
  return { start, say, term, put, translate };
})();
