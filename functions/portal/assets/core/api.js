// Calls to the API. A call that finds no session asks for one (the page shows its sign-in dialog) and
// is then sent once more as it was, so nothing that was typed is lost.

import { address } from "./address.js";
import { distrust, NotSignedIn, token } from "./session.js";

// An RFC 9457 problem: `code` is stable, `errors` names the fields that are wrong.
export class Problem extends Error {
  constructor(document) {
    super(document.detail ?? document.title);
    this.status = document.status;
    this.code = document.code;
    this.errors = document.errors ?? [];
    this.document = document;
  }
}

let askToSignIn = async () => {
  throw new NotSignedIn();
};

// `ask` returns a promise that is fulfilled when somebody has signed in.
export function whenSignedOut(ask) {
  askToSignIn = ask;
}

// The key of one write: the same for every attempt at it, so that it happens once.
export const newKey = () => crypto.randomUUID();

export const get = (path, query = {}) => call("GET", withQuery(path, query));

export const post = (path, body, key) => call("POST", path, { body, key });

export const put = (path, body, key) => call("PUT", path, { body, key });

export const patch = (path, body, key) => call("PATCH", path, { body, key });

export const remove = (path, key) => call("DELETE", path, { key });

// A document that is not JSON, as { text, response }; `accept` as "text/csv".
export async function download(path, query, accept) {
  const response = await answered("GET", withQuery(path, query), { accept });
  return { text: await response.text(), response };
}

async function call(method, path, options) {
  const response = await answered(method, path, options);
  return response.status === 204 ? null : response.json();
}

async function answered(method, path, options = {}) {
  let response = await attempt(method, path, options);
  while (response === null) {
    await askToSignIn();
    response = await attempt(method, path, options);
  }
  if (!response.ok) throw new Problem(await problem(response));
  return response;
}

// Null where the session is missing or over.
async function attempt(method, path, { body, key, accept }) {
  for (const isLast of [false, true]) {
    let bearer;
    try {
      bearer = await token();
    } catch (error) {
      if (error instanceof NotSignedIn) return null;
      throw error;
    }
    const response = await send(method, path, { body, key, accept, bearer });
    if (response.status !== 401) return response;
    distrust();
    if (isLast) return null;
  }
  return null;
}

function send(method, path, { body, key, accept, bearer }) {
  const headers = { authorization: `Bearer ${bearer}`, accept: accept ?? "application/json" };
  if (body !== undefined) headers["content-type"] = "application/json";
  if (key !== undefined) headers["idempotency-key"] = key;
  const content = body === undefined ? undefined : JSON.stringify(body);
  return fetch(address(path), { method, headers, body: content });
}

async function problem(response) {
  try {
    return await response.json();
  } catch {
    return { status: response.status, code: "unreadable", title: `The server answered ${response.status}` };
  }
}

function withQuery(path, query) {
  const known = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return known.length ? `${path}?${new URLSearchParams(known)}` : path;
}
