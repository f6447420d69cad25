// Who is signed in. The refresh token is in a cookie that no script can read; the id token lives in
// this module and dies with the page. Storage only keeps the fact that there is a session to renew.

import { address } from "./address.js";

const MARK = "points-ledger-signed-in";
const EARLY_SECONDS = 60;

let current = null;
let renewing = null;

export class NotSignedIn extends Error {}

// Who the person is, by the token: for showing and hiding; every call is judged by the API.
export function person() {
  if (!current) return null;
  const groups = current.claims["cognito:groups"] ?? [];
  return {
    name: current.claims.name ?? current.claims.email ?? current.claims["cognito:username"] ?? "",
    memberId: current.claims["custom:member_id"] ?? null,
    subject: current.claims.sub,
    isAdmin: groups.includes("admin"),
    isStaff: groups.includes("staff") || groups.includes("admin"),
  };
}

// The token for a call; throws NotSignedIn where there is no session.
export async function token() {
  if (current && Date.now() < current.goodUntil) return current.idToken;
  if (!localStorage.getItem(MARK)) throw new NotSignedIn();
  renewing ??= send("POST", "session/renewal").then(begin).finally(() => (renewing = null));
  await renewing;
  return current.idToken;
}

// The token was refused: the next call renews it.
export function distrust() {
  current = null;
}

export async function signIn(username, password) {
  return begin(await send("POST", "session", { username, password }));
}

export async function signInWithNewPassword(username, newPassword, challenge) {
  const body = { username, new_password: newPassword, challenge };
  return begin(await send("POST", "session/new-password", body));
}

export const sendCode = (username) => send("POST", "session/forgotten-password", { username });

export const resetPassword = (username, code, newPassword) =>
  send("POST", "session/reset-password", { username, code, new_password: newPassword });

export async function signOut() {
  current = null;
  localStorage.removeItem(MARK);
  await fetch(address("session"), { method: "DELETE" });
}

async function send(method, path, body) {
  const response = await fetch(address(path), {
    method,
    headers: body ? { "content-type": "application/json" } : {},
    body: body ? JSON.stringify(body) : undefined,
  });
  if (response.status === 401) {
    if (path === "session/renewal") localStorage.removeItem(MARK);
    throw new NotSignedIn();
  }
  const answer = await response.json();
  if (!response.ok) throw Object.assign(new Error(answer.detail), { problem: answer });
  return answer;
}

// Returns the answer itself where it asks for a new password.
function begin(answer) {
  if (!answer.id_token) return answer;
  current = {
    idToken: answer.id_token,
    claims: claims(answer.id_token),
    goodUntil: Date.now() + (answer.expires_in_seconds - EARLY_SECONDS) * 1000,
  };
  localStorage.setItem(MARK, "yes");
  return null;
}

function claims(idToken) {
  const payload = idToken.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(payload), (each) => each.codePointAt(0));
  return JSON.parse(new TextDecoder().decode(bytes));
}
