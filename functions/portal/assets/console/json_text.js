// JSON with places: what a text says, and where in it each part stands, so that "earning_rules.0.points
// must be above 0" can be shown at its line. Strict as the API is: a name twice is an error.

const MAX_DEPTH = 64;
const WIDTH = 88;
const SPACE = /[ \t\n\r]*/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const WORD = /true|false|null/y;

class Unreadable extends Error {
  constructor(message, at) {
    super(message);
    this.at = at;
  }
}

// Returns { value, places: Map of "a.0.b" → { start, end } } or { error: { message, start, end } }.
export function readJson(text) {
  const places = new Map();
  let at = 0;

  const skip = () => take(SPACE);
  function take(pattern) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (!found) return null;
    at = pattern.lastIndex;
    return found[0];
  }
  function expect(sign, what) {
    skip();
    if (text[at] !== sign) throw new Unreadable(what, at);
    at += 1;
  }

  function part(path) {
    skip();
    if (path.length > MAX_DEPTH) throw new Unreadable("is nested too deeply", at);
    const start = at;
    const value = text[at] === "{" ? object(path) : text[at] === "[" ? list(path) : scalar();
    places.set(path.join("."), { start, end: at });
    return value;
  }

  function scalar() {
    const found = take(STRING) ?? take(NUMBER) ?? take(WORD);
    if (found !== null) return JSON.parse(found);
    if (text[at] === '"') throw new Unreadable("This text has no end, or a character that must be written with \\", at);
    throw new Unreadable(at < text.length ? `A value was expected, not ${text[at]}` : "A value is missing at the end", at);
  }

  function object(path) {
    const value = {};
    at += 1;
    skip();
    if (text[at] === "}") return (at += 1), value;
    for (;;) {
      skip();
      const start = at;
      const name = take(STRING);
      if (name === null) throw new Unreadable("A name in double quotes was expected", at);
      const key = JSON.parse(name);
      if (Object.hasOwn(value, key)) throw new Unreadable(`${name} is here twice`, start);
      expect(":", `A colon was expected after ${name}`);
      // Not by assignment: "__proto__" is a name like any other.
      Object.defineProperty(value, key, { value: part([...path, key]), enumerable: true });
      if (ends("}")) return value;
    }
  }

  function list(path) {
    const value = [];
    at += 1;
    skip();
    if (text[at] === "]") return (at += 1), value;
    for (;;) {
      value.push(part([...path, value.length]));
      if (ends("]")) return value;
    }
  }

  function ends(sign) {
    skip();
    if (text[at] === sign) return (at += 1), true;
    if (text[at] !== ",") throw new Unreadable(`A comma or ${sign} was expected`, at);
    at += 1;
    return false;
  }

  try {
    const value = part([]);
    skip();
    if (at < text.length) throw new Unreadable("Something follows the end of the document", at);
    return { value, places };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { error: { message: error.message, start: error.at, end: Math.min(text.length, error.at + 1) } };
  }
}

// Where a path stands, or the nearest part around it: what is missing has no place of its own.
export function placeOf(places, path) {
  const parts = path.split(".");
  for (let length = parts.length; length > 0; length -= 1) {
    const found = places.get(parts.slice(0, length).join("."));
    if (found) return found;
  }
  return places.get("") ?? { start: 0, end: 0 };
}

// The line of an offset, from 1.
export const lineAt = (text, offset) => text.slice(0, offset).split("\n").length;

// As people write it: what fits on a line stands on one.
export function writeJson(value, indent = "", before = 0) {
  const plain = JSON.stringify(value);
  if (value === null || typeof value !== "object") return plain;
  const spaced = onOneLine(value);
  if (indent !== "" && indent.length + before + spaced.length < WIDTH) return spaced;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const lines = Array.isArray(value)
    ? value.map((each) => inner + writeJson(each, inner))
    : Object.entries(value).map(([name, each]) => {
        const start = `${JSON.stringify(name)}: `;
        return inner + start + writeJson(each, inner, start.length);
      });
  return lines.length ? `${open}\n${lines.join(",\n")}\n${indent}${close}` : open + close;
}

function onOneLine(value) {
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(onOneLine).join(", ")}]`;
  return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${onOneLine(each)}`).join(", ")}}`;
}
