// New elements: HTML with its properties, SVG with its attributes, and their children.
"use strict";
const make = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};
const draw = (tag, attributes, ...children) => {
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => drawn.setAttribute(name, value));
  drawn.append(...children);
  return drawn;
};
