// The sign-in dialog. It lies over the page, which stays as it is: what was typed is still there
// afterwards, and what was being sent goes on.

import { h, replace } from "./dom.js";
import { NotSignedIn, resetPassword, sendCode, signIn, signInWithNewPassword } from "./session.js";
import { dialog, field, form, input } from "./ui.js";

let open = null;

// Fulfilled when somebody has signed in; one dialog for all who ask.
export function askToSignIn() {
  open ??= new Promise((resolve) => {
    const place = h("div", {});
    const element = dialog({ title: "Sign in", content: place, isClosable: false });
    const done = () => {
      element.close();
      open = null;
      resolve();
    };
    replace(place, password(place, done));
    place.querySelector("input").focus();
  });
  return open;
}

function password(place, done) {
  return [
    form({
      fields: [
        field("Email or user name", input("username", { required: true, autocomplete: "username", maxlength: 200 })),
        field("Password", input("password", { required: true, type: "password", autocomplete: "current-password" })),
      ],
      submit: "Sign in",
      send: ({ username, password: given }) => refused(signIn(username, given), "The name or the password is not right."),
      done: (challenge, element) =>
        challenge ? turn(place, firstPassword(element.elements.username.value, challenge.challenge, done)) : done(),
    }),
    h("p", {}, h("button", { type: "button", class: "link", onclick: () => turn(place, forgotten(place, done)) }, "I forgot my password")),
  ];
}

function firstPassword(username, challenge, done) {
  return form({
    fields: [h("p", {}, "This is your first visit. Choose a password of your own."), newPassword()],
    submit: "Save and sign in",
    send: ({ new_password: given }) =>
      refused(signInWithNewPassword(username, given, challenge), "This took too long. Reload the page and sign in again."),
    done,
  });
}

function forgotten(place, done) {
  return form({
    fields: [field("Email or user name", input("username", { required: true, autocomplete: "username" }), "A code is sent to your email.")],
    submit: "Send me a code",
    send: async ({ username }) => (await sendCode(username), username),
    done: (username) => turn(place, reset(username, place, done)),
  });
}

function reset(username, place, done) {
  return form({
    fields: [
      field("Code", input("code", { required: true, inputmode: "numeric", autocomplete: "one-time-code" })),
      newPassword(),
    ],
    submit: "Save the password",
    send: ({ code, new_password: given }) => refused(resetPassword(username, code, given), "The code is not right, or too old."),
    done: () => turn(place, password(place, done)),
  });
}

const newPassword = () =>
  field(
    "New password",
    input("new_password", { required: true, type: "password", minlength: 12, autocomplete: "new-password" }),
    "At least 12 characters, with a capital letter, a small letter and a digit.",
  );

function turn(place, content) {
  replace(place, content);
  place.querySelector("input").focus();
}

async function refused(promise, text) {
  try {
    return await promise;
  } catch (error) {
    throw error instanceof NotSignedIn ? new Error(text) : error;
  }
}
