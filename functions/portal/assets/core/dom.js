// Elements from plain calls: h("p", {class: "hint"}, "Hello ", name). Texts become text nodes and
// attributes are set as attributes, so nothing that a person typed can ever become markup.

export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key in PROPERTIES) element[PROPERTIES[key]] = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...nodes(children));
  return element;
}

// The state of a control, which its attribute only begins with.
const PROPERTIES = { value: "value", checked: "checked", disabled: "disabled", hidden: "hidden" };

const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((each) => each !== null && each !== undefined && each !== false);
}

export function replace(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

let count = 0;

// An id that no other element of the page has.
export function newId(prefix = "id") {
  count += 1;
  return `${prefix}-${count}`;
}
